"""Rollouts through GPUs that nodes keep for that, and through no others."""

from __future__ import annotations

import dataclasses

import pytest

from planner.problem.problem import PlanningProblem
from planner.rollout.check import check
from planner.rollout.rollout import RolloutRefused, rollout
from planner.rollout.stages import Stages, breaches, open_spares, plan_stage, routes, stages_between
from planner.rollout.steps import AddGpus, SpareGpus
from tests.planning import model, one_at_a_time, problem
from tests.rollouts import by_hand, sub_cluster
from tests.unit.planner.rollout.test_rollout import AFTER, BEFORE, CROSSING, heavy

KEPT = SpareGpus("keep", "a", "z", 1)
FULL = heavy(CROSSING, 2)
"""Of its two GPUs none is free."""


def through(*spares: SpareGpus, asked: PlanningProblem = FULL) -> Stages:
    found = stages_between(asked, plan_stage(BEFORE), AFTER, spares=spares)
    assert list(breaches(asked, found.stages, spares)) == []
    return found


def test_a_crossing_goes_through_the_gpu_that_a_node_keeps() -> None:
    stages = through(KEPT)
    assert stages.spares == ("keep",)
    assert not any(stages.lost_rps)
    assert stages.stages[-1] == plan_stage(AFTER)
    held = stages.stages[1]["keep"]
    assert (held.gpu_type, held.zone, held.gpus, held.is_spare, set(held.models)) == (
        "a",
        "z",
        1,
        True,
        {"s"},
    )
    for now, then in zip(stages.stages, stages.stages[1:], strict=False):
        assert all(sum(own.values()) == pytest.approx(1.0) for own in routes(now, then).values())
        assert routes(now, then).keys() == CROSSING.keys()


def test_without_any_free_gpus_of_the_pool_are_not_used() -> None:
    roomy = heavy(CROSSING, 9)
    assert through(asked=roomy).spares == ()
    assert any(through(asked=roomy).lost_rps)
    assert not rollout(roomy, BEFORE, AFTER).lost_requests


@pytest.mark.parametrize(
    "unfit",
    [
        SpareGpus("keep", "b", "z", 1),  # on which no model has a profile
        SpareGpus("keep", "a", "z", 0),
    ],
)
def test_a_spare_that_cannot_hold_what_stands_in_the_way_is_not_taken(unfit: SpareGpus) -> None:
    lossy = through(unfit)
    assert lossy.spares == ()
    assert any(lossy.lost_rps)


def test_of_two_the_one_that_is_large_enough_is_taken_with_as_many_gpus_as_it_needs() -> None:
    """Two GPUs' worth of traffic does not fit on one."""
    asked = problem(
        [model(name, [150.0], {"a": one_at_a_time(10.0, weights_gib=9.0)}) for name in ("x", "y")],
        pools={"a": 6},
    )
    before = by_hand(sub_cluster("one", 3, x=1), sub_cluster("two", 3, y=1))
    after = by_hand(sub_cluster("one", 3, y=1), sub_cluster("two", 3, x=1))
    small, large = SpareGpus("a-small", "a", "z", 1), SpareGpus("large", "a", "z", 9)
    stages = stages_between(asked, plan_stage(before), after, spares=(small, large))
    assert list(breaches(asked, stages.stages, (small, large))) == []
    assert stages.spares == ("large",)
    (gpus,) = {stage["large"].gpus for stage in stages.stages if "large" in stage}
    assert 2 <= gpus < 9
    assert not any(stages.lost_rps)
    alone = stages_between(asked, plan_stage(before), after, spares=(small,))
    assert alone.spares == ()
    assert any(alone.lost_rps)


def test_of_those_that_do_the_smallest_is_taken_and_of_those_the_first() -> None:
    kept = [SpareGpus("a", "a", "z", 4), SpareGpus("c", "a", "z", 1), SpareGpus("b", "a", "z", 1)]
    assert through(*kept).spares == ("b",)


def test_two_cycles_go_through_two_spares_or_one_after_the_other_through_one() -> None:
    weights = {f"{name}{n}": gib for n in (1, 2) for name, gib in CROSSING.items()}
    asked = heavy(weights, 4)
    clusters = {
        side: by_hand(
            *(
                sub_cluster(f"{own.id}{n}", 1, **{f"{p.model}{n}": 1.0 for p in own.placements})
                for n in (1, 2)
                for own in plan.sub_clusters
            )
        )
        for side, plan in (("before", BEFORE), ("after", AFTER))
    }
    both = (KEPT, SpareGpus("other", "a", "z", 1))
    for spares in (both, both[:1]):
        found = stages_between(asked, plan_stage(clusters["before"]), clusters["after"], spares=spares)
        assert list(breaches(asked, found.stages, spares)) == []
        assert not any(found.lost_rps)
        assert set(found.spares) <= {spare.id for spare in spares}
        assert all(open_spares(stage) <= set(found.spares) for stage in found.stages)


def test_gpus_that_are_kept_are_no_pools() -> None:
    """A pool of two that both sub-clusters use, with or without a spare open beside them."""
    found = rollout(FULL, BEFORE, AFTER, spares=(KEPT,))
    assert check(FULL, found, (KEPT,)) == []
    assert {each.constraint for each in check(FULL, found)} == {"inventory"}
    (add,) = [step for step in found.waves[0].steps if isinstance(step, AddGpus)]
    more = dataclasses.replace(
        found.waves[0], steps=(dataclasses.replace(add, gpus=2, gib=2 * add.gib), *found.waves[0].steps[1:])
    )
    broken = dataclasses.replace(found, waves=(more, *found.waves[1:]))
    assert "spare" in {each.constraint for each in check(FULL, broken, (KEPT,))}
    assert "spare" in {each.constraint for each in check(FULL, found, ())}


def test_a_loss_that_is_not_allowed_names_the_spare_that_is_lacking() -> None:
    with pytest.raises(RolloutRefused, match=r"needs 1 spare GPU in a/z to hold . of ...: none is free"):
        rollout(FULL, BEFORE, AFTER, spares=(), loss_allowed=False)


def test_from_the_middle_an_open_spare_is_emptied_wherever_the_way_goes() -> None:
    for stage in through(KEPT).stages:
        for plan in (BEFORE, AFTER):
            for spares in ((KEPT,), ()):  # the node that keeps it may not be heard any more
                onward = stages_between(FULL, stage, plan, spares=spares)
                assert onward.stages[-1] == plan_stage(plan)
                assert list(breaches(FULL, onward.stages, spares)) == []
                assert set(onward.spares) <= {"keep"}


def test_what_stages_do_with_gpus_that_nobody_keeps_is_noticed() -> None:
    stages = through(KEPT).stages

    def noticed(*spares: SpareGpus) -> set[str]:
        return {each.constraint for each in breaches(FULL, stages, spares)}

    assert noticed() == {"spare"}
    assert noticed(SpareGpus("keep", "a", "elsewhere", 1)) == {"spare"}
    assert noticed(SpareGpus("keep", "a", "z", 0)) == {"spare"}
    assert noticed(SpareGpus("other", "a", "z", 1)) == {"spare"}
    assert noticed(KEPT) == set()
    left_open = (*stages[:-1], stages[-1] | {"keep": stages[1]["keep"]})
    assert {each.constraint for each in breaches(FULL, left_open, (KEPT,))} >= {"spare"}
    unmarked = dataclasses.replace(stages[1]["keep"], is_spare=False)
    strange = (stages[0], stages[1] | {"keep": unmarked}, *stages[2:])
    assert {each.constraint for each in breaches(FULL, strange, (KEPT,))} == {"spare"}


def test_a_place_with_a_profile_of_another_gpu_type_will_do() -> None:
    kinds = {"a": one_at_a_time(10.0, weights_gib=9.0), "b": one_at_a_time(5.0, weights_gib=9.0)}
    models = [model(name, [10.0], kinds) for name in ("x", "y")]
    asked = problem(models, pools={"a": 2, "b": 1})
    before = by_hand(sub_cluster("one", 1, x=1), sub_cluster("two", 1, y=1))
    after = by_hand(sub_cluster("one", 1, y=1), sub_cluster("two", 1, x=1))
    other = SpareGpus("keep", "b", "z", 1)
    stages = stages_between(asked, plan_stage(before), after, spares=(other,))
    assert stages.spares == ("keep",)
    assert list(breaches(asked, stages.stages, (other,))) == []
