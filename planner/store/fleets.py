"""Repository of fleets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from planner.store.filters import named, page_by
from planner.store.records import Fleet
from planner.store.tables import FleetRow, table_of

FLEETS = table_of(FleetRow)


class FleetRepository:
    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(self, fleet: str, environment: str, policy: dict[str, Any]) -> Fleet:
        row = FleetRow(id=fleet, environment=environment, policy=policy, created_at=self._now)
        self._session.add(row)
        self._session.flush()
        return _fleet(row)

    def get(self, fleet: str) -> Fleet | None:
        row = self._session.execute(select(FLEETS).where(FLEETS.c.id == fleet)).one_or_none()
        return None if row is None else _fleet(row)

    def lock(self, fleet: str) -> Fleet | None:
        """As ``get``, and nobody else changes the fleet or its active plan until this unit of work ends."""
        query = select(FleetRow).where(FleetRow.id == fleet).with_for_update()
        row = self._session.scalars(query.execution_options(populate_existing=True)).one_or_none()
        return None if row is None else _fleet(row)

    def change(self, fleet: str, environment: str, policy: dict[str, Any]) -> Fleet:
        row = self._session.get_one(FleetRow, fleet)
        row.environment, row.policy = environment, policy
        self._session.flush()
        return _fleet(row)

    def all(
        self, *, name: str | None = None, after: str | None = None, limit: int | None = None
    ) -> list[Fleet]:
        """By name; ``name`` is a part of it, ``after`` continues above that one."""
        query = page_by(named(select(FleetRow), FleetRow.id, name), [FleetRow.id], [after], limit)
        return [_fleet(row) for row in self._session.scalars(query)]


def _fleet(row: FleetRow | Row[Any]) -> Fleet:
    return Fleet(row.id, row.environment, dict(row.policy), row.created_at)
