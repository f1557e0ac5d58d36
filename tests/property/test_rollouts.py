"""What holds for every rollout between two plans."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.plan.relabel import is_equivalent, relabelled
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.rollout.check import check
from planner.rollout.rollout import RolloutRefused, rollout
from planner.rollout.stages import breaches, plan_stage, routes, stages_between
from planner.rollout.steps import SpareGpus
from tests.planning import document, one_at_a_time
from tests.planning import model as model_of
from tests.rollouts import by_hand, plan_pairs, sub_cluster

SPARES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3)), max_size=2).map(
    lambda drawn: [SpareGpus(f"keep-{n}", kind, "z", gpus) for n, (kind, gpus) in enumerate(drawn)]
)
FEW = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@given(plan_pairs())
@FEW
def test_every_rollout_is_checked_there_and_back(pair: tuple[PlanningProblem, Plan, Plan]) -> None:
    problem, before, after = pair
    found = rollout(problem, before, after)
    assert check(problem, found) == []
    assert found.gib >= found.churn_gib - 1e-6
    assert is_equivalent(found.after, after)
    if any(wave.lost_rps for wave in found.waves):
        with pytest.raises(RolloutRefused) as refused:
            rollout(problem, before, after, loss_allowed=False)
        assert all(refused.value.reasons)
    else:
        assert rollout(problem, before, after, loss_allowed=False) == found


@given(plan_pairs(), st.randoms(use_true_random=False))
@FEW
def test_a_step_out_of_its_place_is_noticed(pair: tuple[PlanningProblem, Plan, Plan], random: Random) -> None:
    """A step left out changes the end, or something before it."""
    problem, before, after = pair
    found = rollout(problem, before, after)
    if not found.waves:
        return
    at = random.randrange(len(found.waves))
    wave = found.waves[at]
    step = random.randrange(len(wave.steps))
    fewer = dataclasses.replace(wave, steps=wave.steps[:step] + wave.steps[step + 1 :])
    waves = (*found.waves[:at], fewer, *found.waves[at + 1 :])
    assert check(problem, dataclasses.replace(found, waves=waves)) != []


@given(plan_pairs())
@FEW
def test_relabelling_never_loads_more(pair: tuple[PlanningProblem, Plan, Plan]) -> None:
    problem, before, after = pair
    named = relabelled(problem, before, after)
    assert is_equivalent(named, after)
    assert len({cluster.id for cluster in named.sub_clusters}) == len(named.sub_clusters)
    assert churn_gib(problem, named, before) <= churn_gib(problem, after, before) + 1e-6
    assert churn_gib(problem, relabelled(problem, after, after), after) == 0
    assert relabelled(problem, before, named) == named


@given(plan_pairs())
@FEW
def test_stages_fit_memory_and_leave_out_only_what_their_waves_state(
    pair: tuple[PlanningProblem, Plan, Plan],
) -> None:
    problem, before, after = pair
    after = relabelled(problem, before, after)
    found = stages_between(problem, plan_stage(before), after)
    assert found.stages[-1] == plan_stage(after)
    assert list(breaches(problem, found.stages)) == []
    for now, then, lost in zip(found.stages, found.stages[1:], found.lost_rps, strict=False):
        stated = {model for model, _ in lost}
        full, open_ = routes(now), routes(now, then)
        for model, shares in full.items():
            kept = sum(open_.get(model, {}).values())
            assert kept >= sum(shares.values()) - 1e-9 or model in stated


@given(plan_pairs(spares_max=0), SPARES)
@FEW
def test_stages_use_no_spares_but_those_that_are_kept(
    pair: tuple[PlanningProblem, Plan, Plan], spares: list[SpareGpus]
) -> None:
    problem, before, after = pair
    after = relabelled(problem, before, after)
    ordered = rollout(problem, before, after, spares=spares, relabel=False)
    assert check(problem, ordered, spares) == []
    found = stages_between(problem, plan_stage(before), after, spares=spares)
    assert set(found.spares) <= {spare.id for spare in spares}
    assert found.stages[-1] == plan_stage(after)
    for stage in found.stages:
        onward = stages_between(problem, stage, before, spares=spares)
        for stages in (found.stages, onward.stages):
            assert list(breaches(problem, stages, spares)) == []


@given(st.permutations(range(5)))
@FEW
def test_with_one_kept_gpu_models_that_fill_theirs_change_places_however_without_a_loss(
    order: list[int],
) -> None:
    filling = one_at_a_time(10.0, weights_gib=9.0)
    models = [model_of(f"m{n}", [10.0], {"a": filling}) for n in range(len(order))]
    problem = parse_problem(document(models, pools={"a": len(order)}))
    before, after = (
        by_hand(*(sub_cluster(f"sc{n}", 1, **{f"m{m}": 1.0}) for n, m in enumerate(places)))
        for places in (range(len(order)), order)
    )
    moves = order != sorted(order)
    for spares in ([SpareGpus("keep", "a", "z", 1)], []):
        found = stages_between(problem, plan_stage(before), after, spares=spares)
        assert list(breaches(problem, found.stages, spares)) == []
        assert found.spares == (("keep",) if spares and moves else ())
        assert any(found.lost_rps) == (moves and not spares)


@given(plan_pairs())
@FEW
def test_from_the_middle_of_one_rollout_another_begins(pair: tuple[PlanningProblem, Plan, Plan]) -> None:
    problem, before, after = pair
    after = relabelled(problem, before, after)
    for stage in stages_between(problem, plan_stage(before), after).stages:
        for plan in (before, after):
            onward = stages_between(problem, stage, plan)
            assert onward.stages[0] == stage
            assert onward.stages[-1] == plan_stage(plan)
            assert list(breaches(problem, onward.stages)) == []
