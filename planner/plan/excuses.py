"""Why demand is left unserved: for each model the resource that binds, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.plan.breaches import still_broken
from planner.plan.churn import churn_gib
from planner.plan.plan import Excuse, Plan, SubCluster, Unserved
from planner.problem.capacity import (
    batch_size_in_memory,
    batch_size_planned,
    latency_needed_us,
    need_gpus,
)
from planner.problem.problem import Hardness, Model, PlanningProblem, Pool
from planner.problem.rules import may_live

LATENCY = "latency"
MEMORY = "memory"
INVENTORY = "inventory"
THROUGHPUT = "throughput"
SCHEDULER_RATE = "scheduler_rate"
CHURN = "churn"
PLACEMENT = "placement"
SPREAD = "spread"
BUDGET_NEARLY_SPENT = 0.999


def excuses(
    problem: PlanningProblem, clusters: Sequence[SubCluster], unserved: Sequence[Unserved], plan: Plan
) -> tuple[Excuse, ...]:
    """One for each model with unserved demand, each rule that several of them meet, each that is broken."""
    found = [_of_model(problem, clusters, left, plan) for left in unserved]
    return (*found, *_of_rules(problem, clusters, found), *still_broken(problem, plan))


def _of_model(problem: PlanningProblem, clusters: Sequence[SubCluster], left: Unserved, plan: Plan) -> Excuse:
    model = problem.models[left.model]
    impossible = _impossible(problem, model)
    if impossible is not None:
        return impossible
    rate = np.array(model.demand_rps) * np.array(left.share)
    peak = int(np.argmax(rate))
    what = f"up to {max(left.share):.1%} of {model.id} unserved, {rate[peak]:.4g} requests/s in epoch {peak}"
    limit = problem.policy.scheduler_rate_rps_max
    if _churn_binds(problem, plan):
        spent, budget = churn_gib(problem, plan, problem.active_plan), problem.policy.churn_gib_max
        return Excuse(model.id, CHURN, f"{what}: {spent:.3g} of {budget:.3g} GiB of churn are spent")
    options = list(_options(problem, clusters, model, rate))
    if not any(free > 0 for _, free, _ in options):
        pools = ", ".join(pool.id for pool, _, _ in options)
        return Excuse(model.id, INVENTORY, f"{what}: no GPU is left in {pools}")
    pool, free, needed = min(options, key=lambda option: option[2] - option[1])
    if limit is not None and rate[peak] > limit:
        return Excuse(model.id, SCHEDULER_RATE, f"{what}: one dispatcher takes at most {limit:g} requests/s")
    if needed > free:
        text = f"{what}: it needs {needed:.1f} GPUs of its own in {pool.id}, {free} are left"
        return Excuse(model.id, INVENTORY, text)
    if model.rules.zones_min > 1 and problem.policy.hardness.spread is not Hardness.SOFT:
        text = f"{what}: no {model.rules.zones_min} zones found that carry it when one of them is lost"
        return Excuse(model.id, SPREAD, text)
    largest = problem.policy.sub_cluster_gpus_max
    return Excuse(model.id, THROUGHPUT, f"{what}: no room found in sub-clusters of at most {largest} GPUs")


def _impossible(problem: PlanningProblem, model: Model) -> Excuse | None:
    """The model fits on no GPU type whatever else is planned: memory, or milliseconds missing."""
    largest = {
        pool.gpu_type: min(pool.available, problem.policy.sub_cluster_gpus_max)
        for pool in sorted(problem.pools, key=lambda pool: pool.available)
        if may_live(model, pool)
    }
    known = [g for g in sorted(model.profiles) if largest.get(g, 0) > 0]
    if not known:
        wanted = ", ".join(sorted(model.profiles))
        if any(pool.available > 0 and pool.gpu_type in model.profiles for pool in problem.pools):
            return Excuse(
                model.id, PLACEMENT, f"{model.id} runs on {wanted}, its rules allow no pool with GPUs"
            )
        return Excuse(model.id, INVENTORY, f"{model.id} runs on {wanted}, and no pool has any of these")
    if any(batch_size_planned(problem, model, g, largest[g]) > 0 for g in known):
        return None
    fitting = [g for g in known if batch_size_in_memory(model.profiles[g], problem.gpu_types[g]) > 0]
    if not fitting:
        texts = [
            f"{profile.weights_gib + profile.workspace_gib_per_item:.3g} GiB on {g} with "
            f"{problem.gpu_types[g].usable_gib:.3g} usable"
            for g in known
            for profile in [model.profiles[g]]
        ]
        return Excuse(model.id, MEMORY, f"{model.id} needs at least " + "; ".join(texts))
    missing = {
        g: latency_needed_us(model, g, 1, largest[g], problem.policy.delays) / 1_000 - model.slo_ms
        for g in fitting
    }
    nearest = min(missing, key=lambda g: missing[g])
    text = (
        f"{model.id} misses its SLO of {model.slo_ms:g} ms on every GPU type; nearest is {nearest}, "
        f"{missing[nearest]:.3f} ms short with a batch of 1 on {largest[nearest]} GPUs"
    )
    return Excuse(model.id, LATENCY, text)


def _options(
    problem: PlanningProblem, clusters: Sequence[SubCluster], model: Model, rate: NDArray[np.float64]
) -> Iterator[tuple[Pool, int, float]]:
    """For each pool where the model could live: GPUs left, and GPUs a sub-cluster of its own would need."""
    for pool in sorted(problem.pools, key=lambda pool: pool.id):
        if not may_live(model, pool):
            continue
        used = np.zeros(len(problem.epochs), dtype=np.int64)
        for cluster in clusters:
            if (cluster.gpu_type, cluster.zone) == (pool.gpu_type, pool.zone):
                used += np.array(cluster.gpus)
        free = pool.available - int(used.max())
        most = min(max(1, free), problem.policy.sub_cluster_gpus_max)
        batch = batch_size_planned(problem, model, pool.gpu_type, most)
        if batch > 0:
            need = need_gpus(model, pool.gpu_type, rate, batch, most, problem.policy.delays)
            yield pool, free, float(need.max())
        elif pool.gpu_type in model.profiles:
            yield pool, free, float("inf")


def _churn_binds(problem: PlanningProblem, plan: Plan) -> bool:
    budget = problem.policy.churn_gib_max
    if budget is None or problem.active_plan is None:
        return False
    spare = budget - churn_gib(problem, plan, problem.active_plan)
    lightest = min((p.weights_gib for m in problem.models.values() for p in m.profiles.values()), default=0.0)
    return spare < max(lightest, budget * (1 - BUDGET_NEARLY_SPENT))


def _of_rules(
    problem: PlanningProblem, clusters: Sequence[SubCluster], found: Sequence[Excuse]
) -> Iterator[Excuse]:
    short = [e.subject for e in found if e.bottleneck == INVENTORY]
    if short:
        used = {pool.id: 0 for pool in sorted(problem.pools, key=lambda pool: pool.id)}
        for cluster in clusters:
            used[f"{cluster.gpu_type}/{cluster.zone}"] += cluster.gpus_max
        stock = ", ".join(
            f"{used[p.id]} of {p.available} {p.id}" for p in sorted(problem.pools, key=lambda p: p.id)
        )
        yield Excuse(INVENTORY, INVENTORY, f"{len(short)} model(s) lack GPUs; in use at most: {stock}")
