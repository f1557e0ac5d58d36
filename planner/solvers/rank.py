"""Which of two plans is better: the lexicographic objective of a finished plan."""

from __future__ import annotations

import dataclasses

from planner.plan.breaches import breaches
from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.plan.verify import busy_share_max
from planner.problem.problem import PlanningProblem, RuleHardness
from planner.problem.tables import IDLE_RPS


def rank(problem: PlanningProblem, plan: Plan) -> tuple[float, ...]:
    """
    Lexicographic worth, less is better.

    Unserved requests/s by priority, breaches by rule, dollars per hour, GiB loaded and, where balance is
    asked for, the busiest sub-cluster's busy share.
    """
    classes = sorted({model.priority for model in problem.models.values()})
    unserved = dict.fromkeys(classes, 0.0)
    for left in plan.unserved:
        model = problem.models[left.model]
        unserved[model.priority] += sum(
            share * max(rate, IDLE_RPS) * epoch.hours
            for share, rate, epoch in zip(left.share, model.demand_rps, problem.epochs, strict=True)
        )
    broken = {field.name: 0.0 for field in dataclasses.fields(RuleHardness)}
    for breach in breaches(problem, plan):
        broken[breach.rule] += breach.amount
    loaded = churn_gib(problem, plan, problem.active_plan)
    stages = (*unserved.values(), *broken.values())
    cost = (round(plan.objective, 9), round(loaded, 6))
    balance = (round(busy_share_max(problem, plan), 6),) if problem.policy.balance else ()
    return (*(round(value, 6) for value in stages), *cost, *balance)
