"""What sub-clusters hold after each wave, on fleets whose memory leaves no room."""

from __future__ import annotations

import dataclasses

import pytest

from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.rollout.rollout import RolloutRefused
from planner.rollout.stages import (
    Held,
    Stages,
    breaches,
    changed,
    in_passing,
    plan_stage,
    routes,
    stages_between,
)
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster


def heavy(name: str, weights_gib: float, rate_rps: float) -> dict[str, object]:
    return model(name, [rate_rps], {"a": one_at_a_time(10.0) | {"weights_gib": weights_gib}})


def problem(weights_gib: dict[str, float], gpus: int = 3, heavy_rps: float = 10.0) -> PlanningProblem:
    """GPUs of 16 GiB, each for 100 requests a second less what variation takes."""
    models = [heavy(*each, heavy_rps) for each in weights_gib.items()]
    return parse_problem(document(models, pools={"a": gpus}))


TIGHT = problem({"x": 9.0, "y": 9.0, "light": 1.0})
BEFORE = by_hand(
    sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, y=1.0), sub_cluster("three", 1, light=1.0)
)
AFTER = by_hand(
    sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, light=1.0), sub_cluster("three", 1, x=1.0)
)


def found(asked: PlanningProblem = TIGHT, before: Plan = BEFORE, after: Plan = AFTER) -> Stages:
    return stages_between(asked, plan_stage(before), after)


def test_models_move_on_over_three_gpus_none_of_which_holds_two() -> None:
    stages = found()
    models = [{name: set(holding.models) for name, holding in stage.items()} for stage in stages.stages]
    assert models[0] == {"one": {"x"}, "two": {"y"}, "three": {"light"}}
    assert models[-1] == {"one": {"y"}, "two": {"light"}, "three": {"x"}}
    assert len(models) > 2
    for stage in models:
        assert all(len({"x", "y"} & held) < 2 for held in stage.values())
    assert not any(stages.lost_rps)
    for now, then in zip(stages.stages, stages.stages[1:], strict=False):
        assert {name: sum(own.values()) for name, own in routes(now, then).items()} == {
            "x": 1.0,
            "y": 1.0,
            "light": 1.0,
        }
    assert list(breaches(TIGHT, stages.stages)) == []


def test_the_last_stage_is_the_plan_and_without_a_change_there_is_no_wave() -> None:
    assert found().stages[-1] == plan_stage(AFTER)
    assert found(after=BEFORE).stages == (plan_stage(BEFORE),)


def test_a_pure_exchange_without_room_loses_what_it_says() -> None:
    asked = problem({"x": 9.0, "y": 9.0})
    before = by_hand(sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, y=1.0))
    after = by_hand(sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, x=1.0))
    stages = found(asked, before, after)
    lost = [dict(each) for each in stages.lost_rps]
    for number, (now, then) in enumerate(zip(stages.stages, stages.stages[1:], strict=False)):
        carried = {name: sum(own.values()) for name, own in routes(now, then).items()}
        for name in ("x", "y"):
            assert (carried.get(name, 0.0) < 1.0) == (name in lost[number])
    assert any(lost)
    assert list(breaches(asked, stages.stages)) == []


def test_a_model_waits_where_there_is_room_until_its_new_place_is_ready() -> None:
    """No GPU is free, and none holds two heavy models; the one with the light model has room for one."""
    after = by_hand(
        sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, x=1.0), sub_cluster("three", 1, light=1.0)
    )
    stages = found(after=after)
    assert not any(stages.lost_rps)
    assert any("x" in stage["three"].models or "y" in stage["three"].models for stage in stages.stages)
    assert stages.stages[-1] == plan_stage(after)
    assert list(breaches(TIGHT, stages.stages)) == []
    busy = problem({"x": 9.0, "y": 9.0, "light": 1.0}, heavy_rps=60.0)
    lossy = found(busy, after=after)  # room, and no capacity
    assert any(lossy.lost_rps)


def test_nobody_uses_a_spare_that_no_node_file_names() -> None:
    asked = problem({"x": 9.0, "y": 9.0}, gpus=9)
    before = by_hand(sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, y=1.0))
    after = by_hand(sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, x=1.0))
    assert {name for stage in found(asked, before, after).stages for name in stage} == {"one", "two"}


def test_ids_are_those_of_the_plans() -> None:
    """By content ``two`` continues ``one``; nodes know sub-clusters by their names alone."""
    before = by_hand(sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, light=1.0))
    after = by_hand(sub_cluster("two", 1, x=1.0), sub_cluster("one", 1, light=1.0))
    assert found(before=before, after=after).stages[-1] == plan_stage(after)


def test_more_gpus_in_other_epochs_than_at_once_are_no_hindrance() -> None:
    first = dataclasses.replace(sub_cluster("one", 1, x=0.5), gpus=(2,))
    before = by_hand(first, sub_cluster("two", 2, x=0.5))
    after = by_hand(dataclasses.replace(first, gpus=(1,)), sub_cluster("two", 2, x=0.5))
    assert found(before=before, after=after).stages[-1] == plan_stage(after)


def test_a_plan_that_does_not_fit_is_refused_and_one_id_is_one_place() -> None:
    with pytest.raises(RolloutRefused, match=r"18\.000 GiB"):
        found(after=by_hand(sub_cluster("one", 1, x=0.5, y=1.0), sub_cluster("two", 1, x=0.5)))
    elsewhere = dataclasses.replace(sub_cluster("one", 1, x=1.0), zone="other")
    with pytest.raises(ValueError, match="one must stay in a/z"):
        found(after=by_hand(elsewhere))


def test_what_is_held_in_passing_is_the_less_of_both() -> None:
    now = plan_stage(by_hand(sub_cluster("one", 1, 4, x=1.0, y=1.0)))["one"]
    then = plan_stage(by_hand(sub_cluster("one", 1, 2, x=1.0, light=1.0)))["one"]
    assert in_passing(now, then).models == {"x": Held(2, 1.0)}
    assert in_passing(then, now).models == {"x": Held(2, 1.0)}


def test_a_wave_concerns_those_that_hold_other_things_not_those_that_get_another_share() -> None:
    now = plan_stage(by_hand(sub_cluster("one", 1, x=0.5), sub_cluster("two", 1, x=0.5)))
    then = plan_stage(by_hand(sub_cluster("one", 1, x=0.25), sub_cluster("three", 1, x=0.75)))
    assert changed(now, then) == ["three", "two"]


def test_too_much_on_one_gpu_is_noticed() -> None:
    both = plan_stage(by_hand(sub_cluster("one", 1, x=1.0, y=1.0)))
    assert [each.constraint for each in breaches(TIGHT, (plan_stage(BEFORE), both))] == ["memory"]
