"""Why a plan is as it is, and the way to it from another: answers of `planner.explain`, `planner.rollout`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.rest.schemas.common import example

EXPLANATION_EXAMPLE: dict[str, Any] = {
    "plan_version": 3,
    "problem_digest": "0d9e6c0b" * 8,
    "cost_usd_per_hour": 41.2,
    "bound": 41.2,
    "gap": 0.0,
    "shortfall": None,
    "bindings": [
        {
            "rule": "inventory",
            "where": "A100-40GB/zone-a",
            "used": 12.0,
            "limit": 12.0,
            "unit": "GPUs",
            "epochs": [0, 1],
            "is_tight": True,
        }
    ],
    "refusals": [],
    "gpus": [
        {
            "name": "one more A100-40GB in zone-a",
            "setting": "inventory.A100-40GB/zone-a=+1",
            "saving_found_usd_per_hour": 0.9,
            "saving_least_usd_per_hour": 0.4,
            "saving_most_usd_per_hour": 1.1,
            "unserved_rps_before": 0.0,
            "unserved_rps_after": 0.0,
        }
    ],
    "rules": [],
}
LOAD_EXAMPLE: dict[str, Any] = {
    "step": "load",
    "sub_cluster": "A100-40GB/zone-a/1",
    "model": "resnet50",
    "gpus": 12,
    "gib": 1.2,
}
ROLLOUT_EXAMPLE: dict[str, Any] = {
    "before": 2,
    "after": 3,
    "epoch_before": 0,
    "epoch": 0,
    "gib": 1.2,
    "churn_gib": 1.2,
    "duration_s": 0.1,
    "load_gib_per_s": 1.0,
    "lost_requests": 0.0,
    "lost_rps_max": 0.0,
    "spares": [],
    "sub_clusters": ["A100-40GB/zone-a/1"],
    "waves": [
        {
            "duration_s": 0.1,
            "gib": 1.2,
            "lost_rps": {},
            "lost_requests": 0.0,
            "steps": [LOAD_EXAMPLE],
            "back": [LOAD_EXAMPLE | {"step": "unload"}],
        }
    ],
}


class ShortTypeOut(BaseModel):
    """What keeps a model off one GPU type."""

    gpu_type: str
    bottleneck: str
    gpus: int
    slo_needed_ms: float | None
    missing_ms: float | None
    missing_gib: float | None


class HopelessModelOut(BaseModel):
    """A model that no GPU in stock can serve in time, whatever else runs."""

    model: str
    slo_ms: float
    types: list[ShortTypeOut]


class ClashingRuleOut(BaseModel):
    name: str
    path: str = Field(description="Where it stands in the problem.")


class ClashOut(BaseModel):
    """Rules that cannot all hold."""

    rules: list[ClashingRuleOut]
    is_minimal: bool = Field(description="Without any one of them the others can hold.")
    is_proven: bool
    is_helpless: bool = Field(description="Nothing that was tried helps.")


class RelaxationOut(BaseModel):
    """A smallest change that lets all demand be served."""

    text: str
    settings: list[str] = Field(description="As `fermata plan what-if --set` takes them.")
    cost_usd_per_hour: float | None
    one_step_less: str = Field(description="What is known of a step less: no plan exists, or none was found.")


class ShortfallOut(BaseModel):
    """Why demand is left out, and what would help."""

    hopeless: list[HopelessModelOut]
    clash: ClashOut | None
    relaxations: list[RelaxationOut]
    in_vain: list[str]
    untried: list[str] = Field(description="What the time did not suffice for.")
    problems_solved: int


class BindingOut(BaseModel):
    """A limit that is reached, or nearly so."""

    rule: str
    where: str
    used: float | None
    limit: float | None
    unit: str
    epochs: list[int]
    is_tight: bool


class RefusalOut(BaseModel):
    """Why a model is not in a pool."""

    model: str
    pool: str
    bottleneck: str
    text: str
    usd_per_hour: float | None
    missing: float | None
    unit: str


class WorthOut(BaseModel):
    """What one more GPU, or a rule dropped, would save: found, and proven bounds of it."""

    name: str
    setting: str
    saving_found_usd_per_hour: float | None
    saving_least_usd_per_hour: float | None
    saving_most_usd_per_hour: float | None
    unserved_rps_before: float | None
    unserved_rps_after: float | None


class ExplanationOut(BaseModel):
    """
    Why a plan is as it is.

    `shortfall` is null where all demand is served; where it is not, `gpus` and `rules` are empty.
    """

    model_config = example(EXPLANATION_EXAMPLE)

    plan_version: int
    problem_digest: str
    cost_usd_per_hour: float | None
    bound: float | None
    gap: float | None
    shortfall: ShortfallOut | None
    bindings: list[BindingOut]
    refusals: list[RefusalOut]
    gpus: list[WorthOut]
    rules: list[WorthOut]


class RouteOut(BaseModel):
    sub_cluster: str
    share: float
    batch_size: int


class RouteChangeOut(BaseModel):
    """One model's traffic before and after a switch."""

    model: str
    before: list[RouteOut]
    after: list[RouteOut]


class StepOut(BaseModel):
    """
    `load`, `unload`: `model` on the `gpus` of `sub_cluster`. `add_gpus`, `remove_gpus`: GPUs of a pool join
    or leave it with their `models`. `switch`: `changes` of traffic, at one instant.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [LOAD_EXAMPLE]})

    step: Literal["load", "unload", "add_gpus", "remove_gpus", "switch"]
    sub_cluster: str | None = None
    model: str | None = None
    gpu_type: str | None = None
    zone: str | None = None
    gpus: int | None = None
    models: list[str] | None = None
    gib: float | None = None
    changes: list[RouteChangeOut] | None = None


class WaveOut(BaseModel):
    """Steps in their order, loads side by side; after a health check one may stop here, or go `back`."""

    duration_s: float
    gib: float
    lost_rps: dict[str, float] = Field(description="By model: what is not carried while this wave loads.")
    lost_requests: float
    steps: list[StepOut]
    back: list[StepOut]


class RolloutOut(BaseModel):
    """The way from one plan to another in waves that keep memory, stock and served capacity."""

    model_config = example(ROLLOUT_EXAMPLE)

    before: int | None = Field(description="The version that runs; null where none does.")
    after: int
    epoch_before: int
    epoch: int
    gib: float = Field(description="Weights that are loaded on the way.")
    churn_gib: float = Field(description="Weights by which the plans differ.")
    duration_s: float
    load_gib_per_s: float
    lost_requests: float
    lost_rps_max: float
    spares: list[str] = Field(description="Sub-clusters opened for a while.")
    sub_clusters: list[str] = Field(description="Names at the end: those that go on keep theirs.")
    waves: list[WaveOut]
