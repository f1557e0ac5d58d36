"""What holds for every planning problem and its plans."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from planner.formulation.formulation import build
from planner.formulation.instance import Instance, build_instance
from planner.formulation.slots import EXACT_SLOTS_MAX, exact_slots
from planner.formulation.twin_pulp import solve_twin
from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import PlanStatus
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.tables import capacity_tables
from planner.solvers import SolveStatus, cp_sat, highs, solve
from planner.solvers.rank import rank
from tests.planning import documents, ruled_documents

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulp")
FEW = settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(FEW, max_examples=12)


def instance(data: Mapping[str, Any], *, split: bool = False) -> Instance:
    tables = capacity_tables(parse_problem(data))
    slots = exact_slots(tables)
    assume(0 < len(slots) <= EXACT_SLOTS_MAX)
    everything = range(len(tables.models))
    return build_instance(tables, slots, split=everything if split else (), elastic=everything)


def optimum(inst: Instance) -> dict[str, float]:
    result = highs.solve_stages(build(inst), deadline_s=time.monotonic() + 60, seed=0, gap=0.0)
    assert all(stage.optimal for stage in result.stages)
    return {stage.name: stage.value for stage in result.stages}


def worse_or_equal(after: dict[str, float], before: dict[str, float]) -> bool:
    """Lexicographically, within the solver's tolerance, over the models that both can serve."""
    order = sorted(before.keys() & after.keys(), key=lambda name: (name == "cost", name))
    return in_order([after[name] for name in order], [before[name] for name in order])


def in_order(worse: list[float], better: list[float]) -> bool:
    """Whether the values of the stages are lexicographically no better, within the solver's tolerance."""
    for above, below in zip(worse, better, strict=True):
        slack = 3e-5 * max(1.0, abs(below))
        if abs(above - below) > slack:
            return above > below
    return True


def serves_all(values: dict[str, float]) -> bool:
    return all(value < 1e-6 for name, value in values.items() if name.startswith("unserved"))


@given(documents(), st.sampled_from(["auto", "greedy"]))
@FEW
def test_every_plan_is_verified_and_says_what_it_leaves_out(data: dict[str, Any], solver: str) -> None:
    problem = parse_problem(data)
    outcome = solve(problem, solver=solver, time_limit_s=30, seed=1)
    plan = outcome.plan
    assert plan is not None
    assert verify(problem, plan) == []
    assert parse_plan(plan_to_json(plan)) == plan
    assert plan.fluid_bound <= plan.bound + 1e-9 <= plan.objective + 2e-9
    assert (plan.status is PlanStatus.PARTIAL) == bool(plan.unserved)
    assert {excuse.subject for excuse in plan.excuses} >= {left.model for left in plan.unserved}
    if outcome.status is SolveStatus.OPTIMAL:
        assert plan.gap <= 1e-4


@given(documents(models_max=3, gpus_max=2), st.booleans())
@FEW
def test_the_pulp_twin_agrees(data: dict[str, Any], split: bool) -> None:
    inst = instance(data, split=split)
    twin = solve_twin(inst)
    assert twin is not None
    found = optimum(inst)
    assert found.keys() == twin.keys()
    for name, value in found.items():
        assert value == pytest.approx(twin[name], rel=1e-4, abs=1e-4), name
        if value > 1e-3:
            break  # stages after this one may use up the slack that keeps it


@given(documents(models_max=3, gpus_max=2))
@FEW
def test_cp_sat_and_highs_agree_on_whole_models(data: dict[str, Any]) -> None:
    inst = instance(data)
    result = cp_sat.solve_stages(build(inst), deadline_s=time.monotonic() + 60, seed=0, gap=0.0)
    found = optimum(inst)
    for stage in result.stages:
        assert stage.optimal
    served = all(value < 1e-9 for name, value in found.items() if name != "cost")
    if served:
        assert result.stages[-1].value == pytest.approx(found["cost"], rel=1e-4)
    else:  # shares count ten-thousandths there
        for stage in result.stages[:1]:
            assert stage.value >= found[stage.name] - 1e-6
            assert stage.value == pytest.approx(found[stage.name], rel=1e-3, abs=1.0)


@given(documents(workspace=False), st.data())
@FEWER
def test_more_demand_is_never_cheaper(data: dict[str, Any], draw: st.DataObject) -> None:
    more = copy.deepcopy(data)
    chosen = draw.draw(st.sampled_from(more["models"]))
    chosen["demand_rps"] = [rate * 1.4 + 1 for rate in chosen["demand_rps"]]
    after = optimum(instance(more))
    assume(serves_all(after))  # what a part of a model's traffic needs is only estimated, from above
    assert worse_or_equal(after, optimum(instance(data)))


@given(documents(workspace=False, gpus_max=2), st.data())
@FEWER
def test_more_inventory_is_never_worse(data: dict[str, Any], draw: st.DataObject) -> None:
    more = copy.deepcopy(data)
    draw.draw(st.sampled_from(more["pools"]))["available"] += 1
    few, many = instance(data), instance(more)
    assume(len(few.models) == len(many.models))
    assert worse_or_equal(optimum(few), optimum(many))


@given(documents(models_max=3, workspace=False))  # larger batches need more workspace
@FEWER
def test_a_relaxed_rule_is_never_worse(data: dict[str, Any]) -> None:
    relaxed = copy.deepcopy(data)
    relaxed["policy"]["scheduler_rate_rps_max"] = None
    for model in relaxed["models"]:
        model["slo_ms"] *= 2
    tight, loose = instance(data), instance(relaxed)
    assume(len(tight.models) == len(loose.models))
    before = optimum(tight)
    assume(serves_all(before))
    assert worse_or_equal(before, optimum(loose))


@given(documents(), st.randoms(use_true_random=False))
@FEWER
def test_the_order_of_the_input_does_not_matter(data: dict[str, Any], random: Any) -> None:
    turned = copy.deepcopy(data)
    for part in ("models", "pools", "gpu_types"):
        random.shuffle(turned[part])
    first, second = parse_problem(data), parse_problem(turned)
    plans = [solve(problem, time_limit_s=30).plan for problem in (first, second)]
    assert first.digest == second.digest
    assert plans[0] is not None
    assert plans[1] is not None
    assert rank(first, plans[0]) == rank(second, plans[1])


@given(ruled_documents())
@FEWER
def test_the_pulp_twin_agrees_on_rules(data: dict[str, Any]) -> None:
    inst = instance(data, split=True)
    twin, found = solve_twin(inst), optimum(inst)
    assert twin is not None
    assert found.keys() == twin.keys()
    for name, value in found.items():
        assert value == pytest.approx(twin[name], rel=1e-4, abs=1e-4), name
        if value > 1e-3:
            break  # stages after this one may use up the slack that keeps it


@given(ruled_documents(), st.sampled_from(["auto", "greedy"]))
@FEWER
def test_every_plan_keeps_its_rules_or_says_which_it_breaks(data: dict[str, Any], solver: str) -> None:
    problem = parse_problem(data)
    plan = solve(problem, solver=solver, time_limit_s=10, seed=1).plan
    assert plan is not None
    assert verify(problem, plan) == []
    assert plan.fluid_bound <= plan.bound + 1e-9 <= plan.objective + 2e-9


RELAXED: dict[str, Any] = {"rules": {}, "exclusions": [], "sub_cluster_models_max": None}


@given(ruled_documents(), st.sampled_from(sorted(RELAXED)))
@FEWER
def test_a_relaxed_business_rule_is_never_worse(data: dict[str, Any], dropped: str) -> None:
    relaxed = copy.deepcopy(data)
    if dropped == "rules":
        for model in relaxed["models"]:
            model["rules"] = {}
    else:
        relaxed["policy"][dropped] = RELAXED[dropped]
    tight, loose = instance(data, split=True), instance(relaxed, split=True)
    assume(len(tight.models) == len(loose.models))
    before, after = optimum(tight), optimum(loose)
    order = [stage.name for stage in build(tight).stages]
    assert in_order([before[name] for name in order], [after.get(name, 0.0) for name in order])
