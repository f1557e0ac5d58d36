"""A search that is asked to end returns what it has, soon, whichever solver is at work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from planner.plan.verify import verify
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from tests.planning import batching, model, problem

SOON_S = 3.0


def large() -> PlanningProblem:
    """Models enough to keep every solver busy for a minute."""
    models = [
        model(
            f"m{i}",
            [10.0 + 17 * i % 83, 15.0 + 29 * i % 71, 5.0 + 41 * i % 97],
            {"a": batching(1.0 + i % 3, 4.0 + i % 5), "b": batching(0.4 + i % 2, 3.0 + i % 4)},
            slo_ms=60.0 + 13 * i % 37,
            arrival_cv=1.0 + i % 3,
        )
        for i in range(70)
    ]
    return problem(models, pools={"a": 60, "b": 60}, prices={"a": 1.0313, "b": 1.9477})


@dataclass
class Countdown:
    """Says yes from ``at_s`` after it was first asked."""

    at_s: float
    asked_s: list[float] = field(default_factory=list)

    def __call__(self) -> bool:
        self.asked_s.append(time.monotonic())
        return self.asked_s[-1] >= self.asked_s[0] + self.at_s


@pytest.mark.parametrize("solver", ["highs", "cp-sat", "auto"])
@pytest.mark.parametrize("at_s", [0.0, 1.5])
def test_the_best_plan_so_far_is_returned_soon_after_the_stop(solver: str, at_s: float) -> None:
    asked = large()
    stop = Countdown(at_s)
    outcome = solve(asked, solver=solver, time_limit_s=120, seed=1, stop=stop)
    assert outcome.plan is not None
    assert verify(asked, outcome.plan) == []
    assert stop.asked_s[-1] >= stop.asked_s[0] + at_s, "it ended by itself: nothing was tested"
    assert time.monotonic() - (stop.asked_s[0] + at_s) < SOON_S
    assert outcome.runtime_s < 60


def test_the_greedy_search_asks_between_its_rounds() -> None:
    stop = Countdown(0.2)
    outcome = solve(large(), solver="greedy", time_limit_s=120, stop=stop)
    assert outcome.plan is not None
    assert len(stop.asked_s) > 5
    assert stop.asked_s[-1] - stop.asked_s[0] < SOON_S


def test_a_stop_that_never_says_yes_changes_nothing() -> None:
    small = problem([model("p", [40.0], {"a": batching()}), model("q", [90.0], {"a": batching(2.0)})])
    quiet, asked = solve(small, solver="highs"), solve(small, solver="highs", stop=lambda: False)
    assert quiet.plan == asked.plan
