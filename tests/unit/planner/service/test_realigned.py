"""A plan said again for another horizon."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.realigned import epochs_alike, realigned
from planner.solvers import solve
from tests.planning import batching, document, model


def asked(starts: list[str], rates: dict[str, list[float]], **policy: Any) -> PlanningProblem:
    rows = [model(name, values, {"a": batching()}) for name, values in rates.items()]
    data = document(rows, pools={"a": 12}, policy=policy)
    data["epochs"] = [{"start": start, "hours": 1} for start in starts]
    return parse_problem(data)


def hours(day: int, first: int, count: int) -> list[str]:
    return [f"2026-01-{day:02d}T{first + hour:02d}:00:00+00:00" for hour in range(count)]


def solved(problem: PlanningProblem) -> Plan:
    plan = solve(problem, solver="greedy", time_limit_s=5.0).plan
    assert plan is not None
    assert verify(problem, plan) == []
    return plan


DAY = [[*hours(1, 0, 24)], {"m": [100.0 + 10 * hour for hour in range(24)]}]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (hours(1, 8, 3), hours(1, 9, 3), [1, 2, 2]),  # the epoch that contains it, else the same place
        (hours(1, 0, 24), hours(5, 22, 2), [22, 23]),  # the same time of another day
        (hours(1, 8, 3), hours(7, 8, 2), [0, 1]),  # less than a day: the same place
        (hours(1, 8, 1), hours(7, 8, 3), [0, 0, 0]),
    ],
)
def test_which_epoch_stands_for_which(before: list[str], after: list[str], found: list[int]) -> None:
    old, new = (asked(starts, {"m": [1.0] * len(starts)}) for starts in (before, after))
    assert epochs_alike(old, new) == found


def test_a_plan_for_the_same_demand_on_another_day_is_as_sound_as_it_was() -> None:
    rates = {"m": [500.0, 900.0], "n": [40.0, 10.0]}
    before, after = (
        asked(hours(1, 8, 2), rates, gpus="per_epoch"),
        asked(hours(2, 8, 2), rates, gpus="per_epoch"),
    )
    plan = solved(before)
    again = realigned(plan, before, after)
    assert verify(after, again) == []
    assert again.sub_clusters == plan.sub_clusters
    assert again.cost_usd_per_hour == pytest.approx(plan.cost_usd_per_hour)
    assert again.problem_digest == after.digest != before.digest


@pytest.mark.parametrize("gpus", ["reserved", "per_epoch"])
def test_more_demand_leaves_the_gpus_and_notes_what_the_capacity_model_asks_for(gpus: str) -> None:
    before = asked(hours(1, 8, 2), {"m": [500.0, 600.0]}, gpus=gpus)
    after = asked(hours(2, 8, 2), {"m": [500.0, 1_400.0]}, gpus=gpus)
    plan = solved(before)
    again = realigned(plan, before, after)
    assert [c.gpus for c in again.sub_clusters] == [c.gpus for c in plan.sub_clusters]
    planned = again.sub_clusters[0].gpus_planned
    assert planned is not None
    assert max(planned) > again.sub_clusters[0].gpus_max
    assert verify(after, again) == []
    assert again.objective > again.cost_usd_per_hour


def test_models_no_longer_asked_for_are_left_out_and_new_ones_are_unserved() -> None:
    before = asked(hours(1, 8, 2), {"m": [50.0, 60.0], "gone": [50.0, 50.0]})
    after = asked(hours(2, 8, 2), {"m": [50.0, 60.0], "new": [5.0, 5.0]})
    again = realigned(solved(before), before, after)
    assert {p.model for c in again.sub_clusters for p in c.placements} == {"m"}
    assert [(left.model, left.share) for left in again.unserved] == [("new", (1.0, 1.0))]
    assert again.status is PlanStatus.PARTIAL


def test_a_plan_partly_unserved_stays_so() -> None:
    rates = {"m": [900_000.0, 10.0]}
    before, after = asked(hours(1, 8, 2), rates), asked(hours(2, 8, 2), rates)
    plan = solved(before)
    assert plan.unserved
    again = realigned(plan, before, after)
    assert again.unserved[0].share == pytest.approx(plan.unserved[0].share)
    assert dataclasses.replace(again, problem_digest="").status is PlanStatus.PARTIAL
