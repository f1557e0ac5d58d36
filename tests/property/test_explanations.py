"""What holds for every explanation: ways out are ways out, brackets hold the truth, proofs are proofs."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from planner.explain.explanation import explain
from planner.explain.settings import apply_settings, parse_setting
from planner.explain.what_if import what_if
from planner.explain.worth import Solved, marginal_gpus, rules_dropped, worths
from planner.formulation.slots import slots_are_exact
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import solve
from planner.solvers.shortage import demand_must_be_left
from tests.planning import documents

FEW = settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PROVEN = 2e-4  # relative: twice the gap within which a plan is called optimal


def best(problem: PlanningProblem) -> Plan:
    plan = solve(problem, time_limit_s=5, seed=0).plan
    assert plan is not None
    return plan


@given(documents(models_max=3, gpus_max=2))
@FEW
def test_every_way_out_serves_all_demand_through_what_if(data: dict[str, Any]) -> None:
    problem = parse_problem(data)
    plan = best(problem)
    assume(plan.unserved)
    shortfall = explain(problem, plan, time_limit_s=6).shortfall
    assert shortfall is not None
    for way in shortfall.relaxations.found if shortfall.relaxations else ():
        asked = [parse_setting(str(setting)) for setting in way.settings]
        changed = apply_settings(problem, asked)
        hopeless = {one.model for one in shortfall.hopeless if not one.late}
        assert verify(changed, way.plan) == []
        assert {left.model for left in way.plan.unserved} <= hopeless
        if not hopeless:
            both = what_if(problem, asked, plan=plan, time_limit_s=4)
            assert both is not None
            assert not both.after.plan.unserved


@given(documents(models_max=3, gpus_max=3))
@FEW
def test_the_brackets_hold_the_true_saving(data: dict[str, Any]) -> None:
    problem = parse_problem(data)
    assume(slots_are_exact(capacity_tables(problem)))
    plan = best(problem)
    assume(not plan.unserved and plan.gap <= 1e-4)
    guess = solve(problem, solver="greedy", time_limit_s=0.2).plan  # a worse plan, a looser bound
    assert guess is not None
    assume(not guess.unserved)
    relaxations = [*marginal_gpus(problem), *rules_dropped(problem)]
    base = Solved(problem, guess, guess.fluid_bound)
    for one in worths(base, relaxations, deadline_s=time.monotonic() + 10):
        after = best(apply_settings(problem, [one.setting]))
        assert one.found is not None
        assert one.least is not None
        assert one.most is not None
        truth = plan.objective - after.objective
        slack = PROVEN * plan.objective + 1e-9
        assert one.least - slack <= truth <= one.most + slack
        assert one.found >= 0


@given(documents(models_max=4, gpus_max=3))
@settings(FEW, max_examples=40)
def test_a_proven_shortage_is_never_served(data: dict[str, Any]) -> None:
    problem = parse_problem(data)
    if demand_must_be_left(problem):
        plan = solve(problem, solver="greedy", time_limit_s=1).plan
        assert plan is not None
        assert plan.unserved


@given(documents(models_max=2), st.integers(0, 9))
@FEW
def test_a_change_of_stock_does_what_its_text_says(data: dict[str, Any], count: int) -> None:
    problem = parse_problem(data)
    for pool in problem.pools:
        path = f"inventory.{pool.gpu_type}.{pool.zone}"
        expected = {
            f"+{count}": pool.available + count,
            f"{count}": count,
            f"x{count}": pool.available * count,
        }
        for value, gpus in expected.items():
            setting = parse_setting(f"{path}={value}")
            assert parse_setting(str(setting)) == setting
            changed = apply_settings(problem, [setting])
            assert next(p.available for p in changed.pools if p.id == pool.id) == gpus
            assert [p for p in changed.pools if p.id != pool.id] == [
                p for p in problem.pools if p.id != pool.id
            ]
