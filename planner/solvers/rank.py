"""Which of two plans is better: the lexicographic objective of a finished plan."""

from __future__ import annotations

from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.problem.problem import PlanningProblem
from planner.problem.tables import IDLE_RPS


def rank(problem: PlanningProblem, plan: Plan) -> tuple[float, ...]:
    """Lexicographic worth, less is better: unserved requests/s by priority, dollars per hour, GiB loaded."""
    classes = sorted({model.priority for model in problem.models.values()})
    unserved = dict.fromkeys(classes, 0.0)
    for left in plan.unserved:
        model = problem.models[left.model]
        unserved[model.priority] += sum(
            share * max(rate, IDLE_RPS) * epoch.hours
            for share, rate, epoch in zip(left.share, model.demand_rps, problem.epochs, strict=True)
        )
    loaded = churn_gib(problem, plan, problem.active_plan)
    return (*(round(value, 6) for value in unserved.values()), round(plan.objective, 9), round(loaded, 6))
