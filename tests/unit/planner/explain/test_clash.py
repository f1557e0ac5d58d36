from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import pytest

from planner.explain.clash import find_clash, quickxplain
from planner.explain.probe import Prober, carried_over
from planner.explain.rules import Rule, business_rules, slo_rules, stock_rules
from planner.explain.settings import Operation, Setting, apply_settings, parse_setting
from planner.problem.capacity import need_gpus
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from planner.solvers.shortage import demand_must_be_left
from tests.planning import batching, model, one_at_a_time, problem


def rule(name: str) -> Rule:
    return Rule(name, name, Setting(name, Operation.REPLACE, None))


@pytest.mark.parametrize("clashes", [["c"], ["ad"], ["abc", "de"], ["af", "bf", "cd"], ["abcdef"]])
def test_quickxplain_returns_one_of_the_smallest_clashes(clashes: list[str]) -> None:
    rules = [rule(name) for name in "abcdef"]

    def holds(kept: Sequence[Rule]) -> bool:
        names = {r.name for r in kept}
        return not any(set(clash) <= names for clash in clashes)

    found = quickxplain(holds, rules)
    assert not holds(found)
    assert all(holds([r for r in found if r is not left]) for left in found)


def prober(asked: PlanningProblem) -> Prober:
    return Prober(asked, deadline_s=time.monotonic() + 60, probe_s=2.0)


def every_rule(asked: PlanningProblem) -> list[Rule]:
    return [*business_rules(asked), *stock_rules(asked), *slo_rules(asked, list(asked.models))]


def test_two_pools_and_nothing_else_clash_where_gpus_are_short() -> None:
    heavy = {"a": one_at_a_time(10.0), "b": one_at_a_time(10.0)}
    asked = problem([model("p", [400.0], heavy)], pools={"a": 1, "b": 1})
    clash = find_clash(prober(asked), every_rule(asked))
    assert {r.name for r in clash.rules} == {"inventory of a/z", "inventory of b/z"}
    assert clash.is_minimal
    assert clash.is_proven


def test_a_scheduler_rate_that_no_sub_cluster_can_meet_is_named() -> None:
    asked = problem(
        [model("p", [90.0], {"a": one_at_a_time(2.0)})],
        pools={"a": 1},
        policy={"scheduler_rate_rps_max": 50},
    )
    clash = find_clash(prober(asked), every_rule(asked))
    assert {r.name for r in clash.rules} == {"inventory of a/z", "scheduler rate"}


def test_memory_and_inventory_clash_where_two_models_do_not_fit_one_gpu() -> None:
    heavy = {"a": one_at_a_time(2.0, weights_gib=9.0)}
    asked = problem([model("p", [5.0], heavy), model("q", [5.0], heavy)], pools={"a": 1})
    clash = find_clash(prober(asked), every_rule(asked))
    assert {r.name for r in clash.rules} == {"inventory of a/z", "memory of a"}
    assert clash.is_minimal


def test_rules_are_found_in_the_document_and_dropped_by_their_default() -> None:
    asked = problem(
        [model("p", [5.0, 6.0], {"a": batching()})],
        pools={"a": 9},
        policy={"scheduler_rate_rps_max": 50, "sub_cluster_gpus_max": 4},
    )
    found = {r.name: str(r.dropped) for r in business_rules(asked)}
    assert found == {
        "GPUs of one sub-cluster": "policy.sub_cluster_gpus_max=9",
        "GPUs reserved for the horizon": "policy.gpus=per_epoch",
        "scheduler rate": "policy.scheduler_rate_rps_max=null",
    }
    for one in every_rule(asked):
        assert apply_settings(asked, [one.dropped]).digest != asked.digest


def test_the_shortage_is_proven_exactly_where_one_type_cannot_carry_the_load() -> None:
    rows = [(rate, gpus) for rate, gpus in itertools.product((10.0, 60.0, 120.0, 300.0), (1, 2, 4))]
    proofs = 0
    for rate, gpus in rows:
        asked = problem([model("p", [rate], {"a": one_at_a_time(10.0)})], pools={"a": gpus})
        plan = solve(asked, solver="highs", time_limit_s=5).plan
        assert plan is not None
        proven = demand_must_be_left(asked)
        proofs += proven
        assert not proven or plan.unserved
        need = need_gpus(asked.models["p"], "a", rate, 1, gpus, asked.policy.delays)
        assert proven is bool(need > gpus)
    assert 0 < proofs < len(rows)


def test_a_plan_carried_over_is_verified_against_the_other_problem() -> None:
    asked = problem([model("p", [60.0], {"a": one_at_a_time(10.0)})], pools={"a": 4})
    plan = solve(asked, solver="highs", time_limit_s=5).plan
    assert plan is not None
    dearer = apply_settings(asked, [parse_setting("gpu_types.a.price_usd_per_hour=x3")])
    same = carried_over(dearer, plan)
    assert same is not None
    assert same.objective == pytest.approx(3 * plan.objective)
    assert same.sub_clusters == plan.sub_clusters
    assert carried_over(apply_settings(asked, [parse_setting("inventory.a=1")]), plan) is None
    assert carried_over(apply_settings(asked, [parse_setting("models.p.demand_rps=x9")]), plan) is None
