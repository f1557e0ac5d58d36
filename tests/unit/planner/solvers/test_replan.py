"""The no-change rule: when the active plan is kept, refitted, replaced."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from planner.plan.churn import churn_gib
from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan
from planner.plan.relabel import is_equivalent
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from planner.solvers.replan import RULE
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster

MODELS = [model(name, [30.0], {"a": one_at_a_time(weights_gib=2.0)}) for name in ("p", "q", "r")]
# p, q and r need 0.6 GPUs each on one GPU: apart that is three GPUs, together two.
APART = by_hand(sub_cluster("one", 1, p=1), sub_cluster("two", 1, q=1), sub_cluster("three", 1, r=1))


def asked(
    models: list[dict[str, Any]], active: Plan, worth_min: float | None, **changes: Any
) -> PlanningProblem:
    policy = {"replan_worth_min": worth_min}
    return parse_problem(document(models, policy=policy, active_plan=plan_to_json(active), **changes))


def answer(problem: PlanningProblem, solver: str = "greedy") -> tuple[Plan, str]:
    """The plan, verified, and what is said of the rule."""
    plan = solve(problem, solver=solver, time_limit_s=5).plan
    assert plan is not None
    assert verify(problem, plan) == []
    return plan, next((excuse.text for excuse in plan.excuses if excuse.subject == RULE), "")


def faster(rate_rps: float) -> list[dict[str, Any]]:
    return [MODELS[0] | {"demand_rps": [rate_rps]}, *MODELS[1:]]


@pytest.mark.parametrize("solver", ["greedy", "auto", "highs"])
def test_a_stable_load_keeps_the_active_plan(solver: str) -> None:
    first, _ = answer(asked(MODELS, APART, None), solver)
    problem = asked(MODELS, first, 0.5)
    plan, text = answer(problem, solver)
    assert is_equivalent(plan, first)
    assert churn_gib(problem, plan, first) == 0
    assert text == "kept: no cheaper plan was found; loads 0.0% of the GiB held"


def test_savings_are_weighed_against_loads() -> None:
    """A third of the cost saved is worth what it loads up to its own ratio, and no further."""
    cheapest, _ = answer(asked(MODELS, APART, None))
    assert cheapest.cost_usd_per_hour == 2.0
    problem = asked(MODELS, APART, 10.0)
    kept, text = answer(problem)
    assert is_equivalent(kept, APART)
    assert text.startswith(
        "kept, loads 0.0% of the GiB held: the cheapest plan found saves 33.3% of cost for "
    )
    assert text.endswith("asked is a ratio of 10")
    loaded = churn_gib(problem, cheapest, APART) / 6.0
    ratio = (1 / 3) / loaded
    for worth_min, cost in ((ratio * 1.01, 3.0), (ratio * 0.99, 2.0)):
        assert answer(asked(MODELS, APART, worth_min))[0].cost_usd_per_hour == cost


def test_a_plan_that_is_worth_it_says_so() -> None:
    plan, text = answer(asked(MODELS, APART, 0.1))
    assert plan.cost_usd_per_hour == 2.0
    assert text.startswith("replaced: saves 33.3% of cost for ")


def test_a_threshold_of_nothing_takes_the_cheapest_plan() -> None:
    assert answer(asked(MODELS, APART, 0.0))[0].cost_usd_per_hour == 2.0


def test_without_the_rule_nothing_is_said() -> None:
    assert answer(asked(MODELS, APART, None))[1] == ""


def test_a_plan_that_no_longer_serves_is_refitted() -> None:
    """p has grown: its own sub-cluster takes GPUs, nothing else moves."""
    problem = asked(faster(90.0), APART, 10.0)
    plan, text = answer(problem)
    assert text.startswith("refitted")
    assert {c.id: {p.model for p in c.placements} for c in plan.sub_clusters} == {
        "one": {"p"},
        "two": {"q"},
        "three": {"r"},
    }
    assert plan.sub_clusters != APART.sub_clusters
    assert plan.unserved == ()


def test_gpus_that_are_not_needed_go_back_at_once() -> None:
    """Giving back loads nothing: it is worth it at any threshold."""
    large = by_hand(sub_cluster("one", 3, p=1), *APART.sub_clusters[1:])
    plan, text = answer(asked(MODELS, large, 100.0))
    assert plan.cost_usd_per_hour == 3.0
    assert text.startswith("refitted, loads 0.0%")


def test_models_that_come_and_go_move_no_others() -> None:
    changed = [*MODELS[1:], model("new", [30.0], {"a": one_at_a_time(weights_gib=2.0)})]
    problem = asked(changed, APART, 100.0)
    plan, _ = answer(problem)
    homes = {p.model: c.id for c in plan.sub_clusters for p in c.placements}
    assert (homes["q"], homes["r"]) == ("two", "three")
    assert "p" not in homes
    assert churn_gib(problem, plan, APART) == 2.0


def test_served_demand_goes_before_churn() -> None:
    """Keeping the plan would leave a model out: that is no candidate, whatever the loads."""
    more = [*MODELS, model("new", [30.0], {"a": one_at_a_time(weights_gib=2.0)})]
    plan, _ = answer(asked(more, APART, 1e6))
    assert plan.unserved == ()


def test_a_plan_whose_pool_is_gone_is_replaced() -> None:
    moved = dataclasses.replace(
        APART, sub_clusters=tuple(dataclasses.replace(c, zone="gone") for c in APART.sub_clusters)
    )
    plan, text = answer(asked(MODELS, moved, 0.5))
    assert {c.zone for c in plan.sub_clusters} == {"z"}
    assert plan.unserved == ()
    assert text
