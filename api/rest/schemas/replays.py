"""Replays: a past day as it would have been."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry
from api.rest.schemas.common import Out, example
from api.rest.schemas.runs import PolicyBody
from planner.demand.planned import QUANTILE_LEAST, QUANTILE_MOST
from planner.service.replay_request import ReplayRequest

REPLAYED_EXAMPLE: dict[str, Any] = {
    "version": None,
    "gpus": 118,
    "cost_usd_per_hour": 402.1,
    "bad_rate": 0.0031,
    "passed": True,
    "unserved_share": 0.0,
}
DAY_EXAMPLE: dict[str, Any] = {
    "day": "2026-11-22",
    "hours_observed": 24,
    "forecast_id": 8,
    "bad_rate_measured": 0.0018,
    "active": REPLAYED_EXAMPLE | {"version": 11, "gpus": 131, "cost_usd_per_hour": 455.2, "bad_rate": 0.002},
    "replayed": REPLAYED_EXAMPLE,
    "excuse": None,
}


class ReplayBody(Entry[ReplayRequest]):
    """Which day to replay and how to plan it."""

    model_config = example({"day": "2026-11-22", "time_limit_s": 10.0})
    subject: ClassVar[str] = "replay"

    day: Annotated[date, Field(strict=False, description="In UTC.")]
    solver: Literal["auto", "highs", "cp-sat", "columns", "greedy"] = "auto"
    time_limit_s: float = Field(default=10.0, gt=0, le=60, description="The solver's time, in seconds.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    policy: PolicyBody = PolicyBody()
    demand_quantile: float | None = Field(
        default=None,
        ge=QUANTILE_LEAST,
        le=QUANTILE_MOST,
        description="null takes that of the fleet's policy.",
    )

    def to_record(self) -> ReplayRequest:
        policy = self.policy.model_dump(exclude_none=True, exclude_unset=True)
        return ReplayRequest(
            self.day, self.solver, self.time_limit_s, self.seed, policy, self.demand_quantile
        )


class ReplayedPlanOut(Out):
    """One plan on the day, simulated at the load that was observed."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [REPLAYED_EXAMPLE]})

    version: int | None = Field(description="null for the plan that the replay made.")
    gpus: int = Field(description="In the hour with the most.")
    cost_usd_per_hour: float
    bad_rate: float = Field(description="Of the worst sub-cluster.")
    passed: bool
    unserved_share: float = Field(description="Share of the observed requests that it has no place for.")


class ReplayedDayOut(Out):
    """A day as it was and as it would have been; `excuse` says why something is missing."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [DAY_EXAMPLE]})

    day: date
    hours_observed: int = Field(description="Hours without a load report are left out.")
    forecast_id: int | None = Field(
        description="Whose numbers most of the day's forecast has; null where all of it is measured."
    )
    bad_rate_measured: float | None = Field(description="As dispatchers reported it, all models together.")
    active: ReplayedPlanOut | None = Field(description="The plan that was active for most of the day.")
    replayed: ReplayedPlanOut | None
    excuse: str | None
