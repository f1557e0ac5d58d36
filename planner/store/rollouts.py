"""Repository of rollouts: the waves of an activation, and how far the fleet is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.orm import Session

from planner.store.records import RolloutRecord
from planner.store.tables import ActivationRow, RolloutRow, table_of
from planner.store.upserts import insert_once

ROLLOUTS, ACTIVATIONS = table_of(RolloutRow), table_of(ActivationRow)
LIGHT = [ROLLOUTS.c[name] for name in RolloutRecord.__slots__]
OF_ACTIVATION = ACTIVATIONS.outerjoin(ROLLOUTS, ROLLOUTS.c.activation_id == ACTIVATIONS.c.id)


class RolloutRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, activation_id: int, document: dict[str, Any], *, waves: int) -> bool:
        """Whether it is new: what another server has ordered meanwhile stays."""
        row = {"activation_id": activation_id, "fleet": self._fleet, "document": document}
        row |= {"waves": waves, "step": 0, "moved_at": self._now}
        return insert_once(self._session, RolloutRow, row, ["activation_id"]) is not None

    def of(self, activation_id: int) -> RolloutRecord | None:
        """The waves of one activation of the fleet; None where they are not ordered (yet)."""
        own = ROLLOUTS.c
        query = select(*LIGHT).where(own.fleet == self._fleet, own.activation_id == activation_id)
        return _record(self._session.execute(query).one_or_none())

    def document(self, activation_id: int) -> dict[str, Any]:
        """The waves, as ``planner.service.rollouts.document`` writes them; empty where there are none."""
        own = ROLLOUTS.c
        query = select(own.document).where(own.fleet == self._fleet, own.activation_id == activation_id)
        found: dict[str, Any] | None = self._session.scalar(query)
        return found or {}

    def newest_before(self, activation_id: int) -> RolloutRecord | None:
        """Of the activations before that one: the last whose waves were ordered."""
        own = ROLLOUTS.c
        query = select(*LIGHT).where(own.fleet == self._fleet, own.activation_id < activation_id)
        return _record(self._session.execute(query.order_by(own.activation_id.desc()).limit(1)).one_or_none())

    def move(self, activation_id: int, *, step: int) -> bool:
        """One step on from ``step``; False where another server has gone that step."""
        own = ROLLOUTS.c
        moved = (
            update(ROLLOUTS)
            .where(own.fleet == self._fleet, own.activation_id == activation_id, own.step == step)
            .values(step=step + 1, moved_at=self._now)
            .returning(own.activation_id)
        )
        return self._session.execute(moved).one_or_none() is not None

    def fleets_under_way(self) -> list[tuple[str, bool]]:
        """All fleets whose active plan is not served whole yet, and whether its waves are ordered."""
        waiting = or_(ROLLOUTS.c.activation_id.is_(None), ROLLOUTS.c.step < 2 * ROLLOUTS.c.waves)
        is_ordered = ROLLOUTS.c.activation_id.is_not(None)
        query = select(ACTIVATIONS.c.fleet, is_ordered).select_from(OF_ACTIVATION)
        query = query.where(ACTIVATIONS.c.deactivated_at.is_(None), waiting)
        rows = self._session.execute(query.order_by(ACTIVATIONS.c.fleet))
        return [(fleet, bool(is_so)) for fleet, is_so in rows]


def _record(row: Row[Any] | None) -> RolloutRecord | None:
    return None if row is None else RolloutRecord(**{n: getattr(row, n) for n in RolloutRecord.__slots__})
