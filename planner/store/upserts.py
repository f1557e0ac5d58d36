"""Insert-or-replace and insert-once, in the words of either database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from planner.store.tables import Base

ROWS_PER_STATEMENT = 500


def upsert(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``; one whose primary key exists is replaced."""
    keys = [column.name for column in inspect(table).primary_key]
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        statement = _insert(session, table)
        others = {c.name: statement.excluded[c.name] for c in inspect(table).columns if c.name not in keys}
        replace = statement.on_conflict_do_update(index_elements=keys, set_=others)
        session.execute(replace, [dict(row) for row in rows[start : start + ROWS_PER_STATEMENT]])


def insert_once(session: Session, table: type[Base], row: Mapping[str, Any], unique: Sequence[str]) -> Any:
    """
    Insert ``row`` unless one with the same ``unique`` columns exists.

    Returns the new primary key, or None where the row was already there. (The row count after
    ``ON CONFLICT DO NOTHING`` does not tell with psycopg; ``RETURNING`` does.)
    """
    key = inspect(table).primary_key[0]
    statement = (
        _insert(session, table)
        .values(**row)
        .on_conflict_do_nothing(index_elements=list(unique))
        .returning(key)
    )
    return session.execute(statement).scalar_one_or_none()


def _insert(session: Session, table: type[Base]) -> Any:
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
