r"""
Models that no plan can serve: for each GPU type what is missing, in milliseconds or GiB.

A batch of one on n GPUs is in time where
:math:`S \ge ctrl + \delta + \ell(1) + \lceil \ell(1)/n \rceil + resp`, all in whole microseconds as the
dispatcher counts; the right side is what a type needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.explain.settings import Operation, Setting
from planner.plan.excuses import INVENTORY, LATENCY, MEMORY
from planner.problem.capacity import batch_size_in_memory, batch_size_planned, slo_us
from planner.problem.fluid import gpus_largest
from planner.problem.problem import GpuTypeId, Model, ModelId, PlanningProblem


@dataclass(frozen=True, slots=True)
class TypeMissing:
    """
    Why one GPU type cannot serve a model.

    ``gpus`` is the largest sub-cluster of the type. ``slo_needed_ms`` is the shortest SLO that a batch of
    one keeps there, whatever memory says; None where no GPU of the type is stocked. ``missing_ms`` and
    ``missing_gib`` are 0 where that is not what is missing.
    """

    gpu_type: GpuTypeId
    bottleneck: str
    gpus: int
    slo_needed_ms: float | None
    missing_ms: float
    missing_gib: float


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A model that no GPU type can serve, whatever else is planned."""

    model: ModelId
    slo_ms: float
    types: tuple[TypeMissing, ...]

    @property
    def late(self) -> tuple[TypeMissing, ...]:
        """The types that a longer SLO would open, the first of them first."""
        found = [t for t in self.types if t.bottleneck == LATENCY]
        return tuple(sorted(found, key=lambda t: (t.missing_ms, t.gpu_type)))

    def remedy(self, type_missing: TypeMissing) -> Setting:
        """The least SLO that opens a type."""
        return Setting(f"models.{self.model}.slo_ms", Operation.REPLACE, type_missing.slo_needed_ms)


def hopeless_models(problem: PlanningProblem) -> tuple[Hopeless, ...]:
    """Every model that no stocked GPU type can serve within its SLO and its memory, by id."""
    largest = gpus_largest(problem)
    found: list[Hopeless] = []
    for name in sorted(problem.models):
        model = problem.models[name]
        if any(batch_size_planned(problem, model, g, n) > 0 for g, n in largest.items()):
            continue
        found.append(Hopeless(name, model.slo_ms, tuple(_missing(problem, model, largest))))
    return tuple(found)


def slo_needed_us(problem: PlanningProblem, model: Model, gpu_type: GpuTypeId, gpus: int) -> int:
    """The shortest SLO that a batch of one keeps on that many GPUs, in whole microseconds."""
    delays = problem.policy.delays
    alone_us = int(model.profiles[gpu_type].curve.table_us(1)[1])
    return delays.ctrl_us + delays.data_us + alone_us + -(-alone_us // gpus) + delays.resp_us


def _missing(problem: PlanningProblem, model: Model, largest: dict[GpuTypeId, int]) -> Iterator[TypeMissing]:
    for gpu_type in sorted(model.profiles):
        profile, kind = model.profiles[gpu_type], problem.gpu_types[gpu_type]
        gpus = largest.get(gpu_type, 0)
        if gpus == 0:
            yield TypeMissing(gpu_type, INVENTORY, 0, None, 0.0, 0.0)
            continue
        needed_us = slo_needed_us(problem, model, gpu_type, gpus)
        missing_ms = max(0, needed_us - slo_us(model)) / 1_000
        if batch_size_in_memory(profile, kind) < 1:
            over = profile.weights_gib + profile.workspace_gib_per_item - kind.usable_gib
            yield TypeMissing(gpu_type, MEMORY, gpus, needed_us / 1_000, missing_ms, over)
        else:
            yield TypeMissing(gpu_type, LATENCY, gpus, needed_us / 1_000, missing_ms, 0.0)
