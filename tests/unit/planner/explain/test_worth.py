from __future__ import annotations

import time

import pytest

from planner.explain.bindings import bindings
from planner.explain.refusals import refusals
from planner.explain.settings import apply_settings, parse_setting
from planner.explain.what_if import CHEAPER, DEARER, INCOMPARABLE, what_if
from planner.explain.worth import Solved, best_of, marginal_gpus, rules_dropped, worths
from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan
from planner.problem.capacity import need_gpus
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import solve
from planner.solvers.assemble import assemble
from planner.solvers.draft import DraftCluster
from tests.planning import batching, document, model, one_at_a_time, problem


def two_types() -> PlanningProblem:
    """1.2 GPUs of load, and 2 GPUs carry 1.29; b costs three times as much as a."""
    both = {"a": one_at_a_time(10.0), "b": one_at_a_time(10.0)}
    models = [model("p", [60.0], both), model("q", [60.0], both)]
    return problem(models, pools={"a": 2, "b": 4}, prices={"a": 1.0, "b": 3.0})


def solved(asked: PlanningProblem) -> Solved:
    plan = solve(asked, solver="highs", time_limit_s=10).plan
    assert plan is not None
    return Solved(asked, plan, plan.bound)


def plan_of(asked: PlanningProblem, drafts: list[tuple[int, list[str]]]) -> Plan:
    """Whole models in pools, one sub-cluster for each entry."""
    tables = capacity_tables(asked)
    index = tables.model_index()
    ones = (tables.hours > 0).astype(float)
    plan = assemble(
        tables,
        [DraftCluster(pool, {index[name]: ones for name in names}) for pool, names in drafts],
        solver="hand",
        seed=0,
    )
    assert plan is not None
    return plan


def test_one_more_gpu_of_the_cheap_type_saves_what_the_dear_one_costs() -> None:
    base = solved(two_types())  # 1.2 GPUs of load on 2 of type a: 1.29 would do
    tight = apply_settings(base.problem, [parse_setting("inventory.a=1")])
    before = solved(tight)
    found = worths(before, marginal_gpus(tight), deadline_s=time.monotonic() + 20)
    by_name = {one.name: one for one in found}
    cheap = by_name["one more a in z"]
    assert cheap.found == pytest.approx(before.plan.objective - base.plan.objective)
    assert cheap.least == pytest.approx(cheap.found, abs=1e-6)
    assert cheap.most == pytest.approx(cheap.found, abs=1e-6)
    assert cheap.found > 0
    assert by_name["one more b in z"].most == pytest.approx(0.0, abs=1e-6)


def test_a_rule_costs_what_dropping_it_saves() -> None:
    models = [model("p", [58.0], {"a": one_at_a_time(10.0)}), model("q", [58.0], {"a": one_at_a_time(10.0)})]
    asked = problem(models, pools={"a": 9}, policy={"scheduler_rate_rps_max": 68})
    base = solved(asked)
    assert base.plan.objective == 3.0  # 48 and 68 requests/s on 1 and 2 GPUs; together 2 would do
    found = {one.name: one for one in worths(base, rules_dropped(asked), deadline_s=time.monotonic() + 20)}
    rate = found["without scheduler rate"]
    assert (rate.found, rate.least, rate.most) == (1.0, pytest.approx(1.0), pytest.approx(1.0))
    assert found["without GPUs of one sub-cluster"].most == pytest.approx(0.0, abs=1e-6)


def test_dollars_are_not_compared_where_demand_is_unserved() -> None:
    asked = problem([model("p", [160.0], {"a": one_at_a_time(10.0)})], pools={"a": 2})
    base = solved(asked)
    (one,) = worths(base, marginal_gpus(asked), deadline_s=time.monotonic() + 10)
    assert (one.found, one.least, one.most) == (None, None, None)
    assert one.unserved_rps_before > 0
    assert one.unserved_rps_after == pytest.approx(0.0)


def test_a_relaxed_problem_never_looks_dearer_for_want_of_time() -> None:
    base = solved(two_types())
    after = best_of(
        apply_settings(base.problem, [parse_setting("inventory.b=+4")]), base.plan, time_limit_s=1e-9
    )
    assert after is not None
    assert after.plan.objective <= base.plan.objective


@pytest.mark.parametrize(
    ("change", "verdict", "usd"),
    [
        ("gpu_types.a.price_usd_per_hour=x2", DEARER, 2.0),
        ("gpu_types.a.price_usd_per_hour=x0.5", CHEAPER, -1.0),
        ("models.*.demand_rps=x0.1", CHEAPER, -1.0),
    ],
)
def test_what_if_proves_what_the_bounds_allow(change: str, verdict: str, usd: float) -> None:
    found = what_if(two_types(), [parse_setting(change)], time_limit_s=20)
    assert found is not None
    assert found.verdict == verdict
    assert found.least == pytest.approx(usd, abs=1e-3)
    assert found.most == pytest.approx(usd, abs=1e-3)
    assert found.after.problem.digest == found.after.plan.problem_digest


def test_what_if_says_what_is_left_unserved() -> None:
    found = what_if(two_types(), [parse_setting("models.*.demand_rps=x20")], time_limit_s=6)
    assert found is not None
    assert found.verdict == INCOMPARABLE
    assert found.unserved_rps[0] == 0.0
    assert found.unserved_rps[1] > 0.0


def test_what_if_within_the_gaps_is_not_decided() -> None:
    asked = two_types()
    found = what_if(asked, [parse_setting("models.p.priority=2")], time_limit_s=10)
    assert found is not None
    assert found.verdict.startswith("not decided")
    assert found.change.is_empty


def test_bindings_by_hand() -> None:
    profile = {"a": one_at_a_time(10.0, weights_gib=7.0)}
    models = [
        model("p", [60.0, 5.0], profile),
        model("q", [60.0, 5.0], profile),
        model("r", [1.0, 1.0], profile),
    ]
    asked = problem(models, pools={"a": 3}, policy={"sub_cluster_gpus_max": 2, "scheduler_rate_rps_max": 120})
    found = {(b.rule, b.where): b for b in bindings(asked, plan_of(asked, [(0, ["p", "q"]), (0, ["r"])]))}
    stock = found["inventory", "a/z"]
    assert (stock.used, stock.limit, stock.epochs) == (3.0, 3.0, (0, 1))
    pair, alone = (name for rule, name in found if rule == "throughput")
    if found["throughput", pair].limit == 1.0:
        pair, alone = alone, pair
    load = found["throughput", pair]
    each = need_gpus(asked.models["p"], "a", 60.0, 1, 2, asked.policy.delays)
    assert load.used == pytest.approx(2 * float(each))
    assert (load.limit, load.epochs) == (2.0, (0,))  # at night one GPU would do
    assert found["memory", pair].used == 14.0
    assert found["memory", pair].is_tight  # 2 GiB free, every other model needs 7
    assert not found["memory", alone].is_tight
    assert found["scheduler_rate", pair].epochs == (0,)
    assert found["gpus_max", pair].epochs == (0, 1)


def test_the_slo_binds_where_it_alone_keeps_batches_small() -> None:
    asked = problem([model("p", [100.0], {"a": batching(1.0, 5.0)}, slo_ms=30.0)], pools={"a": 4})
    (found,) = [b for b in bindings(asked, plan_of(asked, [(0, ["p"])])) if b.rule == "latency"]
    gpus = plan_of(asked, [(0, ["p"])]).sub_clusters[0].gpus_max
    largest = max(b for b in range(1, 33) if (1 + 1 / gpus) * (b + 5.0) <= 30.0)
    assert (found.used, found.limit) == (largest, 32.0)


def test_each_refusal_names_its_bottleneck() -> None:
    profiles = {
        "a": one_at_a_time(10.0),
        "dear": one_at_a_time(10.0),
        "empty": one_at_a_time(10.0),
        "full": one_at_a_time(10.0, weights_gib=17.5),
        "slow": one_at_a_time(60.0),
        "tiny": one_at_a_time(50.0),
    }
    models = [model("p", [60.0], profiles, slo_ms=101.0), model("q", [1.0], {"other": one_at_a_time()})]
    pools = {"a": 2, "dear": 4, "empty": 0, "full": 2, "slow": 1, "tiny": 1, "other": 1}
    asked = problem(models, pools=pools, prices={"dear": 5.0})
    found = {
        r.pool.split("/")[0]: r for r in refusals(asked, plan_of(asked, [(0, ["p"]), (4, ["q"])]), ["p"])
    }
    assert "a" not in found
    assert found["dear"].bottleneck == "cost"
    assert found["dear"].usd_per_hour == pytest.approx(2 * 5.0 - 2 * 1.0)
    assert found["empty"].bottleneck == "inventory"
    assert (found["full"].bottleneck, found["full"].missing) == ("memory", pytest.approx(1.5))
    assert (found["slow"].bottleneck, found["slow"].missing) == ("latency", pytest.approx(19.0))
    assert found["tiny"].bottleneck == "inventory"  # 3 GPUs of load, one is there
    assert found["other"].bottleneck == "profile"


def test_a_refusal_names_the_rule_that_the_move_would_break() -> None:
    both = {"a": one_at_a_time(10.0), "b": one_at_a_time(10.0)}
    models = [model("p", [60.0], both)]
    first = problem(models, pools={"a": 4, "b": 4})
    here = plan_of(first, [(0, ["p"])])
    asked = parse_problem(
        document(
            models, pools={"a": 4, "b": 4}, policy={"churn_gib_max": 1.0}, active_plan=plan_to_json(here)
        )
    )
    (found,) = refusals(asked, plan_of(asked, [(0, ["p"])]), ["p"])
    assert found.bottleneck == "churn"
    assert "GiB are loaded" in found.text


def test_a_move_that_would_be_cheaper_is_said_to_be() -> None:
    asked = two_types()
    here = plan_of(asked, [(0, ["q"]), (1, ["p"])])
    found = {(r.model, r.pool): r for r in refusals(asked, here, ["p"])}
    cheaper = found["p", "a/z"]
    assert cheaper.usd_per_hour == pytest.approx(-6.0)
    assert "less" in cheaper.text
