"""Who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


class AuditRow(Base):
    """
    Who changed what, when, from where and why, chained by digests (``planner.store.audit_chain``).

    Rows are only ever added: triggers of the database refuse every change (migration 0006).
    """

    __tablename__ = "audit_log"
    __table_args__ = (UniqueConstraint("fleet", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    number: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Id)
    reason: Mapped[str | None]
    client_address: Mapped[str | None] = mapped_column(Id)
    request_id: Mapped[str | None] = mapped_column(Id)
    details: Mapped[dict[str, Any]]
    digest_before: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The end of each fleet's chain; whoever adds to the chain holds its row until the commit."""

    __tablename__ = "audit_heads"

    fleet: Mapped[str] = mapped_column(Id, primary_key=True)
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
