"""Churn: what must be loaded to go from the active plan to another, in GiB."""

from __future__ import annotations

from planner.plan.plan import Plan, SubCluster
from planner.problem.problem import PlanningProblem


def churn_gib(problem: PlanningProblem, plan: Plan, active: Plan | None) -> float:
    """
    GiB of weights loaded to go from ``active`` to ``plan``; 0 where nothing is active yet.

    A sub-cluster continues the active one of the same id, GPU type and zone; each GPU on which
    it has to hold a model anew counts that model's weights once. GPUs are those of the
    sub-cluster's largest epoch.
    """
    if active is None:
        return 0.0
    before = {(s.id, s.gpu_type, s.zone): s for s in active.sub_clusters}
    return sum(loaded_gib(problem, before.get((s.id, s.gpu_type, s.zone)), s) for s in plan.sub_clusters)


def loaded_gib(problem: PlanningProblem, before: SubCluster | None, after: SubCluster) -> float:
    r"""
    What one sub-cluster loads, :math:`\sum_m w_m\,(n\,x_m - n^0 x^0_m)^+`, in GiB.

    Models or profiles that the problem does not know count nothing: ``verify`` names them.
    """
    held = {p.model: before.gpus_max for p in before.placements} if before else {}
    total = 0.0
    for placement in after.placements:
        model = problem.models.get(placement.model)
        profile = model.profiles.get(after.gpu_type) if model else None
        if profile is not None:
            total += profile.weights_gib * max(0, after.gpus_max - held.get(placement.model, 0))
    return total
