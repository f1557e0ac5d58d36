"""Certify a plan before it goes live; give more GPUs to the sub-clusters that need them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from planner.certify.certificate import Certificate, SubClusterCertificate
from planner.certify.interval import CONFIDENCE
from planner.certify.sub_cluster_simulation import POLICY, Budget, simulate_epoch, worst_epochs
from planner.plan.plan import Plan, SubCluster
from planner.plan.reprice import reprice
from planner.problem.problem import GpuReservation, PlanningProblem

SEED = 20_240_229  # of certificates that name none: any, but always the same
WORST_EPOCHS_RESERVED = 2
WORST_EPOCHS_SIZED = 4
DEFAULT_BUDGET = Budget()

ProgressCallback: TypeAlias = Callable[[int, int], None]
"""Called with (sub-clusters certified, sub-clusters in all)."""


def certify(
    problem: PlanningProblem, plan: Plan, *, seed: int = SEED, budget: Budget = DEFAULT_BUDGET
) -> Certificate:
    """Simulate every sub-cluster of ``plan`` as it is, at its worst epochs."""
    return _certificate(
        problem, seed, [_certify_one(problem, c, c.gpus_max, seed, budget) for c in plan.sub_clusters]
    )


def certified_plan(
    problem: PlanningProblem,
    plan: Plan,
    *,
    seed: int = SEED,
    budget: Budget = DEFAULT_BUDGET,
    progress: ProgressCallback | None = None,
) -> tuple[Plan, Certificate]:
    """
    The plan with GPUs added where simulation asks for them, and its certificate.

    A sub-cluster that does not pass gets the fewest further GPUs with which it does, as far as its
    pool and ``sub_cluster_gpus_max`` allow, in every epoch alike; what still fails then is left as it
    was and the certificate says so. Cost and gaps are worked out anew against the same bounds.
    """
    clusters = list(plan.sub_clusters)
    certificates = []
    for index, cluster in enumerate(clusters):
        found = _certify_one(problem, cluster, cluster.gpus_max, seed, budget)
        if not found.passed:
            room = _room(problem, clusters, cluster)
            grown, found = _grow(problem, cluster, found, room, seed, budget)
            clusters[index] = grown
        certificates.append(found)
        if progress is not None:
            progress(index + 1, len(clusters))
    grown_plan = dataclasses.replace(plan, sub_clusters=tuple(clusters))
    return reprice(problem, grown_plan), _certificate(problem, seed, certificates)


def _certificate(problem: PlanningProblem, seed: int, clusters: list[SubClusterCertificate]) -> Certificate:
    return Certificate(
        problem.digest, problem.policy.bad_rate_max, CONFIDENCE, POLICY.value, seed, tuple(clusters)
    )


def _certify_one(
    problem: PlanningProblem, cluster: SubCluster, gpus_planned: int, seed: int, budget: Budget
) -> SubClusterCertificate:
    reserved = problem.policy.gpus is GpuReservation.RESERVED
    epochs = worst_epochs(problem, cluster, WORST_EPOCHS_RESERVED if reserved else WORST_EPOCHS_SIZED)
    evidence = tuple(simulate_epoch(problem, cluster, epoch, seed=seed, budget=budget) for epoch in epochs)
    return SubClusterCertificate(cluster.id, gpus_planned, cluster.gpus_max, evidence)


def _grow(
    problem: PlanningProblem,
    cluster: SubCluster,
    failing: SubClusterCertificate,
    room: int,
    seed: int,
    budget: Budget,
) -> tuple[SubCluster, SubClusterCertificate]:
    """The least passing number of further GPUs: doubled until it passes, then halved in between."""
    too_few, enough = 0, None
    extra = 1
    tried: dict[int, SubClusterCertificate] = {}
    while too_few < room:
        extra = min(extra, room)
        tried[extra] = _certify_one(problem, _with_extra(cluster, extra), cluster.gpus_max, seed, budget)
        if tried[extra].passed:
            enough = extra
            break
        too_few, extra = extra, 2 * extra
    if enough is None:
        return cluster, failing
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        tried[middle] = _certify_one(problem, _with_extra(cluster, middle), cluster.gpus_max, seed, budget)
        if tried[middle].passed:
            enough = middle
        else:
            too_few = middle
    return _with_extra(cluster, enough), tried[enough]


def _with_extra(cluster: SubCluster, extra: int) -> SubCluster:
    return dataclasses.replace(cluster, gpus=tuple(n + extra for n in cluster.gpus))


def _room(problem: PlanningProblem, clusters: list[SubCluster], cluster: SubCluster) -> int:
    """GPUs that the sub-cluster may still be given in every epoch: left in its pool, and below its limit."""
    used = np.sum(
        [c.gpus for c in clusters if (c.gpu_type, c.zone) == (cluster.gpu_type, cluster.zone)], axis=0
    )
    (pool,) = (p for p in problem.pools if (p.gpu_type, p.zone) == (cluster.gpu_type, cluster.zone))
    return max(
        0, min(pool.available - int(used.max()), problem.policy.sub_cluster_gpus_max - cluster.gpus_max)
    )
