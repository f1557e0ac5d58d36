"""
What simulation refuses is planned again: its sub-clusters alone where that is allowed, else the whole.

The models of refused sub-clusters are counted with more demand than they have: a cut that drives the
solver away from what it had packed too tightly. What passed stays as it is, with its certificate; the part
planned again has the GPUs that this leaves. Of a fleet that runs, the part continues the sub-clusters that
none of those outside continue, and may load what those leave of the budget. A rule that reaches across
sub-clusters (spread over zones) makes it the whole problem.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from planner.plan.churn import churn_gib
from planner.plan.plan import Placement, Plan, SubCluster
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
        problem.policy,
        exclusions=tuple(group for group in exclusions if len(group) > 1),
        churn_gib_max=_budget_left(problem, dataclasses.replace(plan, sub_clusters=kept)),
    )
    active = None if problem.active_plan is None else _not_continued(problem.active_plan, kept, share)
    part = dataclasses.replace(
        problem, models=models, pools=pools, policy=policy, active_plan=active, pipelines=()
    )
    return Part(part, dict(share), kept)


def _budget_left(problem: PlanningProblem, kept: Plan) -> float | None:
    """GiB that may be loaded beside what the sub-clusters outside load."""
    budget = problem.policy.churn_gib_max
    return None if budget is None else max(0.0, budget - churn_gib(problem, kept, problem.active_plan))


def _not_continued(active: Plan, kept: Collection[SubCluster], models: Collection[str]) -> Plan:
    """
    The active sub-clusters that none of those kept continue, with these models alone.

    Of the traffic that comes to the part each takes what it has of theirs together.
    """
    taken = {cluster.id for cluster in kept}
    found = [
        dataclasses.replace(cluster, placements=tuple(p for p in cluster.placements if p.model in models))
        for cluster in active.sub_clusters
        if cluster.id not in taken
    ]
    together: dict[str, NDArray[np.float64]] = {}
    homes: dict[str, int] = defaultdict(int)
    for p in (p for cluster in found for p in cluster.placements):
        together[p.model] = np.array(p.share) + together.get(p.model, 0.0)
        homes[p.model] += 1

    def whole(p: Placement) -> Placement:
        total = together[p.model]
        share = np.where(total > 0, np.array(p.share) / np.where(total > 0, total, 1.0), 1 / homes[p.model])
        return dataclasses.replace(p, share=tuple(share.tolist()))

    clusters = (
        dataclasses.replace(cluster, placements=tuple(map(whole, cluster.placements))) for cluster in found
    )
    return dataclasses.replace(active, sub_clusters=tuple(c for c in clusters if c.placements), unserved=())


def tightened(problem: PlanningProblem, marks: Mapping[str, int]) -> PlanningProblem:
    """The problem with more demand: a step for each mark that a model has; its digest is kept."""
    models = {
        name: dataclasses.replace(
            model, demand_rps=tuple(rate * DEMAND_STEP ** marks.get(name, 0) for rate in model.demand_rps)
        )
        for name, model in problem.models.items()
    }
    return dataclasses.replace(problem, models=models)
