"""Business rules through every solver: dearer than without, kept, and missed by ``verify`` if not."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from planner.plan.breaches import STILL_BROKEN, breaches
from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import busy_share_max, verify
from planner.problem.capacity import need_gpus
from planner.problem.parse import parse_problem
from planner.solvers import solve
from tests.planning import changed, document, model, one_at_a_time

SOLVERS = ("greedy", "highs", "cp-sat", "auto")
LIGHT = 20.0  # requests/s of 10 ms: 0.2 GPUs, 0.4 with the spare part of a single GPU


def light(*names: str, rate: float = LIGHT, types: str = "a", **profile: Any) -> list[dict[str, Any]]:
    return [model(name, [rate], {g: one_at_a_time(**profile) for g in types}) for name in names]


def planned(data: dict[str, Any], solver: str = "auto", time_limit_s: float = 20.0) -> Plan:
    question = parse_problem(data)
    plan = solve(question, solver=solver, time_limit_s=time_limit_s).plan
    assert plan is not None
    assert verify(question, plan) == []
    return plan


def broken(data: dict[str, Any], plan: Plan) -> set[str]:
    """Rules that a plan of another problem breaks, claims aside."""
    question = parse_problem(data)
    renamed = dataclasses.replace(plan, problem_digest=question.digest)
    return {v.constraint for v in verify(question, renamed)} - {"claims"}


TWO_TYPES = {"pools": {"a": 4, "b": 4}, "prices": {"a": 1.0, "b": 3.0}}
TWO_ZONES = {"pools": {"a/y": 4, "a/z": 4}}
# rule: models, other parts of the document, path and value of the rule, cost without and with, violation
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str, Any, float, float, str]] = {
    "allowed": (
        light("p", "q", types="ab"),
        TWO_TYPES,
        "models.0.rules",
        {"gpu_types_allowed": ["b"]},
        1.0,
        3.0,
        "placement",
    ),
    "excluded": (
        light("p", "q", types="ab"),
        TWO_TYPES,
        "models.0.rules",
        {"gpu_types_excluded": ["a"]},
        1.0,
        3.0,
        "placement",
    ),
    "pinned": (
        light("p", "q", types="ab"),
        TWO_TYPES,
        "models.0.rules",
        {"pinned_to": {"gpu_type": "b", "zone": "z"}},
        1.0,
        3.0,
        "pinned",
    ),
    "dedicated": (light("p", "q"), {}, "models.0.rules", {"dedicated": True}, 1.0, 2.0, "dedicated"),
    "exclusions": (light("p", "q"), {}, "policy.exclusions", [["q", "p"]], 1.0, 2.0, "exclusions"),
    "models_max": (light("p", "q"), {}, "policy.sub_cluster_models_max", 1, 1.0, 2.0, "models_max"),
    "spread": (light("p", "q"), TWO_ZONES, "models.0.rules", {"zones_min": 2}, 1.0, 2.0, "spread"),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("rule", CASES)
def test_a_rule_is_kept_where_ignoring_it_is_cheaper(rule: str, solver: str) -> None:
    models, more, path, value, without_it, with_it, violation = CASES[rule]
    free = document(models, **more)
    free["models"][0]["rules"] = {}
    ruled = changed(free, path, value)
    cheap, dear = planned(free, solver), planned(ruled, solver)
    assert (cheap.cost_usd_per_hour, dear.cost_usd_per_hour) == (without_it, with_it)
    if rule != "pinned" or solver != "greedy":
        assert broken(ruled, cheap) == {violation}


def test_a_zone_lost_leaves_enough_gpus() -> None:
    """120 requests/s are 1.2 GPUs, 3 with the spare part: each zone needs as many as one zone alone would."""
    alone = document(light("p", rate=120.0), **TWO_ZONES)
    spread = changed(alone, "models.0.rules", {"zones_min": 2}) if "rules" in alone["models"][0] else alone
    spread["models"][0]["rules"] = {"zones_min": 2}
    plan = planned(spread)
    assert [(s.zone, s.gpus) for s in plan.sub_clusters] == [("y", (2,)), ("z", (2,))]
    assert [p.share for s in plan.sub_clusters for p in s.placements] == [(0.5,), (0.5,)]
    first, *rest = plan.sub_clusters
    smaller = dataclasses.replace(plan, sub_clusters=(dataclasses.replace(first, gpus=(1,)), *rest))
    assert "spread" in {v.constraint for v in verify(parse_problem(spread), smaller)}


def test_three_zones_share_what_two_must_carry() -> None:
    data = document(light("p", rate=60.0), pools={"a/x": 4, "a/y": 4, "a/z": 4})
    data["models"][0]["rules"] = {"zones_min": 3}
    plan = planned(data)
    assert {s.zone for s in plan.sub_clusters} == {"x", "y", "z"}
    assert plan.cost_usd_per_hour == 3.0
    assert plan.fluid_bound == pytest.approx(0.6 * 3 / 2)


def active(plan: Plan) -> dict[str, Any]:
    return plan_to_json(dataclasses.replace(plan, excuses=()))


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_inventory_lowered_is_overdrawn_no_more_than_it_is(solver: str) -> None:
    before = document(light("p", "q", "r", weights_gib=9.0), pools={"a": 3})
    after = copy.deepcopy(before) | {"active_plan": active(planned(before))}
    after["pools"][0]["available"] = 2
    assert planned(after, solver).status is PlanStatus.PARTIAL
    after["policy"]["hardness"] = {"inventory": "fix_if_broken"}
    kept = planned(after, solver)
    assert kept.status is not PlanStatus.PARTIAL
    assert sum(s.gpus_max for s in kept.sub_clusters) == 3
    assert [(e.subject, e.bottleneck) for e in kept.excuses] == [("a/z", "inventory")]
    assert kept.excuses[0].text == STILL_BROKEN + "3 GPUs of a/z are used, 2 are there"
    silent = dataclasses.replace(kept, excuses=())
    assert [v.constraint for v in verify(parse_problem(after), silent)] == ["claims"]
    after["models"].append(light("s", weights_gib=9.0)[0])
    worse = planned(after, solver)
    assert worse.status is PlanStatus.PARTIAL
    assert sum(s.gpus_max for s in worse.sub_clusters) <= 3


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_inventory_is_mended_before_cost_is_saved(solver: str) -> None:
    """A dearer type takes over what the cheap pool should no longer lend."""
    before = document(
        light("p", "q", types="ab", weights_gib=9.0), pools={"a": 2, "b": 2}, prices={"a": 1.0, "b": 3.0}
    )
    after = copy.deepcopy(before) | {"active_plan": active(planned(before))}
    after["pools"][0]["available"] = 1
    after["policy"]["hardness"] = {"inventory": "fix_if_broken"}
    plan = planned(after, solver)
    assert plan.cost_usd_per_hour == 4.0
    assert breaches(parse_problem(after), plan) == ()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("rule", "path", "value", "subject"),
    [
        ("exclusions", "policy.exclusions", [["p", "q"]], "p+q"),
        ("models_max", "policy.sub_cluster_models_max", 1, "models_max"),
        ("spread", "models.0.rules", {"zones_min": 2}, "p"),
    ],
)
def test_a_rule_that_the_fleet_breaks_is_mended_or_named(
    solver: str, rule: str, path: str, value: Any, subject: str
) -> None:
    pools = {"a/y": 1, "a/z": 1}
    before = document(light("p", "q"), pools=pools)
    before["models"][0]["rules"] = {}
    running = planned(before)
    assert len(running.sub_clusters) == 1
    after = changed(before, path, value) | {"active_plan": active(running)}
    mended = planned(after, solver)
    assert breaches(parse_problem(after), mended) == ()
    assert mended.cost_usd_per_hour == 2.0
    tight = copy.deepcopy(after)
    elsewhere = next(p for p in tight["pools"] if p["zone"] != running.sub_clusters[0].zone)
    elsewhere["available"] = 1
    tight["policy"]["churn_gib_max"] = 0.0  # nothing may be loaded: nothing can be mended
    kept = planned(tight, solver)
    assert kept.status is not PlanStatus.PARTIAL
    assert [(e.subject, e.bottleneck) for e in kept.excuses] == [(subject, rule)]
    strict = changed(tight, "policy.hardness", {rule: "hard"})
    assert planned(strict, solver).status is PlanStatus.PARTIAL


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_soft_churn_budget_gives_way_to_demand_alone(solver: str) -> None:
    before = document(light("p"), pools={"a": 2})
    after = document(light("p", "q", weights_gib=2.0), pools={"a": 2}, policy={"churn_gib_max": 1.0})
    after["active_plan"] = active(planned(before))
    assert planned(after, solver).status is PlanStatus.PARTIAL
    after["policy"]["hardness"] = {"churn": "soft"}
    plan = planned(after, solver)
    assert plan.status is not PlanStatus.PARTIAL
    assert [(e.subject, e.bottleneck) for e in plan.excuses] == [("churn", "churn")]
    assert plan.cost_usd_per_hour == 1.0


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_model_pinned_to_a_running_sub_cluster_stays_there(solver: str) -> None:
    apart = document(light("p", "q"), pools={"a": 4}, policy={"exclusions": [["p", "q"]]})
    running = planned(apart)
    home = next(s.id for s in running.sub_clusters if s.placements[0].model == "p")
    after = document(light("p", "q"), pools={"a": 4}, active_plan=active(running))
    after["models"][1]["rules"] = {"pinned_to": {"sub_cluster": home}}
    plan = planned(after, solver)
    assert [s.id for s in plan.sub_clusters if any(p.model == "q" for p in s.placements)] == [home]


@pytest.mark.parametrize("solver", ["highs", "cp-sat"])
def test_the_busiest_sub_cluster_is_relieved_last(solver: str) -> None:
    models = light("p", "q", rate=10.0, weights_gib=6.0) + light("r", weights_gib=6.0)
    data = document(models, policy={"balance": True})
    question = parse_problem(data)
    outcome = solve(question, solver=solver, time_limit_s=20)
    assert outcome.plan is not None
    assert outcome.plan.cost_usd_per_hour == 2.0
    alone = float(need_gpus(question.models["r"], "a", 20.0, 1, 1, question.policy.delays))
    assert busy_share_max(question, outcome.plan) == pytest.approx(alone, abs=1 / 1024)  # CP-SAT counts so
    assert outcome.unsettled == ()
    assert solve(question, solver="greedy", time_limit_s=20).unsettled == ("balance",)


def test_a_model_that_its_rules_leave_no_gpu_says_so() -> None:
    data = document(light("p", "q", types="ab"), pools={"a": 2, "b": 0})
    data["models"][0]["rules"] = {"gpu_types_allowed": ["b"]}
    plan = planned(data)
    assert plan.excuses[0].text == "p runs on a, b, its rules allow no pool with GPUs"
    assert plan.excuses[0].bottleneck == "placement"
