from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from planner.explain.explanation import explain
from planner.explain.probe import Prober
from planner.explain.relaxations import (
    Knob,
    churn_knob,
    demand_knob,
    inventory_knob,
    nice_step,
    scheduler_rate_knob,
    slo_knob,
    smallest,
)
from planner.explain.settings import apply_settings
from planner.plan.codec import plan_to_json
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from tests.planning import batching, document, model, one_at_a_time, problem


def short_of_gpus() -> PlanningProblem:
    """One GPU per 0.5 requests in service at first: 1.6 GPUs of load need more than the 2 there are."""
    return problem([model("p", [160.0], {"a": one_at_a_time(10.0)})], pools={"a": 2})


def short_of_rate() -> PlanningProblem:
    return problem(
        [model("p", [90.0], {"a": one_at_a_time(2.0)})],
        pools={"a": 1},
        policy={"scheduler_rate_rps_max": 50},
    )


def short_of_time() -> PlanningProblem:
    """Batches of 16 would do, the SLO allows smaller ones only."""
    return problem([model("p", [400.0], {"a": batching(1.0, 5.0)}, slo_ms=20.0)], pools={"a": 1})


def short_of_churn() -> PlanningProblem:
    models = [model("p", [10.0], {"a": one_at_a_time(10.0, weights_gib=3.0)})]
    before = solve(problem(models, pools={"a": 8}), solver="highs", time_limit_s=5).plan
    assert before is not None
    models[0]["demand_rps"] = [150.0]
    return parse_problem(
        document(models, pools={"a": 8}, policy={"churn_gib_max": 2.0}, active_plan=plan_to_json(before))
    )


KNOBS: dict[str, tuple[Callable[[], PlanningProblem], Callable[[PlanningProblem], Knob], str]] = {
    "inventory": (short_of_gpus, lambda p: inventory_knob(p, p.pools[0]), "+1 a in z (2 -> 3)"),
    "demand": (short_of_gpus, lambda p: demand_knob("p", 160.0), "at most 128 requests/s (x0.8)"),
    "scheduler rate": (short_of_rate, lambda p: scheduler_rate_knob(p, 50.0), "50 -> 90 requests/s"),
    "SLO": (short_of_time, lambda p: slo_knob(p, "p"), "SLO of p 20 -> "),
    "churn": (short_of_churn, lambda p: churn_knob(p, 2.0), "churn budget 2 -> "),
}


@pytest.mark.parametrize("name", KNOBS)
def test_the_smallest_step_serves_all_and_one_less_does_not(name: str) -> None:
    make, knob_of, text = KNOBS[name]
    asked = make()
    knob = knob_of(asked)
    way = smallest(Prober(asked, time.monotonic() + 60, 2.0), knob)
    assert way is not None
    assert text in way.text
    changed = apply_settings(asked, way.settings)
    assert verify(changed, way.plan) == []
    assert not way.plan.unserved
    again = solve(changed, time_limit_s=5).plan
    assert again is not None
    assert not again.unserved
    steps = next(k for k in range(1, knob.steps + 1) if knob.settings(k) == way.settings)
    less = apply_settings(asked, knob.settings(steps - 1)) if steps > 1 else asked
    refused = solve(less, time_limit_s=5).plan
    assert refused is not None
    assert refused.unserved


def test_a_knob_that_does_not_help_by_itself_is_none() -> None:
    asked = short_of_rate()
    assert smallest(Prober(asked, time.monotonic() + 60, 1.0), slo_knob(asked, "p")) is None


def test_a_hopeless_model_is_part_of_every_way() -> None:
    models = [
        model("late", [5.0], {"a": one_at_a_time(10.0)}, slo_ms=15.0),  # 10 ms and 10/2 to wait: 15 on 2 GPUs
        model("later", [5.0], {"a": one_at_a_time(30.0)}, slo_ms=40.0),
        model("p", [160.0], {"a": one_at_a_time(10.0)}),
    ]
    asked = problem(models, pools={"a": 2})
    plan = solve(asked, time_limit_s=3).plan
    assert plan is not None
    found = explain(asked, plan, time_limit_s=20)
    assert found.shortfall is not None
    assert [one.model for one in found.shortfall.hopeless] == ["later"]
    assert found.shortfall.hopeless[0].late[0].missing_ms == pytest.approx(5.0)
    assert found.shortfall.relaxations is not None
    assert found.shortfall.relaxations.found
    for way in found.shortfall.relaxations.found:
        assert "SLO of later 40 -> 45 ms" in way.text
        served = solve(apply_settings(asked, way.settings), time_limit_s=5).plan
        assert served is not None
        assert not served.unserved


def test_an_slo_alone_is_the_whole_answer_where_nothing_else_lacks() -> None:
    asked = problem([model("p", [5.0], {"a": one_at_a_time(10.0)}, slo_ms=14.0)], pools={"a": 2})
    plan = solve(asked, time_limit_s=3).plan
    assert plan is not None
    shortfall = explain(asked, plan, time_limit_s=10).shortfall
    assert shortfall is not None
    assert shortfall.clash is None
    assert shortfall.relaxations is not None
    (way,) = shortfall.relaxations.found
    assert way.text == "SLO of p 14 -> 15 ms"
    assert way.less == "proven impossible"


@pytest.mark.parametrize(
    ("value", "step"), [(0.25, 0.2), (0.5, 0.5), (1.0, 1.0), (40.0, 20.0), (999.0, 500.0)]
)
def test_steps_are_round(value: float, step: float) -> None:
    assert nice_step(value) == pytest.approx(step)
