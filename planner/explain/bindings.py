"""Which rules of a plan are tight: rows of the formulation, judged from the plan and its problem alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.plan.churn import churn_gib
from planner.plan.excuses import CHURN, INVENTORY, LATENCY, MEMORY, SCHEDULER_RATE, THROUGHPUT
from planner.plan.plan import Plan, SubCluster
from planner.plan.verify import counts_planned
from planner.problem.capacity import batch_size_feasible, batch_size_in_memory, need_gpus
from planner.problem.problem import PlanningProblem

TIGHT_SHARE = 0.99  # of a limit without a natural smallest step
GPUS_MAX = "gpus_max"


@dataclass(frozen=True, slots=True)
class Binding:
    """
    One limit and what the plan takes of it.

    ``epochs`` are those in which it is tight (empty: in none); ``used`` is of the tightest epoch. A limit is
    tight where nothing of it is left to give: a GPU fewer would not do, no further model fits, the last per
    cent is in use.
    """

    rule: str
    where: str
    used: float
    limit: float
    unit: str
    epochs: tuple[int, ...]

    @property
    def is_tight(self) -> bool:
        return bool(self.epochs)


def bindings(problem: PlanningProblem, plan: Plan) -> tuple[Binding, ...]:
    """Every limit of the plan by family, those of sub-clusters in the plan's order."""
    found = [*_inventory(problem, plan)]
    for cluster in plan.sub_clusters:
        found += [
            _throughput(problem, cluster),
            _memory(problem, cluster),
            *_largest(problem, cluster),
            *_scheduler_rate(problem, cluster),
            *_latency(problem, cluster),
        ]
    return (*found, *_churn(problem, plan))


def _inventory(problem: PlanningProblem, plan: Plan) -> Iterator[Binding]:
    for pool in sorted(problem.pools, key=lambda pool: pool.id):
        used = np.zeros(len(problem.epochs), dtype=np.int64)
        for cluster in plan.sub_clusters:
            if (cluster.gpu_type, cluster.zone) == (pool.gpu_type, pool.zone):
                used += np.array(cluster.gpus)
        tight = tuple(int(e) for e in np.flatnonzero(used >= pool.available))
        yield Binding(INVENTORY, pool.id, float(used.max()), float(pool.available), "GPUs", tight)


def _throughput(problem: PlanningProblem, cluster: SubCluster) -> Binding:
    """Tight in the epochs in which a GPU fewer would not carry the load."""
    gpus = np.array(counts_planned(cluster))
    fewer = np.maximum(1, gpus - 1)
    need, without_one = np.zeros(len(gpus)), np.zeros(len(gpus))
    for placement in cluster.placements:
        model = problem.models[placement.model]
        rate = np.array(model.demand_rps) * np.array(placement.share)
        batch, delays = placement.batch_size, problem.policy.delays
        need += need_gpus(model, cluster.gpu_type, rate, batch, gpus, delays)
        batch = min(batch, batch_size_feasible(model, cluster.gpu_type, int(fewer.min()), delays))
        if batch < 1:
            without_one += np.inf
        else:
            without_one += need_gpus(model, cluster.gpu_type, rate, batch, fewer, delays)
    tight = (gpus == 1) & (need > 0) | (without_one > gpus - 1)
    worst = int(np.argmax(need / gpus))
    epochs = tuple(int(e) for e in np.flatnonzero(tight))
    return Binding(THROUGHPUT, cluster.id, float(need[worst]), float(gpus[worst]), "GPUs", epochs)


def _memory(problem: PlanningProblem, cluster: SubCluster) -> Binding:
    """Tight where not even the lightest model that lives elsewhere would fit beside those that live here."""
    inside = {p.model for p in cluster.placements}
    used = sum(problem.models[name].profiles[cluster.gpu_type].weights_gib for name in inside)
    used += max(
        (
            problem.models[p.model].profiles[cluster.gpu_type].workspace_gib_per_item * p.batch_size
            for p in cluster.placements
        ),
        default=0.0,
    )
    usable = problem.gpu_types[cluster.gpu_type].usable_gib
    others = [
        model.profiles[cluster.gpu_type].weights_gib
        for name, model in problem.models.items()
        if name not in inside and cluster.gpu_type in model.profiles
    ]
    tight = bool(others) and usable - used < min(others)
    return Binding(MEMORY, cluster.id, used, usable, "GiB", _always(problem) if tight else ())


def _largest(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Binding]:
    limit = problem.policy.sub_cluster_gpus_max
    tight = tuple(e for e, gpus in enumerate(cluster.gpus) if gpus >= limit)
    if tight:
        yield Binding(GPUS_MAX, cluster.id, float(cluster.gpus_max), float(limit), "GPUs", tight)


def _scheduler_rate(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Binding]:
    limit = problem.policy.scheduler_rate_rps_max
    if limit is None:
        return
    rate = np.zeros(len(problem.epochs))
    for placement in cluster.placements:
        rate += np.array(problem.models[placement.model].demand_rps) * np.array(placement.share)
    tight = tuple(int(e) for e in np.flatnonzero(rate >= limit * TIGHT_SHARE))
    yield Binding(SCHEDULER_RATE, cluster.id, float(rate.max()), limit, "requests/s", tight)


def _latency(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Binding]:
    """Tight where the SLO alone keeps a model's batches smaller than profile and memory allow."""
    gpus = max(1, min(cluster.gpus))
    for placement in cluster.placements:
        model = problem.models[placement.model]
        profile = model.profiles[cluster.gpu_type]
        by_slo = batch_size_feasible(model, cluster.gpu_type, gpus, problem.policy.delays)
        otherwise = min(
            profile.batch_size_max, batch_size_in_memory(profile, problem.gpu_types[cluster.gpu_type])
        )
        if placement.batch_size == by_slo < otherwise:
            where = f"{placement.model} on {cluster.id}"
            yield Binding(
                LATENCY, where, float(by_slo), float(otherwise), "requests in a batch", _always(problem)
            )


def _churn(problem: PlanningProblem, plan: Plan) -> Iterator[Binding]:
    limit = problem.policy.churn_gib_max
    if limit is None or problem.active_plan is None:
        return
    loaded = churn_gib(problem, plan, problem.active_plan)
    tight = _always(problem) if loaded >= limit * TIGHT_SHARE else ()
    yield Binding(CHURN, "the plan", loaded, limit, "GiB", tight)


def _always(problem: PlanningProblem) -> tuple[int, ...]:
    return tuple(range(len(problem.epochs)))
