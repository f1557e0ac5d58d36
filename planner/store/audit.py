"""Repository of the audit log: rows are added, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from planner.store.records import AuditEntry
from planner.store.tables import AuditRow


class AuditRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, *, actor: str, action: str, subject: str, **details: Any) -> None:
        self._session.add(
            AuditRow(
                fleet=self._fleet,
                at=self._now,
                actor=actor,
                action=action,
                subject=subject,
                details=details,
            )
        )
        self._session.flush()

    def newest(self, *, limit: int) -> list[AuditEntry]:
        """Newest first."""
        query = (
            select(AuditRow).where(AuditRow.fleet == self._fleet).order_by(AuditRow.id.desc()).limit(limit)
        )
        return [
            AuditEntry(row.id, row.at, row.actor, row.action, row.subject, dict(row.details))
            for row in self._session.scalars(query)
        ]
