"""What a wave does, for those who watch it: which sub-clusters load, let go, grow and shrink."""

from __future__ import annotations

from dataclasses import dataclass

from planner.problem.problem import PlanningProblem
from planner.rollout.stages import Holding, Stage, changed


@dataclass(frozen=True, slots=True)
class Change:
    """
    What a wave does to one sub-cluster; one of no GPUs before opens, of none afterwards closes.

    ``gib`` is what all of its GPUs load together; where nothing is loaded or let go, batches change.
    """

    sub_cluster: str
    gpu_type: str
    zone: str
    gpus_before: int
    gpus: int
    loads: tuple[str, ...]
    unloads: tuple[str, ...]
    gib: float


def changes(problem: PlanningProblem, now: Stage, then: Stage) -> tuple[Change, ...]:
    """Of every sub-cluster that the wave from ``now`` to ``then`` concerns, by name."""
    return tuple(_change(problem, name, now.get(name), then.get(name)) for name in changed(now, then))


def _change(problem: PlanningProblem, name: str, was: Holding | None, then: Holding | None) -> Change:
    where = then or was
    assert where is not None
    before = frozenset(was.models if was else ())
    after = frozenset(then.models if then else ())
    gpus_before, gpus = was.gpus if was else 0, then.gpus if then else 0
    gib = sum(
        _weights_gib(problem, model, where.gpu_type) * (gpus - (gpus_before if model in before else 0))
        for model in sorted(after)
        if model not in before or gpus > gpus_before
    )
    loads, unloads = tuple(sorted(after - before)), tuple(sorted(before - after))
    return Change(name, where.gpu_type, where.zone, gpus_before, gpus, loads, unloads, gib)


def _weights_gib(problem: PlanningProblem, model: str, gpu_type: str) -> float:
    """0 for what the problem does not know there."""
    known = problem.models.get(model)
    profile = known.profiles.get(gpu_type) if known else None
    return profile.weights_gib if profile else 0.0
