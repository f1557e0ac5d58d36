"""A plan made for one horizon, said again for another: rollback, imported plans, days replayed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster, Unserved
from planner.plan.reprice import reprice
from planner.plan.verify import gap
from planner.problem.capacity import need_gpus
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import GpuReservation, PlanningProblem

GPU_TOLERANCE = 1e-6
ROUNDS_MAX = 20  # more GPUs make the usable share larger: the need settles at once or after a step or two


def realigned(plan: Plan, before: PlanningProblem, problem: PlanningProblem) -> Plan:
    """
    ``plan``, an answer to ``before``, as an answer to ``problem``: the same sub-clusters on other epochs.

    Each epoch of ``problem`` takes the counts and shares of the epoch of ``before`` that contains its start;
    else of the one at the same time of the day, where ``before`` covers a day; else of the one at the same
    place in the list. Models that ``problem`` does not ask for are left out, those that it asks for
    in addition are unserved. GPUs stay as they are; those that the capacity model would ask for today
    stand beside them (``SubCluster.gpus_planned``). Whether the result holds is for ``verify`` and a
    certificate to say.
    """
    epochs = epochs_alike(before, problem)
    clusters = (_on(epochs, cluster, problem) for cluster in plan.sub_clusters)
    kept = tuple(cluster for cluster in clusters if cluster.placements)
    return as_answer(problem, dataclasses.replace(plan, sub_clusters=kept))


def as_answer(problem: PlanningProblem, plan: Plan) -> Plan:
    """
    What the sub-clusters of ``plan`` are worth as an answer to ``problem``: cost, bounds, unserved demand.

    Models and epochs must be those of ``problem``; all else that the plan says of itself is worked out anew.
    """
    clusters = tuple(_planned_for(problem, cluster) for cluster in plan.sub_clusters)
    unserved = tuple(_unserved(problem, clusters))
    fluid = fluid_bound_usd_per_hour(problem, {left.model: left.share for left in unserved})
    named = {left.model for left in unserved}
    said = dataclasses.replace(
        plan,
        status=PlanStatus.PARTIAL if unserved else PlanStatus.FEASIBLE,
        sub_clusters=clusters,
        unserved=unserved,
        excuses=tuple(excuse for excuse in plan.excuses if excuse.subject in named),
        objective=0.0,
        bound=fluid,
        fluid_bound=fluid,
        problem_digest=problem.digest,
        bound_method="fluid",
    )
    priced = reprice(problem, said)
    return dataclasses.replace(
        priced, gap=gap(priced.objective, fluid), physical_gap=gap(priced.objective, fluid)
    )


def epochs_alike(before: PlanningProblem, problem: PlanningProblem) -> list[int]:
    """For each epoch of ``problem``, the index of the epoch of ``before`` that stands for it."""
    horizon = Forecast("", tuple(_epochs(before)), ())
    last = len(before.epochs) - 1
    found = [horizon.epoch_at(epoch.start) for epoch in _epochs(problem)]
    return [min(place, last) if epoch is None else epoch for place, epoch in enumerate(found)]


def _epochs(problem: PlanningProblem) -> list[ForecastEpoch]:
    return [ForecastEpoch(datetime.fromisoformat(epoch.start), epoch.hours) for epoch in problem.epochs]


def _on(epochs: Sequence[int], cluster: SubCluster, problem: PlanningProblem) -> SubCluster:
    placements = tuple(
        Placement(p.model, tuple(p.share[e] for e in epochs), p.batch_size)
        for p in cluster.placements
        if p.model in problem.models
    )
    gpus = tuple(cluster.gpus[e] for e in epochs)
    return dataclasses.replace(cluster, gpus=gpus, gpus_planned=None, placements=placements)


def _planned_for(problem: PlanningProblem, cluster: SubCluster) -> SubCluster:
    """The cluster with the GPUs beside it that the capacity model asks for, where they are more."""
    gpus = np.array(cluster.gpus)
    planned = gpus
    for _ in range(ROUNDS_MAX):
        need = np.ceil(_need(problem, cluster, np.maximum(1, planned)) - GPU_TOLERANCE).astype(np.int64)
        if (need <= planned).all():
            break
        planned = np.maximum(planned, need)
        if problem.policy.gpus is GpuReservation.RESERVED:
            planned = np.full_like(planned, planned.max())
    if (planned == gpus).all():
        return cluster
    return dataclasses.replace(cluster, gpus_planned=tuple(int(count) for count in planned))


def _need(problem: PlanningProblem, cluster: SubCluster, gpus: NDArray[np.int64]) -> NDArray[np.float64]:
    total = np.zeros(len(gpus))
    for p in cluster.placements:
        model = problem.models[p.model]
        profile = model.profiles.get(cluster.gpu_type)
        if profile is not None:  # verify names what is missing
            rate = np.array(model.demand_rps) * np.array(p.share)
            batch = max(1, min(p.batch_size, profile.batch_size_max))
            total = total + need_gpus(model, cluster.gpu_type, rate, batch, gpus, problem.policy.delays)
    return total


def _unserved(problem: PlanningProblem, clusters: Sequence[SubCluster]) -> list[Unserved]:
    share = {name: np.ones(len(problem.epochs)) for name in problem.models}
    for cluster in clusters:
        for p in cluster.placements:
            share[p.model] = share[p.model] - np.array(p.share)
    left = {name: np.where(np.abs(part) < GPU_TOLERANCE, 0.0, part) for name, part in share.items()}
    return [Unserved(name, tuple(part.tolist())) for name, part in left.items() if part.any()]
