"""Who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


class AuditRow(Base):
    """Who changed what, and when; rows are only ever added."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Id)
    details: Mapped[dict[str, Any]]
