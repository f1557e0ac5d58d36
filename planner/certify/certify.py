"""Certify a plan before it goes live: the fewest GPUs with which each sub-cluster keeps its SLOs."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from planner.certify.certificate import Certificate, SubClusterCertificate
from planner.certify.counting import POLICY
from planner.certify.interval import CONFIDENCE
from planner.certify.judging import Budget
from planner.certify.search import Found, Task, certify_as_it_is, fewest_gpus
from planner.executor import Executor, InProcess
from planner.plan.plan import Plan, SubCluster
from planner.plan.reprice import reprice
from planner.problem.problem import PlanningProblem

SEED = 20_240_229  # of certificates that name none: any, but always the same
BUDGET = Budget()

ProgressCallback: TypeAlias = Callable[[int, int], None]
"""Called with (sub-clusters certified, sub-clusters in all)."""


def certify(
    problem: PlanningProblem,
    plan: Plan,
    *,
    seed: int = SEED,
    budget: Budget = BUDGET,
    executor: Executor | None = None,
) -> Certificate:
    """Simulate every sub-cluster of ``plan`` as it is, at its worst epochs."""
    tasks = _tasks(problem, plan, seed, budget)
    return _certificate(problem, seed, list((executor or InProcess()).map(certify_as_it_is, tasks)))


def certified_plan(
    problem: PlanningProblem,
    plan: Plan,
    *,
    seed: int = SEED,
    budget: Budget = BUDGET,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[Plan, Certificate]:
    """
    The plan with as many GPUs as simulation asks for, no more and no fewer, and its certificate.

    Each sub-cluster gets the fewest GPUs with which it passes, whatever the capacity model had planned;
    those planned stay noted beside them (``SubCluster.gpus_planned``). What no count up to its
    pool and ``sub_cluster_gpus_max`` helps, and what finds its pool empty, is left as it was, and the
    certificate says so. The plan is the same whatever the executor.
    """
    tasks = _tasks(problem, plan, seed, budget)
    found: list[Found] = []
    for one in (executor or InProcess()).map(fewest_gpus, tasks):
        found.append(one)
        if progress is not None:
            progress(len(found), len(tasks))
    granted = _within_pools(problem, plan.sub_clusters, found)
    clusters = tuple(
        one.cluster if yes else cluster
        for one, cluster, yes in zip(found, plan.sub_clusters, granted, strict=True)
    )
    certificates = [one.certificate if yes else one.planned for one, yes in zip(found, granted, strict=True)]
    sized = dataclasses.replace(plan, sub_clusters=clusters)
    return reprice(problem, sized), _certificate(problem, seed, certificates)


def _tasks(problem: PlanningProblem, plan: Plan, seed: int, budget: Budget) -> list[Task]:
    return [Task(_part_of(problem, cluster), cluster, seed, budget) for cluster in plan.sub_clusters]


def _part_of(problem: PlanningProblem, cluster: SubCluster) -> PlanningProblem:
    """What of the problem the sub-cluster needs, so that little is sent to another process."""
    models = {p.model: problem.models[p.model] for p in cluster.placements}
    return dataclasses.replace(problem, models=models, active_plan=None)


def _certificate(
    problem: PlanningProblem, seed: int, clusters: Sequence[SubClusterCertificate]
) -> Certificate:
    return Certificate(
        problem.digest, problem.policy.bad_rate_max, CONFIDENCE, POLICY.value, seed, tuple(clusters)
    )


def _within_pools(
    problem: PlanningProblem, clusters: Sequence[SubCluster], found: Sequence[Found]
) -> list[bool]:
    """Who gets the GPUs found for them: those that give some back, then the least growth first."""
    free: dict[tuple[str, str], NDArray[np.int64]] = defaultdict(
        lambda: np.zeros(len(problem.epochs), dtype=np.int64)
    )
    for pool in problem.pools:
        free[pool.gpu_type, pool.zone] += pool.available
    growth = [np.array(one.cluster.gpus) - np.array(c.gpus) for one, c in zip(found, clusters, strict=True)]
    for cluster, more in zip(clusters, growth, strict=True):
        free[cluster.gpu_type, cluster.zone] -= np.array(cluster.gpus) + np.minimum(0, more)
    granted = [False] * len(clusters)
    for i in sorted(range(len(clusters)), key=lambda i: (int(growth[i].max()), i)):
        left = free[clusters[i].gpu_type, clusters[i].zone]
        more = np.maximum(0, growth[i])
        if (more <= np.maximum(0, left)).all():
            left -= more
            granted[i] = True
    return granted
