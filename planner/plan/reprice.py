"""What a plan claims of itself, worked out anew after its GPUs were changed."""

from __future__ import annotations

import dataclasses

from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import cost_usd_per_hour, gap, objective_usd_per_hour
from planner.problem.problem import PlanningProblem


def reprice(problem: PlanningProblem, plan: Plan) -> Plan:
    """
    The plan with cost, objective and gaps of its sub-clusters; bounds stay as they were proven.

    Cost follows the GPUs, the objective those that the capacity model asks for: a certificate changes the
    first alone. A plan whose objective changed is optimal no longer.
    """
    cost, objective = cost_usd_per_hour(problem, plan), objective_usd_per_hour(problem, plan)
    if objective == plan.objective:
        return dataclasses.replace(plan, cost_usd_per_hour=cost)
    status = PlanStatus.FEASIBLE if plan.status is PlanStatus.OPTIMAL else plan.status
    return dataclasses.replace(
        plan,
        status=status,
        objective=objective,
        cost_usd_per_hour=cost,
        gap=gap(objective, plan.bound),
        physical_gap=gap(objective, plan.fluid_bound),
    )
