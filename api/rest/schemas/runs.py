"""Runs: what to plan and how, and how far it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry, Strict
from api.rest.faults import path_of
from api.rest.schemas.common import Instant, Out, example
from dispatcher.contract.reading import shown
from planner.demand.planned import QUANTILE_LEAST, QUANTILE_MOST
from planner.problem.parse import GIB_LIMIT, MICROSECONDS_LIMIT, RPS_LIMIT, WORTH_LIMIT
from planner.service.runs import RunRequest
from planner.store.records import RunState
from profiles.faults import Fault

Microseconds = Annotated[int, Field(ge=0, le=MICROSECONDS_LIMIT)]

RUN_EXAMPLE: dict[str, Any] = {
    "forecast_id": 1,
    "solver": "auto",
    "time_limit_s": 30.0,
    "seed": 7,
    "use_observed": True,
}
RUN_OUT_EXAMPLE: dict[str, Any] = {
    "id": "9c1f4be2a07d3358",
    "state": "running",
    "forecast_id": 1,
    "problem_digest": "0d9e6c0b" * 8,
    "options": {"solver": "auto", "time_limit_s": 30.0, "seed": 7, "use_observed": True, "policy": {}},
    "demand": None,
    "actor": "anonymous",
    "created_at": "2026-11-23T07:00:00Z",
    "started_at": "2026-11-23T07:00:01Z",
    "finished_at": None,
    "attempts": 1,
    "cancel_requested": False,
    "progress": {"stage": "solving", "incumbent": 41.2, "bound": 38.9, "gap": 0.056, "elapsed_s": 4.5},
    "error": None,
    "plan_version": None,
}


EVENT_EXAMPLE: dict[str, Any] = {
    "run": "9c1f4be2a07d3358",
    "at": "2026-11-23T07:00:05+00:00",
    "stage": "solving",
    "incumbent": 41.2,
}
EVENTS_EXAMPLE = f"id: 3\nevent: progress\ndata: {json.dumps(EVENT_EXAMPLE, separators=(',', ':'))}\n\n"


class DelaysBody(Strict):
    """The data plane's fixed delays, in microseconds."""

    ctrl_us: Microseconds = Field(
        default=100, description="From the decision to send a batch until the worker has it."
    )
    data_us: Microseconds = Field(default=50, description="Input transfer, for each request of a batch.")
    resp_us: Microseconds = Field(
        default=2_000, description="From the end of execution until the client has its answer."
    )


class PolicyBody(Strict):
    """The rules a plan must keep; null means no limit."""

    sub_cluster_gpus_max: int = Field(default=64, ge=1, le=4_096)
    scheduler_rate_rps_max: Annotated[float, Field(gt=0, le=RPS_LIMIT)] | None = Field(
        default=None, description="Requests per second that one dispatcher may have to schedule."
    )
    bad_rate_max: float = Field(
        default=0.01, gt=0, le=0.5, description="Share of requests that may be late, dropped or rejected."
    )
    churn_gib_max: Annotated[float, Field(ge=0, le=GIB_LIMIT)] | None = Field(
        default=None, description="Weights that may be loaded to leave the active plan, in GiB."
    )
    replan_worth_min: Annotated[float, Field(ge=0, le=WORTH_LIMIT)] | None = Field(
        default=None,
        description="Least (share of cost saved) / (share of GiB loaded) to replace the active plan; left "
        "out, 0.5 where the load is still the one that the plan was made for.",
    )
    gpus: Literal["reserved", "per_epoch"] = Field(
        default="reserved", description="GPUs held for the whole horizon, or sized for each epoch."
    )
    delays: DelaysBody | None = None


class RunBody(Entry[RunRequest]):
    """Plan a forecast: solve, verify, certify, store a new plan version."""

    model_config = example(RUN_EXAMPLE)
    subject: ClassVar[str] = "run"

    forecast_id: int = Field(ge=1, le=2**31 - 1)
    solver: Literal["auto", "highs", "cp-sat", "columns", "greedy"] = "auto"
    time_limit_s: float = Field(default=60.0, gt=0, le=86_400, description="The solver's time, in seconds.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    use_observed: bool = Field(
        default=False, description="Correct the forecast by the load observed meanwhile."
    )
    observed_since: Instant | None = Field(
        default=None, description="Only intervals that start at or after this instant."
    )
    observed_until: Instant | None = Field(
        default=None, description="Only intervals that start before this instant."
    )
    demand_quantile: float | None = Field(
        default=None,
        ge=QUANTILE_LEAST,
        le=QUANTILE_MOST,
        description="The quantile of demand that is planned for, by how wrong forecasts have been and how "
        "bursty the model is (without observed load, by the interval submitted); null takes that of the "
        "fleet's policy.",
    )
    policy: PolicyBody = PolicyBody()

    def to_record(self) -> RunRequest:
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "policy"}
        return RunRequest(**values, policy=self.policy.model_dump(exclude_none=True, exclude_unset=True))

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        for name in ("observed_since", "observed_until"):
            if raw.get(name) is not None and raw.get("use_observed", False) is False:
                yield Fault(path_of([name], path), shown(raw[name]), "needs use_observed to be true")


class _HowFar(Out):
    """Incumbent and bound in dollars per hour."""

    solver: str | None = None
    incumbent: float | None = None
    bound: float | None = None
    gap: float | None = None
    sub_clusters_certified: int | None = None
    sub_clusters: int | None = None
    elapsed_s: float | None = None


class ProgressOut(_HowFar):
    """How far the run is; incumbent and bound in dollars per hour."""

    stage: str = Field(description="queued, starting, solving, verifying, certifying, storing or done.")


class RunEventOut(_HowFar):
    """
    The data of one event of a run's stream.

    An event `state` has `state`, and at the end `plan_version` or `error`; an event `progress` has the rest.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EVENT_EXAMPLE]})

    run: str
    at: datetime
    state: RunState | None = None
    attempt: int | None = Field(
        default=None, description="How often the run was taken up, this time included."
    )
    plan_version: int | None = Field(default=None, description="The plan that it made.")
    error: dict[str, Any] | None = Field(default=None, description="Why it failed.")
    stage: str | None = Field(
        default=None, description="As in a run's `progress`; so are solver to elapsed_s."
    )


class RunSummaryOut(Out):
    """A run without the demand it was made for."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{k: v for k, v in RUN_OUT_EXAMPLE.items() if k != "demand"}]},
    )

    id: str
    state: RunState
    forecast_id: int
    problem_digest: str
    options: dict[str, Any]
    actor: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    cancel_requested: bool
    progress: ProgressOut
    error: dict[str, Any] | None = Field(description="Why it failed: code, message, and what belongs to it.")
    plan_version: int | None = Field(description="The plan that it made.")


class RunPage(Out):
    """Newest first; ask again with `before` set to `next_before` for what follows."""

    items: list[RunSummaryOut]
    next_before: str | None = Field(default=None, description="Where the next page begins; null at the end.")


class RunOut(RunSummaryOut):
    """A run; `demand` has the forecast beside what is planned for, null where it is planned as it stands."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [RUN_OUT_EXAMPLE]})

    demand: dict[str, Any] | None
