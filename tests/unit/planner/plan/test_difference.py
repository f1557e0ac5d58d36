"""What changes between two plans."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from planner.plan.churn import churn_gib
from planner.plan.difference import (
    CLOSED,
    KEPT,
    OPENED,
    REFILLED,
    REROUTED,
    RESIZED,
    difference,
    difference_to_json,
)
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster
from tests.planning import model, one_at_a_time, problem

QUESTION = problem(
    [
        model("p", [10.0], {"a": one_at_a_time(weights_gib=2.0), "b": one_at_a_time(2.0, weights_gib=2.0)}),
        model("q", [10.0], {"a": one_at_a_time(weights_gib=3.0), "b": one_at_a_time(weights_gib=3.0)}),
    ],
    pools={"a": 4, "b": 4},
)


def plan(cost: float, **clusters: tuple[str, int, str]) -> Plan:
    """``one=("a", 2, "p q")``: id, GPU type, GPUs, models."""
    made = tuple(
        SubCluster(name, kind, "z", (gpus,), tuple(Placement(m, (1.0,), 1) for m in models.split()))
        for name, (kind, gpus, models) in clusters.items()
    )
    return Plan(PlanStatus.FEASIBLE, cost, cost, 0, cost, 0, cost, made, (), (), "hand", 0, QUESTION.digest)


def test_nothing_changes_between_equal_plans() -> None:
    same = plan(2.0, one=("a", 2, "p q"))
    found = difference(same, same, QUESTION)
    assert found.is_empty
    assert (found.cost_usd_per_hour, found.churn_gib, found.moves) == (0.0, 0.0, ())
    assert [s.change for s in found.sub_clusters] == [KEPT]


def test_the_first_plan_is_all_new() -> None:
    found = difference(None, plan(2.0, one=("a", 2, "p q")), QUESTION)
    assert found.churn_gib == 2 * (2.0 + 3.0)
    assert [s.change for s in found.sub_clusters] == [OPENED]
    assert {m.reason for m in found.moves} == {"not served before"}


def test_a_model_that_moves_says_why() -> None:
    before = plan(4.0, one=("a", 2, "p q"), two=("a", 2, ""))
    after = plan(3.0, one=("a", 3, "q"), three=("b", 1, "p"))
    found = difference(before, after, QUESTION)
    (move,) = found.moves
    assert (move.model, move.before, move.after) == ("p", ("one",), ("three",))
    assert "cheaper on b" in move.reason
    assert {s.id: s.change for s in found.sub_clusters} == {"one": RESIZED, "two": CLOSED, "three": OPENED}
    assert found.churn_gib == 3.0 * 1 + 2.0 * 1  # q on one more GPU, p on a new one
    assert found.cost_usd_per_hour == -1.0
    assert {g.gpu_type: (g.gpus_before, g.gpus_after) for g in found.gpu_types} == {"a": (4, 3), "b": (0, 1)}


def test_changed_demand_is_named_and_a_reason() -> None:
    models = dict(QUESTION.models)
    models["p"] = dataclasses.replace(models["p"], demand_rps=(5.0,))
    earlier = dataclasses.replace(QUESTION, models=models)
    found = difference(
        plan(2.0, one=("a", 2, "p q")),
        plan(2.0, one=("a", 1, "q"), two=("a", 1, "p")),
        QUESTION,
        problem_before=earlier,
    )
    assert [(d.model, d.peak_rps_before, d.peak_rps_after) for d in found.demand] == [("p", 5.0, 10.0)]
    assert found.moves[0].reason == "peak demand 5 -> 10 requests/s"


def test_models_that_left_are_told() -> None:
    found = difference(plan(2.0, one=("a", 2, "p gone")), plan(2.0, one=("a", 2, "p")), QUESTION)
    assert [(m.model, m.after, m.reason) for m in found.moves] == [("gone", (), "no longer asked for")]


def test_json_holds_everything() -> None:
    found = difference(
        plan(4.0, one=("a", 2, "p q")), plan(3.0, one=("a", 1, "q"), two=("b", 1, "p")), QUESTION
    )
    data: dict[str, Any] = difference_to_json(found)
    assert set(data) == {"cost_usd_per_hour", "churn_gib", "gpu_types", "sub_clusters", "moves", "demand"}
    assert data["moves"][0]["before"] == ["one"]


@pytest.mark.parametrize(("gpus", "expected"), [(1, 0.0), (2, 0.0), (3, 5.0)])
def test_churn_counts_gpus_that_hold_a_model_anew(gpus: int, expected: float) -> None:
    before, after = plan(2.0, one=("a", 2, "p q")), plan(2.0, one=("a", gpus, "p q"))
    assert churn_gib(QUESTION, after, before) == expected
    assert churn_gib(QUESTION, after, None) == 0.0


def test_sub_clusters_are_compared_under_the_running_ids() -> None:
    before = plan(4.0, one=("a", 2, "p"), two=("a", 2, "q"))
    renamed = plan(4.0, two=("a", 2, "p"), x=("a", 2, "q"))
    assert difference(before, renamed, QUESTION).is_empty


def test_what_changes_without_a_gpu_is_named() -> None:
    before = plan(4.0, one=("a", 2, "p"), two=("a", 2, "q"))
    found = difference(before, plan(4.0, one=("a", 2, "p q"), two=("a", 2, "q")), QUESTION)
    assert {s.id: s.change for s in found.sub_clusters} == {"one": REFILLED, "two": KEPT}
    placement = dataclasses.replace(before.sub_clusters[1].placements[0], share=(0.5,))
    halved = dataclasses.replace(before.sub_clusters[1], placements=(placement,))
    rerouted = dataclasses.replace(before, sub_clusters=(before.sub_clusters[0], halved))
    found = difference(before, rerouted, QUESTION)
    assert {s.id: s.change for s in found.sub_clusters} == {"one": KEPT, "two": REROUTED}
    assert not found.is_empty
    assert found.churn_gib == 0
