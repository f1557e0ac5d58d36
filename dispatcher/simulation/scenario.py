"""A scenario: models, their arrivals and the GPUs they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.simulation.execution import EXACT, Execution
from profiles.latency import LatencyCurve

US_PER_S = 1_000_000


class ArrivalKind(StrEnum):
    """How the times between arrivals are drawn."""

    POISSON = "poisson"  # exponential: coefficient of variation 1
    CONST = "const"  # all equal, the first at a random phase
    GAMMA = "gamma"  # of a given shape: coefficient of variation 1 / sqrt(shape)
    TRACE = "trace"  # given


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """
    When a model's requests come.

    ``rate_rps`` is 0 for a trace; ``shape`` counts for gamma only; ``trace_us`` is int64,
    never falling, and there for a trace only.
    """

    kind: ArrivalKind
    rate_rps: float = 0.0
    shape: float = 1.0
    trace_us: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioModel:
    """
    One model of a scenario.

    ``tenant_shares`` says in which parts its requests are of each of the scenario's tenants; empty
    stands for equal parts.
    """

    id: str
    slo_us: int
    curve: LatencyCurve
    batch_size_max: int
    queue_max: int
    arrivals: Arrivals
    tenant_shares: tuple[float, ...] = ()

    def spec(self) -> ModelSpec:
        """The model as the scheduler sees it."""
        return ModelSpec(self.id, self.slo_us, self.curve.table_us(self.batch_size_max), self.queue_max)


@dataclass(frozen=True, slots=True)
class GpuGroup:
    """``count`` GPUs that execute ``speed`` times as fast as the models' curves say."""

    type: str
    count: int
    speed: float


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """
    One simulation.

    Requests arrive for ``duration_us``; those of the first ``warmup_us`` are served but not
    measured. GPU ids follow the order of ``gpu_groups``.
    """

    seed: int
    duration_us: int
    warmup_us: int
    models: tuple[ScenarioModel, ...]
    gpu_groups: tuple[GpuGroup, ...]
    delays: Delays = field(default_factory=Delays)
    tenants: tuple[TenantSpec, ...] = EVERYONE
    execution: Execution = EXACT

    @property
    def gpu_count(self) -> int:
        return sum(group.count for group in self.gpu_groups)

    @property
    def gpu_speeds(self) -> list[float]:
        return [group.speed for group in self.gpu_groups for _ in range(group.count)]
