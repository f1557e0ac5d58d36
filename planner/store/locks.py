"""Locks of PostgreSQL beyond rows; SQLite has one writer at a time anyway."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

ROLL_UP = 7_217_043_119  # an arbitrary number of our own


def lock_roll_ups(session: Session) -> None:
    """Until this transaction ends nobody else moves observed load from one resolution to the next."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ROLL_UP})


def keep_roll_ups_still(session: Session) -> None:
    """
    Two queries of this transaction see the same roll-ups.

    A unit of work that reads has one snapshot for all its queries; one that writes sees each query's own, and
    waits here for a roll-up in progress, which then waits for it.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return
    if connection.get_execution_options().get("isolation_level") != "REPEATABLE READ":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": ROLL_UP})
