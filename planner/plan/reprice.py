"""What a plan claims of itself, worked out anew after its GPUs were changed."""

from __future__ import annotations

import dataclasses

from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import cost_usd_per_hour, gap
from planner.problem.problem import PlanningProblem


def reprice(problem: PlanningProblem, plan: Plan) -> Plan:
    """
    The plan with cost, objective and gaps of its sub-clusters; bounds stay as they were proven.

    A plan that now costs more than it did is optimal no longer, unless its bound is met.
    """
    cost = cost_usd_per_hour(problem, plan)
    if cost == plan.cost_usd_per_hour:
        return plan
    status = PlanStatus.FEASIBLE if plan.status is PlanStatus.OPTIMAL else plan.status
    return dataclasses.replace(
        plan,
        status=status,
        objective=cost,
        cost_usd_per_hour=cost,
        gap=gap(cost, plan.bound),
        physical_gap=gap(cost, plan.fluid_bound),
    )
