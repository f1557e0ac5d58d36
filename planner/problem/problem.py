"""What the planner is asked to decide: a frozen problem, complete and free of faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from dispatcher.core.delays import Delays
from planner.plan.plan import Plan
from planner.problem.pipelines import Pipeline
from profiles.latency import LatencyCurve

ModelId: TypeAlias = str
GpuTypeId: TypeAlias = str


@dataclass(frozen=True, slots=True)
class Epoch:
    """One interval of the horizon; ``start`` is ISO 8601 text, ``hours`` its length."""

    start: str
    hours: float


@dataclass(frozen=True, slots=True)
class GpuType:
    """A kind of GPU with its memory, what of it is kept back, and its price."""

    id: GpuTypeId
    memory_gib: float
    reserve_gib: float
    price_usd_per_hour: float

    @property
    def usable_gib(self) -> float:
        """Memory that models may use on one GPU."""
        return self.memory_gib - self.reserve_gib


@dataclass(frozen=True, slots=True)
class Pool:
    """GPUs of one type in one zone; ``available`` is how many there are."""

    gpu_type: GpuTypeId
    zone: str
    available: int

    @property
    def id(self) -> str:
        return f"{self.gpu_type}/{self.zone}"


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What one model costs on one GPU type."""

    curve: LatencyCurve
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int


@dataclass(frozen=True, slots=True)
class Pin:
    """
    The one place where a model may live.

    Either a pool, by GPU type, zone or both, or a sub-cluster of the active plan; None means any.
    """

    gpu_type: GpuTypeId | None = None
    zone: str | None = None
    sub_cluster: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRules:
    """
    Where a model may live, and beside whom.

    Parameters
    ----------
    gpu_types_allowed, zones_allowed
        None allows all of them.
    zones_min
        Zones that share the traffic; with two or more, those left after losing any one carry all of it.
    dedicated
        Its sub-clusters hold no other model.
    """

    gpu_types_allowed: tuple[GpuTypeId, ...] | None = None
    gpu_types_excluded: tuple[GpuTypeId, ...] = ()
    zones_allowed: tuple[str, ...] | None = None
    zones_min: int = 1
    dedicated: bool = False
    pinned_to: Pin | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """
    A served network: its promise, its demand, its profiles.

    Parameters
    ----------
    slo_ms
        The answer is due this long after the request, in milliseconds.
    priority
        1 is the most important class; larger numbers go unserved first.
    demand_rps
        Requests per second, one value for each epoch.
    arrival_cv
        Coefficient of variation of inter-arrival times; 1 is Poisson.
    may_split
        Whether several sub-clusters may share the model's traffic; False: it lives whole in one.
    """

    id: ModelId
    slo_ms: float
    priority: int
    demand_rps: tuple[float, ...]
    arrival_cv: float
    profiles: dict[GpuTypeId, ModelProfile]
    rules: ModelRules = ModelRules()
    may_split: bool = True


class GpuReservation(StrEnum):
    """Whether a sub-cluster's GPUs are held for the whole horizon or sized for each epoch."""

    RESERVED = "reserved"
    PER_EPOCH = "per_epoch"


class Hardness(StrEnum):
    """What a rule asks of a plan."""

    HARD = "hard"  # kept, or demand stays unserved
    FIX_IF_BROKEN = "fix_if_broken"  # broken no more than the active plan does, and as little as can be
    SOFT = "soft"  # broken as little as can be, never to save cost


@dataclass(frozen=True, slots=True)
class RuleHardness:
    """How hard each rule is that a running fleet may come to break."""

    inventory: Hardness = Hardness.HARD
    spread: Hardness = Hardness.FIX_IF_BROKEN
    exclusions: Hardness = Hardness.FIX_IF_BROKEN
    models_max: Hardness = Hardness.FIX_IF_BROKEN
    churn: Hardness = Hardness.HARD


@dataclass(frozen=True, slots=True)
class PlanningPolicy:
    """
    The rules a plan must keep; None means no limit.

    No two models of one of the ``exclusions`` share a sub-cluster. With ``balance`` the busiest
    sub-cluster is relieved once nothing else can be bettered.

    Parameters
    ----------
    replan_worth_min
        Least (share of cost saved) / (share of GiB loaded) for which the active plan is replaced.
    """

    sub_cluster_gpus_max: int = 64
    scheduler_rate_rps_max: float | None = None
    bad_rate_max: float = 0.01
    churn_gib_max: float | None = None
    replan_worth_min: float | None = None
    gpus: GpuReservation = GpuReservation.RESERVED
    delays: Delays = field(default_factory=Delays)
    sub_cluster_models_max: int | None = None
    exclusions: tuple[tuple[ModelId, ...], ...] = ()
    hardness: RuleHardness = RuleHardness()
    balance: bool = False


@dataclass(frozen=True, slots=True)
class PlanningProblem:
    """
    One planning problem. Immutable; built by ``planner.problem.parse``, which reports every fault at once.

    ``digest`` is the SHA-256 of the problem's canonical JSON, so that a plan names the
    problem that it answers. Models that are stages of a pipeline have their budget as SLO.
    """

    epochs: tuple[Epoch, ...]
    gpu_types: dict[GpuTypeId, GpuType]
    pools: tuple[Pool, ...]
    models: dict[ModelId, Model]
    policy: PlanningPolicy
    active_plan: Plan | None
    digest: str
    pipelines: tuple[Pipeline, ...] = ()

    @property
    def horizon_hours(self) -> float:
        return sum(epoch.hours for epoch in self.epochs)
