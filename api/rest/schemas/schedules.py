"""Schedules, their slots, and what a replan answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry
from api.rest.schemas.common import Out, example
from api.rest.schemas.runs import PolicyBody
from planner.service.schedules import ScheduleRequest
from planner.store.schedules import SlotOutcome

SCHEDULE_EXAMPLE: dict[str, Any] = {
    "cron": "30 2 * * *",
    "time_zone": "Europe/Berlin",
    "horizon_hours": 24,
    "time_limit_s": 600.0,
}
SCHEDULE_OUT_EXAMPLE: dict[str, Any] = {
    "fleet": "default",
    "cron": "30 2 * * *",
    "time_zone": "Europe/Berlin",
    "enabled": True,
    "next_slot": "2026-11-24T01:30:00Z",
    "since": "2026-11-23T07:00:00Z",
    "updated_at": "2026-11-23T07:00:00Z",
    "actor": "anonymous",
    "options": {
        "horizon_hours": 24,
        "solver": "auto",
        "time_limit_s": 600.0,
        "seed": 0,
        "use_observed": True,
        "policy": {},
    },
}
SLOT_EXAMPLE: dict[str, Any] = {
    "slot": "2026-11-24T01:30:00Z",
    "started_at": "2026-11-24T01:30:00.412Z",
    "started_by": "schedule",
    "missed_before": 0,
    "run_id": "9c1f4be2a07d3358",
    "outcome": "waiting",
    "settled_at": "2026-11-24T01:41:07Z",
    "details": {
        "run": "9c1f4be2a07d3358",
        "plan_version": 12,
        "reasons": ["no plan is active to compare it with"],
    },
}


class ScheduleBody(Entry[ScheduleRequest]):
    """When to plan the fleet again by itself, and how."""

    model_config = example(SCHEDULE_EXAMPLE)
    subject: ClassVar[str] = "schedule"

    cron: str = Field(max_length=200, description="Minute, hour, day of month, month, day of week.")
    time_zone: str = Field(
        default="UTC",
        max_length=100,
        description="IANA name. A time that the clocks skip is due right after "
        "the gap, one that they show twice the first time only.",
    )
    enabled: bool = Field(default=True, description="Whether servers take slots up by themselves.")
    horizon_hours: int = Field(default=24, ge=1, le=24 * 31, description="How far ahead to plan.")
    solver: Literal["auto", "highs", "cp-sat", "columns", "greedy"] = "auto"
    time_limit_s: float = Field(default=60.0, gt=0, le=86_400, description="The solver's time, in seconds.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    use_observed: bool = Field(default=True, description="Correct demand by the load observed.")
    policy: PolicyBody = PolicyBody()

    def to_record(self) -> ScheduleRequest:
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "policy"}
        return ScheduleRequest(**values, policy=self.policy.model_dump(exclude_none=True, exclude_unset=True))


class ScheduleOut(Out):
    """A fleet's schedule; `next_slot` is the first that was not taken up yet."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [SCHEDULE_OUT_EXAMPLE]})

    fleet: str
    cron: str
    time_zone: str
    enabled: bool
    next_slot: datetime
    since: datetime = Field(description="Slots count from then on.")
    updated_at: datetime
    actor: str
    options: dict[str, Any]


class SlotOut(Out):
    """A slot that was taken up, and what became of it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [SLOT_EXAMPLE]})

    slot: datetime
    started_at: datetime
    started_by: str
    missed_before: int = Field(description="Slots before it that nobody took up.")
    run_id: str | None
    outcome: SlotOutcome
    settled_at: datetime | None
    details: dict[str, Any] | None = Field(description="The plan's version and why it waits, or the error.")


class SlotPage(Out):
    """Newest first; ask again with `before` set to `next_before` for what follows."""

    items: list[SlotOut]
    next_before: datetime | None = Field(
        default=None, description="Where the next page begins; null at the end."
    )
