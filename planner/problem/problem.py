"""What the planner is asked to decide: a frozen problem, complete and free of faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from dispatcher.core.delays import Delays
from planner.plan.plan import Plan
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
    may_split: bool = True


class GpuReservation(StrEnum):
    """Whether a sub-cluster's GPUs are held for the whole horizon or sized for each epoch."""

    RESERVED = "reserved"
    PER_EPOCH = "per_epoch"


@dataclass(frozen=True, slots=True)
class PlanningPolicy:
    """The rules a plan must keep; None means no limit."""

    sub_cluster_gpus_max: int = 64
    scheduler_rate_rps_max: float | None = None
    bad_rate_max: float = 0.01
    churn_gib_max: float | None = None
    gpus: GpuReservation = GpuReservation.RESERVED
    delays: Delays = field(default_factory=Delays)


@dataclass(frozen=True, slots=True)
class PlanningProblem:
    """
    One planning problem. Immutable; built by ``planner.problem.parse``, which reports every fault at once.

    ``digest`` is the SHA-256 of the problem's canonical JSON, so that a plan names the
    problem that it answers.
    """

    epochs: tuple[Epoch, ...]
    gpu_types: dict[GpuTypeId, GpuType]
    pools: tuple[Pool, ...]
    models: dict[ModelId, Model]
    policy: PlanningPolicy
    active_plan: Plan | None
    digest: str

    @property
    def horizon_hours(self) -> float:
        return sum(epoch.hours for epoch in self.epochs)
