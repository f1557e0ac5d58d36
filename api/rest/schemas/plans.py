"""Plan versions, their certificates, differences and activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry, Text
from api.rest.faults import path_of
from api.rest.schemas.common import Out, example
from planner.service.activation import ActivationRequest
from planner.store.records import PlanOrigin, PlanState
from profiles.faults import Fault

SUMMARY_EXAMPLE: dict[str, Any] = {
    "version": 3,
    "plan_id": "7c41d0aa" * 8,
    "state": "certified",
    "origin": "run",
    "recertifies": None,
    "run_id": "9c1f4be2a07d3358",
    "forecast_id": 1,
    "problem_digest": "0d9e6c0b" * 8,
    "status": "optimal",
    "objective": 41.2,
    "bound": 41.2,
    "gap": 0.0,
    "fluid_bound": 33.1,
    "physical_gap": 0.197,
    "cost_usd_per_hour": 41.2,
    "sub_cluster_count": 2,
    "gpu_count": 12,
    "solver": "highs",
    "options": {"solver": "auto", "time_limit_s": 30.0, "seed": 7, "use_observed": True, "policy": {}},
    "seed": 7,
    "created_at": "2026-11-23T07:00:21Z",
    "horizon_end": "2026-11-24T08:00:00Z",
    "certificate_passed": True,
    "certificate_bad_rate": 0.004,
}
PLAN_EXAMPLE: dict[str, Any] = {
    "status": "optimal",
    "objective": 41.2,
    "bound": 41.2,
    "gap": 0.0,
    "fluid_bound": 33.1,
    "physical_gap": 0.197,
    "cost_usd_per_hour": 41.2,
    "sub_clusters": [
        {
            "id": "A100-40GB/zone-a/1",
            "gpu_type": "A100-40GB",
            "zone": "zone-a",
            "gpus": [12, 12],
            "models": [{"id": "resnet50", "share": [1.0, 1.0], "batch_size": 16}],
        }
    ],
    "unserved": [],
    "excuses": [],
    "solver": "highs",
    "seed": 7,
    "problem_digest": "0d9e6c0b" * 8,
}
ACTIVATION_EXAMPLE: dict[str, Any] = {
    "id": 2,
    "fleet": "default",
    "plan_version": 3,
    "kind": "activate",
    "actor": "anonymous",
    "activated_at": "2026-11-23T07:05:00Z",
    "deactivated_at": None,
    "reason": None,
}


class PlanSummaryOut(Out):
    """A plan version: what it costs, in dollars per hour over the horizon, and what is proven about it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [SUMMARY_EXAMPLE]})

    version: int
    plan_id: str = Field(description="Digest of plan, problem and certificate; approvals are bound to it.")
    state: PlanState
    origin: PlanOrigin
    recertifies: int | None = Field(description="The earlier version that it repeats, if it does.")
    run_id: str | None = Field(description="null for an imported plan.")
    forecast_id: int
    problem_digest: str
    status: str = Field(description="What the solver said: optimal, feasible, partial.")
    objective: float
    bound: float = Field(description="No plan of the formulation costs less.")
    gap: float = Field(description="(objective - bound) / objective.")
    fluid_bound: float = Field(description="No plan at all costs less.")
    physical_gap: float = Field(description="(objective - fluid_bound) / objective.")
    cost_usd_per_hour: float
    sub_cluster_count: int
    gpu_count: int
    solver: str
    options: dict[str, Any]
    seed: int
    created_at: datetime
    horizon_end: datetime | None = Field(description="When its last epoch ends.")
    certificate_passed: bool | None
    certificate_bad_rate: float | None = Field(description="Of the worst sub-cluster in simulation.")


class PlanOut(PlanSummaryOut):
    """A plan version, whole; `plan` is in the plan's file format (docs/reference/plan.schema.json)."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{**SUMMARY_EXAMPLE, "plan": PLAN_EXAMPLE}]}
    )

    plan: dict[str, Any]


class CertificateOut(Out):
    """The simulated evidence that a plan version keeps its SLOs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "plan_version": 3,
                    "passed": True,
                    "bad_rate": 0.004,
                    "certificate": {
                        "passed": True,
                        "sub_clusters": [{"id": "A100-40GB/zone-a/1", "passed": True}],
                    },
                }
            ]
        }
    )

    plan_version: int
    passed: bool
    bad_rate: float | None
    certificate: dict[str, Any] = Field(
        description="Evidence by sub-cluster: epochs, seeds, bad rate with interval."
    )


class DifferenceOut(Out):
    """What moves between two plans, why, and what it costs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "before": 2,
                    "after": 3,
                    "difference": {"cost_usd_per_hour": -3.67, "churn_gib": 0.1, "moves": []},
                }
            ]
        }
    )

    before: int | None = Field(description="The version compared with; null where there was none.")
    after: int
    difference: dict[str, Any]


SERVING_EXAMPLE: dict[str, Any] = {
    "id": "A100-40GB/zone-a/1",
    "models": ["resnet50"],
    "gpus": 2,
    "gpus_serving": 2,
    "is_serving": True,
}


class SubClusterServingOut(Out):
    """How far one sub-cluster serves a plan; its GPUs serving are those that hold all of its models."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [SERVING_EXAMPLE]},
    )

    id: str
    models: list[str]
    gpus: int
    gpus_serving: int
    is_serving: bool


class ServingOut(Out):
    """Where a plan is served already, as nodes said within the last minute."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"plan_version": 3, "sub_clusters": [SERVING_EXAMPLE]}]}
    )

    plan_version: int
    sub_clusters: list[SubClusterServingOut]


class ActivationBody(Entry[ActivationRequest]):
    """Which plan version is to become the active one."""

    model_config = example({"plan_version": 3, "reason": "cheaper by 4 %"})
    subject: ClassVar[str] = "activation"

    plan_version: int = Field(ge=1, le=2**31 - 1)
    certify: Literal["required", "skip"] = Field(
        default="required",
        description="For a plan that was active before: whether it is certified again against the newest "
        "demand; to skip that needs a reason.",
    )
    reason: Text | None = Field(default=None, description="Why, for the audit log.")

    def to_record(self) -> ActivationRequest:
        return ActivationRequest(self.plan_version, self.certify, self.reason)

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        if raw.get("certify") == "skip" and raw.get("reason") is None:
            yield Fault(path_of(["reason"], path), "nothing", "is required to skip the certification")


class ActivationOut(Out):
    """A plan's time as the active one."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [ACTIVATION_EXAMPLE]})

    id: int
    fleet: str
    plan_version: int
    kind: str = Field(description="activate, or roll_back to a plan that had been active before.")
    actor: str
    activated_at: datetime
    deactivated_at: datetime | None = Field(description="null: now.")
    reason: str | None
