"""
What simulation refuses is planned again: its sub-clusters alone where that is allowed, else the whole.

The models of refused sub-clusters are counted with more demand than they have: a cut that drives the
solver away from what it had packed too tightly. What passed stays as it is, with its certificate; the part
planned again has the GPUs that this leaves. Rules that reach across sub-clusters (spread over zones, churn,
places in the active plan) make it the whole problem.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from planner.plan.plan import Plan, SubCluster
from planner.problem.problem import PlanningProblem

DEMAND_STEP = 1.15  # one round's mark-up on the demand of models whose sub-cluster failed


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Part:
    """
    A problem of its own: the models of some sub-clusters, on the GPUs that the others leave.

    Attributes
    ----------
    problem
        As it really is; to be planned with ``tightened`` demand.
    share
        Of each model's traffic, what comes here; shape (epochs,).
    kept
        The sub-clusters outside.
    """

    problem: PlanningProblem
    share: dict[str, NDArray[np.float64]]
    kept: tuple[SubCluster, ...]

    def put_back(self, plan: Plan) -> tuple[SubCluster, ...]:
        """The sub-clusters of a plan of the part, as sub-clusters of the whole; their names are new."""
        taken = {cluster.id for cluster in self.kept}
        return tuple(self._of_the_whole(cluster, taken) for cluster in plan.sub_clusters)

    def _of_the_whole(self, cluster: SubCluster, taken: set[str]) -> SubCluster:
        placements = tuple(
            dataclasses.replace(p, share=tuple((np.array(p.share) * self.share[p.model]).tolist()))
            for p in cluster.placements
        )
        name, number = cluster.id, 2
        while name in taken:
            name, number = f"{cluster.id}-{number}", number + 1
        taken.add(name)
        return dataclasses.replace(cluster, id=name, placements=placements)


def part_of(problem: PlanningProblem, plan: Plan, failed: set[str]) -> Part | None:
    """The sub-clusters named, as a problem of their own; None where rules reach beyond them."""
    if problem.active_plan is not None:
        return None
    again = [cluster for cluster in plan.sub_clusters if cluster.id in failed]
    kept = tuple(cluster for cluster in plan.sub_clusters if cluster.id not in failed)
    share: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(problem.epochs)))
    for cluster in again:
        for p in cluster.placements:
            share[p.model] += np.array(p.share)
    models = {
        name: dataclasses.replace(
            problem.models[name],
            demand_rps=tuple((np.array(problem.models[name].demand_rps) * part).tolist()),
        )
        for name, part in share.items()
    }
    if any(model.rules.zones_min > 1 for model in models.values()):
        return None
    used: dict[tuple[str, str], int] = defaultdict(int)
    for cluster in kept:
        used[cluster.gpu_type, cluster.zone] += cluster.gpus_max
    pools = tuple(
        dataclasses.replace(pool, available=max(0, pool.available - used[pool.gpu_type, pool.zone]))
        for pool in problem.pools
    )
    exclusions = (tuple(m for m in group if m in models) for group in problem.policy.exclusions)
    policy = dataclasses.replace(
        problem.policy, exclusions=tuple(group for group in exclusions if len(group) > 1)
    )
    part = dataclasses.replace(problem, models=models, pools=pools, policy=policy, pipelines=())
    return Part(part, dict(share), kept)


def tightened(problem: PlanningProblem, marks: Mapping[str, int]) -> PlanningProblem:
    """The problem with more demand: a step for each mark that a model has; its digest is kept."""
    models = {
        name: dataclasses.replace(
            model, demand_rps=tuple(rate * DEMAND_STEP ** marks.get(name, 0) for rate in model.demand_rps)
        )
        for name, model in problem.models.items()
    }
    return dataclasses.replace(problem, models=models)
