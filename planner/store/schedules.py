"""Repository of schedules and of the slots that were taken up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from planner.store.records import RunState
from planner.store.tables import RunRow, ScheduleRow, SlotRow
from planner.store.upserts import insert_once, upsert


@dataclass(frozen=True, slots=True)
class Schedule:
    """A fleet's schedule; ``options`` say how to plan. Slots count from ``since`` on."""

    fleet: str
    cron: str
    time_zone: str
    enabled: bool
    options: dict[str, Any]
    since: datetime
    next_slot: datetime
    updated_at: datetime
    actor: str


class SlotOutcome(StrEnum):
    RUNNING = "running"
    ACTIVATED = "activated"  # the plan was within the policy's bounds
    WAITING = "waiting"  # the plan waits for a person
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Slot:
    """One time that a fleet was to be planned; ``details`` say why it came out so."""

    fleet: str
    slot: datetime
    started_at: datetime
    started_by: str
    missed_before: int
    run_id: str | None
    outcome: SlotOutcome
    settled_at: datetime | None = None
    details: dict[str, Any] | None = None


class ScheduleRepository:
    """Of the fleet that the unit of work is bound to, unless a method says otherwise."""

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, schedule: Schedule) -> bool:
        """False, and nothing done, where the fleet has one: also one made by another transaction just now."""
        values = {name: getattr(schedule, name) for name in Schedule.__slots__}
        return insert_once(self._session, ScheduleRow, values, ["fleet"]) is not None

    def put(self, schedule: Schedule) -> None:
        upsert(self._session, ScheduleRow, [{n: getattr(schedule, n) for n in Schedule.__slots__}])

    def get(self, *, for_update: bool = False) -> Schedule | None:
        query = select(ScheduleRow).where(ScheduleRow.fleet == self._fleet)
        row = self._session.scalars(query.with_for_update() if for_update else query).one_or_none()
        return None if row is None else _schedule(row)

    def remove(self) -> bool:
        """False where there was none. Slots taken up stay on record."""
        query = delete(ScheduleRow).where(ScheduleRow.fleet == self._fleet).returning(ScheduleRow.fleet)
        return self._session.execute(query).scalar_one_or_none() is not None

    def due(self) -> list[str]:
        """Fleets, of all, whose enabled schedule has a slot that nobody looked at yet."""
        query = select(ScheduleRow.fleet).where(
            ScheduleRow.enabled.is_(True), ScheduleRow.next_slot <= self._now
        )
        return list(self._session.scalars(query.order_by(ScheduleRow.next_slot)))

    def look_next_at(self, slot: datetime) -> None:
        query = update(ScheduleRow).where(ScheduleRow.fleet == self._fleet)
        self._session.execute(query.values(next_slot=slot))

    # -- slots

    def take(self, slot: Slot) -> bool:
        """Take the slot up; False when that was done before, by anybody."""
        values = {name: getattr(slot, name) for name in Slot.__slots__} | {"outcome": slot.outcome.value}
        return insert_once(self._session, SlotRow, values, ["fleet", "slot"]) is not None

    def set_run(self, instant: datetime, run_id: str | None) -> None:
        query = update(SlotRow).where(SlotRow.fleet == self._fleet, SlotRow.slot == instant)
        self._session.execute(query.values(run_id=run_id))

    def slot(self, instant: datetime) -> Slot | None:
        row = self._session.get(SlotRow, (self._fleet, instant))
        return None if row is None else _slot(row)

    def slots(self, *, limit: int, before: datetime | None = None) -> list[Slot]:
        """Newest first; only such before that instant."""
        query = select(SlotRow).where(SlotRow.fleet == self._fleet).order_by(SlotRow.slot.desc()).limit(limit)
        if before is not None:
            query = query.where(SlotRow.slot < before)
        return [_slot(row) for row in self._session.scalars(query)]

    def unsettled(self) -> list[tuple[str, datetime]]:
        """(fleet, slot), of all fleets, whose run has ended and whose outcome is open."""
        ended = [state.value for state in RunState if state.is_final]
        query = (
            select(SlotRow.fleet, SlotRow.slot)
            .join(RunRow, RunRow.id == SlotRow.run_id)
            .where(SlotRow.outcome == SlotOutcome.RUNNING, RunRow.state.in_(ended))
        )
        return [(row[0], row[1]) for row in self._session.execute(query)]

    def lock_unsettled(self, instant: datetime) -> Slot | None:
        """The slot, if its outcome is still open; nobody else may settle it until this unit of work ends."""
        query = select(SlotRow).where(
            SlotRow.fleet == self._fleet, SlotRow.slot == instant, SlotRow.outcome == SlotOutcome.RUNNING
        )
        row = self._session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
        return None if row is None else _slot(row)

    def settle(self, instant: datetime, outcome: SlotOutcome, details: Mapping[str, Any]) -> None:
        query = update(SlotRow).where(SlotRow.fleet == self._fleet, SlotRow.slot == instant)
        values = {"outcome": outcome.value, "settled_at": self._now, "details": dict(details)}
        self._session.execute(query.values(**values))


def _schedule(row: ScheduleRow) -> Schedule:
    return Schedule(**{name: getattr(row, name) for name in Schedule.__slots__})


def _slot(row: SlotRow) -> Slot:
    values = {name: getattr(row, name) for name in Slot.__slots__}
    return Slot(**values | {"outcome": SlotOutcome(row.outcome)})
