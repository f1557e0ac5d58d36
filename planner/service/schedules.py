"""A fleet's schedule: set, looked at, removed; and what became of its slots."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from planner.service.errors import ScheduleNotFound
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.slots import Cadence, cadence
from planner.store.schedules import Schedule, Slot
from planner.store.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """
    When to plan, and how.

    Parameters
    ----------
    cron, time_zone
        As ``planner.service.slots`` reads them.
    enabled
        Whether servers take slots up by themselves; if not, only who asks for it does.
    horizon_hours
        How far ahead to plan.
    use_observed
        Whether demand is corrected by the load observed.
    solver, time_limit_s, seed, policy
        As of any run.
    """

    cron: str
    time_zone: str = "UTC"
    enabled: bool = True
    horizon_hours: int = 24
    solver: str = "auto"
    time_limit_s: float = 60.0
    seed: int = 0
    use_observed: bool = True
    policy: dict[str, Any] = field(default_factory=dict)


NOT_OPTIONS = ("cron", "time_zone", "enabled")


def put_schedule(
    store: Store, request: ScheduleRequest, *, actor: str, given: Precondition = NO_PRECONDITION
) -> Schedule:
    """
    Set the fleet's schedule in place of the one before.

    Slots count from now on, unless neither times nor ``enabled`` changed. Raises ``InputInvalid``,
    ``PreconditionFailed``.
    """
    times = cadence(request.cron, request.time_zone)
    with store.writing() as work:
        before = work.schedules.get(for_update=True)
        given.check(_subject(work), before)
        schedule = _made(work, request, times, before, actor)
        if before is not None or not work.schedules.add(schedule):
            if before is None:  # somebody else has made one since we looked
                before = work.schedules.get(for_update=True)
                given.check(_subject(work), before)
                schedule = _made(work, request, times, before, actor)
            work.schedules.put(schedule)
        work.audit.add(
            actor=actor,
            action="schedule.set",
            subject=work.fleet,
            cron=request.cron,
            time_zone=request.time_zone,
            enabled=request.enabled,
        )
    return schedule


def _made(
    work: UnitOfWork, request: ScheduleRequest, times: Cadence, before: Schedule | None, actor: str
) -> Schedule:
    options = {name: value for name, value in asdict(request).items() if name not in NOT_OPTIONS}
    same = before is not None and (before.cron, before.time_zone, before.enabled) == (
        *(request.cron, request.time_zone),
        request.enabled,
    )
    return Schedule(
        fleet=work.fleet,
        cron=request.cron,
        time_zone=request.time_zone,
        enabled=request.enabled,
        options=options,
        since=before.since if before is not None and same else work.now,
        next_slot=before.next_slot if before is not None and same else times.after(work.now),
        updated_at=work.now,
        actor=actor,
    )


def _subject(work: UnitOfWork) -> str:
    return f"the schedule of fleet {work.fleet!r}"


def schedule(store: Store) -> Schedule:
    """Raises ``ScheduleNotFound``."""
    with store.reading() as work:
        found = work.schedules.get()
        fleet = work.fleet
    if found is None:
        raise ScheduleNotFound(fleet)
    return found


def remove_schedule(store: Store, *, actor: str, given: Precondition = NO_PRECONDITION) -> None:
    """Raises ``ScheduleNotFound``, ``PreconditionFailed``."""
    with store.writing() as work:
        found = work.schedules.get(for_update=True)
        if found is None:
            raise ScheduleNotFound(work.fleet)
        given.check(_subject(work), found)
        work.schedules.remove()
        work.audit.add(actor=actor, action="schedule.removed", subject=work.fleet)


def slots(store: Store, *, limit: int, before: datetime | None = None) -> list[Slot]:
    """Slots taken up, the newest first; only such before that instant."""
    with store.reading() as work:
        return work.schedules.slots(limit=limit, before=before)
