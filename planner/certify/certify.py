"""Certify a plan before it goes live: the fewest GPUs with which each sub-cluster keeps its SLOs."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.certify.certificate import Certificate, SubClusterCertificate
from planner.certify.counting import POLICY
from planner.certify.interval import CONFIDENCE
from planner.certify.judging import Budget
from planner.certify.search import Found, Task, certify_as_it_is, fewest_gpus, unsearched
from planner.executor import Executor, InProcess
from planner.plan.plan import Plan, SubCluster
from planner.plan.reprice import reprice
from planner.problem.problem import PlanningProblem

SEED = 20_240_229  # of certificates that name none: any, but always the same
BUDGET = Budget()

ProgressCallback: TypeAlias = Callable[[int, int], None]
"""Called with (sub-clusters certified, sub-clusters in all)."""
Stop: TypeAlias = Callable[[], bool]
"""Asked between two sub-clusters; True ends the work, and what was not reached counts as undecided."""

Result = TypeVar("Result")


def certify(
    problem: PlanningProblem,
    plan: Plan,
    *,
    seed: int = SEED,
    budget: Budget = BUDGET,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
    stop: Stop | None = None,
) -> Certificate:
    """Simulate every sub-cluster of ``plan`` as it is, at its worst epochs."""
    tasks = _tasks(problem, plan, seed, budget)
    done = _carried_out(certify_as_it_is, tasks, executor, progress, stop)
    return _certificate(
        problem, seed, [one or unsearched(task) for one, task in zip(done, tasks, strict=True)]
    )


def certified_plan(
    problem: PlanningProblem,
    plan: Plan,
    *,
    seed: int = SEED,
    budget: Budget = BUDGET,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
    stop: Stop | None = None,
) -> tuple[Plan, Certificate]:
    """
    The plan with as many GPUs as simulation asks for, no more and no fewer, and its certificate.

    Each sub-cluster gets the fewest GPUs with which it passes, whatever the capacity model had planned;
    those planned stay noted beside them (``SubCluster.gpus_planned``). What no count up to its
    pool and ``sub_cluster_gpus_max`` helps, what finds its pool empty, and what a stop leaves
    unsearched is left as it was, and the certificate says so. The plan is the same whatever the executor.
    """
    tasks = _tasks(problem, plan, seed, budget)
    done = _carried_out(fewest_gpus, tasks, executor, progress, stop)
    found = [one or Found.unsearched(task) for one, task in zip(done, tasks, strict=True)]
    granted = _within_pools(problem, plan.sub_clusters, found)
    clusters = tuple(
        one.cluster if yes else cluster
        for one, cluster, yes in zip(found, plan.sub_clusters, granted, strict=True)
    )
    certificates = [one.certificate if yes else one.planned for one, yes in zip(found, granted, strict=True)]
    sized = dataclasses.replace(plan, sub_clusters=clusters)
    return reprice(problem, sized), _certificate(problem, seed, certificates)


def _carried_out(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    executor: Executor | None,
    progress: ProgressCallback | None,
    stop: Stop | None,
) -> list[Result | None]:
    """
    The function's results in the order of the tasks; None for those that a stop came before.

    The busiest sub-clusters come first, so that no process is left with a long one at the end.
    """
    results: list[Result | None] = [None] * len(tasks)
    order = sorted(range(len(tasks)), key=lambda i: -_rate_rps(tasks[i]))
    if stop is not None and stop():
        return results
    with closing(_mapped(executor or InProcess(), function, [tasks[i] for i in order])) as done:
        for count, (i, result) in enumerate(zip(order, done, strict=True), start=1):
            results[i] = result
            if progress is not None:
                progress(count, len(tasks))
            if count < len(tasks) and stop is not None and stop():
                break
    return results


def _mapped(
    executor: Executor, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Generator[Result, None, None]:
    yield from executor.map(function, tasks)


def _rate_rps(task: Task) -> float:
    """Of the busiest epoch: what simulating the sub-cluster costs grows with it."""
    return max(
        sum(task.problem.models[p.model].demand_rps[epoch] * p.share[epoch] for p in task.cluster.placements)
        for epoch in range(len(task.cluster.gpus))
    )


def _tasks(problem: PlanningProblem, plan: Plan, seed: int, budget: Budget) -> list[Task]:
    return [Task(part_of_problem(problem, cluster), cluster, seed, budget) for cluster in plan.sub_clusters]


def part_of_problem(problem: PlanningProblem, cluster: SubCluster) -> PlanningProblem:
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
