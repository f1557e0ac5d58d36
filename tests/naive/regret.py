"""What a plan leaves unserved in a demand world, one sub-cluster and epoch after another."""

from __future__ import annotations

from planner.plan.plan import Plan
from planner.problem.capacity import need_gpus
from planner.problem.problem import PlanningProblem


def unserved_rps(problem: PlanningProblem, plan: Plan, rates: dict[str, list[float]]) -> float:
    """Requests per second, the mean over the horizon, where models ask for ``rates`` by epoch."""
    total = 0.0
    for e, epoch in enumerate(problem.epochs):
        lost = 0.0
        for name in problem.models:
            sent = sum(p.share[e] for c in plan.sub_clusters for p in c.placements if p.model == name)
            lost += rates[name][e] * max(0.0, 1.0 - sent)
        for cluster in plan.sub_clusters:
            need = traffic = 0.0
            for p in cluster.placements:
                rate = rates[p.model][e] * p.share[e]
                model, gpus = problem.models[p.model], cluster.gpus[e]
                delays = problem.policy.delays
                need += float(need_gpus(model, cluster.gpu_type, rate, p.batch_size, gpus, delays))
                traffic += rate
            if need > cluster.gpus[e]:
                lost += traffic * (1 - cluster.gpus[e] / need)
        total += lost * epoch.hours
    return total / problem.horizon_hours
