"""
Planning again on schedule: exactly one run for each slot, however many servers look at the clock.

Whoever is first to store a slot has it; the run is stored in the same transaction, so a slot without its run
cannot be. Missed slots are caught up by the latest of them alone. ``fermata replan --once`` takes the same
slots.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from planner.service import plan_demand_source
from planner.service.errors import NoSlotDue, Refusal, ScheduleNotFound
from planner.service.plan_errors import NoForecast
from planner.service.runs import PreparedRun, prepare_run, queue_run
from planner.service.schedules import schedule as stored_schedule
from planner.service.slots import Cadence
from planner.service.webhooks.events import tell
from planner.store.schedules import Schedule, Slot, SlotOutcome
from planner.store.store import Store
from profiles.faults import InputInvalid

EARLY = timedelta(seconds=60)
"""An external scheduler's clock may be ahead of ours: asked so little before a slot, that slot is meant."""
MISSED_COUNTED_MAX = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replan:
    """A slot, and whether this call was the one that took it up."""

    slot: Slot
    is_new: bool


def start_due_slots(store: Store, *, started_by: str) -> list[Replan]:
    """Take up the latest due slot of every fleet whose schedule is enabled."""
    with store.reading() as work:
        fleets = work.schedules.due()
        now = work.now
    found = []
    for fleet in fleets:
        view = store.of_fleet(fleet)
        try:
            schedule = stored_schedule(view)
        except ScheduleNotFound:
            continue  # removed meanwhile
        slot = _newest_due(schedule, now)
        if slot is not None and schedule.enabled:
            found.append(_take_up(view, schedule, slot, started_by=started_by))
    return found


def replan_once(store: Store, *, started_by: str) -> Replan:
    """
    Take up the fleet's latest due slot, or say what became of it where it was taken up before.

    Raises ``ScheduleNotFound``, ``NoSlotDue`` before the first slot since the schedule was set.
    """
    schedule = stored_schedule(store)
    with store.reading() as work:
        now = work.now
    slot = _newest_due(schedule, now + EARLY)
    if slot is None:
        slot = _newest_since(schedule, now + EARLY)
    if slot is None:
        raise NoSlotDue(schedule.fleet, schedule.next_slot)
    return _take_up(store, schedule, slot, started_by=started_by)


def _newest_due(schedule: Schedule, now: datetime) -> datetime | None:
    """The latest slot that nobody looked at yet."""
    before = schedule.next_slot - timedelta(microseconds=1)
    return Cadence(schedule.cron, schedule.time_zone).newest_due(before, now)


def _newest_since(schedule: Schedule, now: datetime) -> datetime | None:
    return Cadence(schedule.cron, schedule.time_zone).newest_due(schedule.since, now)


def _take_up(store: Store, schedule: Schedule, instant: datetime, *, started_by: str) -> Replan:
    with store.reading() as work:
        known = work.schedules.slot(instant)
    if known is not None:
        _look_on(store, schedule, instant)
        return Replan(known, is_new=False)
    with store.together():  # the slot first: who comes second prepares nothing
        with store.writing() as work:
            slot = _slot(work.now, schedule, instant, started_by)
            if not work.schedules.take(slot):
                return Replan(work.schedules.slot(instant) or slot, is_new=False)
        prepared, error = _prepared(store, schedule, instant, started_by)
        with store.writing() as work:
            if prepared is not None:
                work.schedules.set_run(instant, queue_run(work, prepared).id)
            else:
                work.schedules.settle(instant, SlotOutcome.FAILED, {"error": error})
                tell(work, "replan.failed", {"slot": instant.isoformat(), "run": None, "error": error})
            work.schedules.look_next_at(_following(schedule, max(instant, work.now)))
            slot = work.schedules.slot(instant) or slot
            work.audit.add(
                actor=started_by,
                action="replan.started" if prepared else "replan.failed",
                subject=slot.run_id or schedule.fleet,
                slot=instant.isoformat(),
                missed_before=slot.missed_before,
            )
    log.info("fleet %s: slot %s taken up, run %s", schedule.fleet, instant.isoformat(), slot.run_id)
    return Replan(slot, is_new=True)


def _look_on(store: Store, schedule: Schedule, instant: datetime) -> None:
    """The slot was taken up, and somebody set the schedule anew since: it is not due again."""
    if schedule.next_slot <= instant:
        with store.writing() as work:
            work.schedules.look_next_at(_following(schedule, max(instant, work.now)))


def _following(schedule: Schedule, instant: datetime) -> datetime:
    return Cadence(schedule.cron, schedule.time_zone).after(instant)


def _slot(now: datetime, schedule: Schedule, instant: datetime, started_by: str) -> Slot:
    first = schedule.next_slot - timedelta(microseconds=1)
    missed = Cadence(schedule.cron, schedule.time_zone).count(
        first, instant - timedelta(microseconds=1), limit=MISSED_COUNTED_MAX
    )
    return Slot(
        fleet=schedule.fleet,
        slot=instant,
        started_at=now,
        started_by=started_by,
        missed_before=missed,
        run_id=None,
        outcome=SlotOutcome.RUNNING,
    )


def _prepared(
    store: Store, schedule: Schedule, instant: datetime, actor: str
) -> tuple[PreparedRun | None, dict[str, Any] | None]:
    """The run, or why there can be none."""
    try:
        request = plan_demand_source.run_request(store, schedule, instant)
        prepared = prepare_run(store, request, actor=actor)
        if not prepared.problem.models:
            raise NoForecast(schedule.fleet, "to plan for")  # a plan of nothing would be sound, and an outage
        return prepared, None
    except InputInvalid as invalid:
        faults = [{"field": f.field, "value": f.value, "limit": f.limit} for f in invalid.faults]
        return None, {"code": "input-invalid", "message": str(invalid), "faults": faults[:20]}
    except Refusal as refusal:
        return None, {"code": refusal.code, "message": refusal.message}
