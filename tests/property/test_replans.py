"""What the no-change rule keeps for every problem."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.plan.churn import churn_gib
from planner.plan.codec import plan_to_json
from planner.plan.plan import PlanStatus
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.solvers import solve
from planner.solvers.rank import rank
from planner.solvers.replan import held_gib
from tests.planning import documents

FEW = settings(max_examples=6, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(documents(), st.sampled_from([0.1, 0.5, 4.0]))
@FEW
def test_a_stable_load_moves_only_what_is_worth_it(data: dict[str, Any], worth_min: float) -> None:
    first = solve(parse_problem(data), solver="greedy", time_limit_s=0.5, seed=1).plan
    assert first is not None
    again = parse_problem(
        data
        | {"active_plan": plan_to_json(first), "policy": data["policy"] | {"replan_worth_min": worth_min}}
    )
    plan = solve(again, solver="greedy", time_limit_s=0.5, seed=2).plan
    assert plan is not None
    assert verify(again, plan) == []
    assert rank(again, plan)[:-2] <= rank(again, first)[:-2]
    loaded, held = churn_gib(again, plan, first), held_gib(again, first)
    if first.status is not PlanStatus.PARTIAL and loaded > 0:
        saved = 1 - plan.cost_usd_per_hour / first.cost_usd_per_hour
        assert saved / (loaded / held) >= worth_min * (1 - 1e-6)


@given(documents(), st.sampled_from([0.1, 0.5]))
@FEW
def test_changed_demand_is_served_as_well_as_without_the_rule(data: dict[str, Any], worth_min: float) -> None:
    first = solve(parse_problem(data), solver="greedy", time_limit_s=0.5, seed=1).plan
    assert first is not None
    for model in data["models"]:
        model["demand_rps"] = [rate * 1.3 for rate in model["demand_rps"]]
    free = parse_problem(data | {"active_plan": plan_to_json(first)})
    ruled = parse_problem(
        data
        | {"active_plan": plan_to_json(first), "policy": data["policy"] | {"replan_worth_min": worth_min}}
    )
    plans = [solve(problem, solver="greedy", time_limit_s=0.5, seed=1).plan for problem in (free, ruled)]
    assert plans[0] is not None
    assert plans[1] is not None
    assert verify(ruled, plans[1]) == []
    if plans[0].status is PlanStatus.PARTIAL:
        return
    assert plans[1].status is not PlanStatus.PARTIAL
    dearer = plans[1].cost_usd_per_hour > plans[0].cost_usd_per_hour + 1e-6
    loads_more = churn_gib(ruled, plans[1], first) > churn_gib(free, plans[0], first) + 1e-6
    assert not (dearer and loads_more)
