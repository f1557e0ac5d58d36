"""A solve that takes up what an interrupted one had found."""

from __future__ import annotations

import dataclasses

import pytest

from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan
from planner.plan.relabel import is_equivalent
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from planner.solvers.outcome import Progress
from planner.solvers.rank import rank
from tests.planning import document, model, one_at_a_time

SOLVERS = ("auto", "highs", "cp-sat", "columns", "greedy")


def problem() -> PlanningProblem:
    """Eighteen models of many sizes, so that a first packing is rarely the best."""
    models = [
        model(f"m{i:02d}", [5.0 + 3 * (i * 7 % 11), 4.0 + i], {"a": one_at_a_time(weights_gib=1.0 + i % 6)})
        for i in range(18)
    ]
    return parse_problem(document(models, pools={"a": 60}))


@pytest.fixture(scope="module")
def best() -> Plan:
    plan = solve(problem(), solver="auto", time_limit_s=3.0, seed=3).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_result_is_no_worse_than_the_plan_taken_up(best: Plan, solver: str) -> None:
    asked = problem()
    resumed = solve(asked, solver=solver, time_limit_s=0.2, seed=8, incumbent=best).plan
    assert resumed is not None
    assert rank(asked, resumed) <= rank(asked, best)
    assert verify(asked, resumed) == []


def test_the_first_thing_heard_is_the_plan_taken_up(best: Plan) -> None:
    heard: list[Progress] = []
    solve(problem(), solver="greedy", time_limit_s=0.2, seed=8, progress=heard.append, incumbent=best)
    assert heard[0].plan is not None
    assert is_equivalent(heard[0].plan, best)


def test_a_plan_that_breaks_the_rules_is_passed_over(best: Plan) -> None:
    broken = dataclasses.replace(best, sub_clusters=best.sub_clusters[1:])
    outcome = solve(problem(), solver="greedy", time_limit_s=0.2, seed=8, incumbent=broken)
    assert outcome.plan is not None
    assert verify(problem(), outcome.plan) == []


def test_an_active_plan_that_serves_none_of_the_demand_is_no_incumbent_of_cost_zero() -> None:
    """The cost told of stayed 0: that of the active plan's sub-clusters, which held other models."""
    old = parse_problem(document([model("gone", [5.0, 5.0], {"a": one_at_a_time()})], pools={"a": 60}))
    active = solve(old, solver="greedy", time_limit_s=0.2).plan
    assert active is not None
    models = [model(f"m{i}", [90.0, 80.0], {"a": one_at_a_time(weights_gib=2.0)}) for i in range(5)]
    asked = parse_problem(document(models, pools={"a": 60}, active_plan=plan_to_json(active)))
    heard: list[Progress] = []
    plan = solve(asked, solver="greedy", time_limit_s=1.0, progress=heard.append).plan
    assert plan is not None
    assert heard[-1].incumbent == pytest.approx(plan.objective)
    assert plan.objective > 0
