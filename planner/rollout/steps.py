"""What a rollout consists of: steps with their way back, waves of steps, and what all of it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from planner.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model on every GPU that the sub-cluster has; ``gib`` is what all of them read together."""

    sub_cluster: str
    model: str
    gpus: int
    gib: float

    @property
    def back(self) -> Unload:
        return Unload(self.sub_cluster, self.model, self.gpus, self.gib)


@dataclass(frozen=True, slots=True)
class Unload:
    """Free a model's weights on every GPU that the sub-cluster has; ``gib`` is what the way back loads."""

    sub_cluster: str
    model: str
    gpus: int
    gib: float

    @property
    def back(self) -> Load:
        return Load(self.sub_cluster, self.model, self.gpus, self.gib)


@dataclass(frozen=True, slots=True)
class AddGpus:
    """
    Give free GPUs of the pool to a sub-cluster, which is opened if it does not exist.

    They load all of its ``models``, ``gib`` together, and serve from then on.
    """

    sub_cluster: str
    gpu_type: str
    zone: str
    gpus: int
    models: tuple[str, ...]
    gib: float

    @property
    def back(self) -> RemoveGpus:
        return RemoveGpus(self.sub_cluster, self.gpu_type, self.zone, self.gpus, self.models, self.gib)


@dataclass(frozen=True, slots=True)
class RemoveGpus:
    """Return GPUs of a sub-cluster to its pool; the sub-cluster closes with its last one."""

    sub_cluster: str
    gpu_type: str
    zone: str
    gpus: int
    models: tuple[str, ...]
    gib: float

    @property
    def back(self) -> AddGpus:
        return AddGpus(self.sub_cluster, self.gpu_type, self.zone, self.gpus, self.models, self.gib)


@dataclass(frozen=True, slots=True)
class Route:
    """Part of a model's traffic sent to one sub-cluster, and the largest batch it may form there."""

    sub_cluster: str
    share: float
    batch_size: int


@dataclass(frozen=True, slots=True)
class RouteChange:
    """One model's routes before and after, in the order of sub-clusters."""

    model: str
    before: tuple[Route, ...]
    after: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Send the traffic of the models named elsewhere, or in other batches, all at one instant."""

    changes: tuple[RouteChange, ...]

    @property
    def back(self) -> Switch:
        return Switch(tuple(RouteChange(c.model, c.after, c.before) for c in self.changes))


Step: TypeAlias = Load | Unload | AddGpus | RemoveGpus | Switch


@dataclass(frozen=True, slots=True)
class SpareGpus:
    """GPUs of one place kept for rollouts: room for one sub-cluster under this id, open one at a time."""

    id: str
    gpu_type: str
    zone: str
    gpus: int


@dataclass(frozen=True, slots=True)
class Wave:
    """
    Steps done in the order given, loads side by side; a health check follows, and here one may stop.

    Parameters
    ----------
    duration_s
        Of the GPU that loads longest; freeing and switching count nothing.
    lost_rps
        Requests per second by model that are not carried while this wave loads, beyond what the
        plan before or the plan after leaves out itself.
    """

    steps: tuple[Step, ...]
    duration_s: float
    gib: float
    lost_rps: tuple[tuple[str, float], ...]

    @property
    def back(self) -> tuple[Step, ...]:
        """The steps that undo this wave, in their order."""
        return tuple(step.back for step in reversed(self.steps))

    @property
    def lost_requests(self) -> float:
        return self.duration_s * sum(rate for _, rate in self.lost_rps)


@dataclass(frozen=True, slots=True)
class Rollout:
    """
    The waves that lead from ``before`` to ``after``, whose ids are those of the running sub-clusters.

    Parameters
    ----------
    epoch_before, epoch
        The epochs whose GPU counts and shares hold before and after; demand is that of ``epoch``.
    churn_gib
        What the plans differ by in that epoch; the waves load this at least.
    spares
        Ids of sub-clusters that exist only during the rollout.
    """

    before: Plan
    after: Plan
    epoch_before: int
    epoch: int
    waves: tuple[Wave, ...]
    churn_gib: float
    spares: tuple[str, ...]
    load_gib_per_s: float

    @property
    def gib(self) -> float:
        return sum(wave.gib for wave in self.waves)

    @property
    def duration_s(self) -> float:
        return sum(wave.duration_s for wave in self.waves)

    @property
    def lost_requests(self) -> float:
        return sum(wave.lost_requests for wave in self.waves)

    @property
    def lost_rps_max(self) -> float:
        """The most requests per second that any wave leaves out; 0 for a rollout without loss."""
        return max((sum(rate for _, rate in wave.lost_rps) for wave in self.waves), default=0.0)
