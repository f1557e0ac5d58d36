"""Rollouts small enough to follow by hand."""

from __future__ import annotations

import dataclasses
import json

import pytest

from planner.plan.plan import Plan
from planner.problem.problem import PlanningProblem
from planner.rollout.check import check
from planner.rollout.codec import rollout_to_json
from planner.rollout.rollout import RolloutRefused, rollout
from planner.rollout.steps import AddGpus, Load, RemoveGpus, Rollout, Switch, Unload
from tests.planning import batching, model, one_at_a_time, problem
from tests.rollouts import by_hand, sub_cluster


def heavy(weights_gib: dict[str, float], gpus: int, rate_rps: float = 20.0) -> PlanningProblem:
    """Models of which one or two fit into 16 GiB; each needs 0.4 of one GPU."""
    models = [
        model(name, [rate_rps], {"a": one_at_a_time(weights_gib=gib)}) for name, gib in weights_gib.items()
    ]
    return problem(models, pools={"a": gpus})


def sound(question: PlanningProblem, before: Plan, after: Plan) -> Rollout:
    found = rollout(question, before, after)
    assert check(question, found) == []
    return found


# p stays on one and q on two; the small ones change places, and there is no room for three models.
CROSSING = {"p": 10.0, "q": 10.0, "r": 5.0, "s": 4.0}
BEFORE = by_hand(sub_cluster("one", 1, p=1, r=1), sub_cluster("two", 1, q=1, s=1))
AFTER = by_hand(sub_cluster("one", 1, p=1, s=1), sub_cluster("two", 1, q=1, r=1))


def test_nothing_to_do_is_no_wave() -> None:
    found = sound(heavy(CROSSING, 2), BEFORE, BEFORE)
    assert (found.waves, found.gib, found.lost_requests) == ((), 0, 0)


def test_a_load_comes_before_the_traffic_and_the_unload_after_it() -> None:
    question = heavy({"p": 2.0, "q": 2.0, "r": 2.0}, 2)
    before = by_hand(sub_cluster("one", 1, p=1, q=1), sub_cluster("two", 1, r=1))
    after = by_hand(sub_cluster("one", 1, p=1), sub_cluster("two", 1, q=1, r=1))
    first, second = sound(question, before, after).waves
    assert [type(step) for step in first.steps] == [Load, Switch]
    assert second.steps == (Unload("one", "q", 1, 2.0),)
    assert (first.duration_s, first.gib) == (3.0, 2.0)  # one second to start, then 1 GiB/s


def test_a_crossing_goes_through_a_spare() -> None:
    found = sound(heavy(CROSSING, 3), BEFORE, AFTER)
    assert found.spares == ("spare-01",)
    assert found.lost_requests == 0
    assert found.waves[0].steps[0] == AddGpus("spare-01", "a", "z", 1, ("s",), 4.0)  # lighter than r
    assert (found.churn_gib, found.gib) == (9.0, 13.0)


def test_a_crossing_without_a_spare_states_its_loss() -> None:
    found = sound(heavy(CROSSING, 2), BEFORE, AFTER)
    assert found.spares == ()
    (lost,) = {tuple(wave.lost_rps) for wave in found.waves}
    assert lost in {(("r", 20.0),), (("s", 20.0),)}
    assert found.lost_requests == pytest.approx(20.0 * found.duration_s)


def test_a_loss_that_is_not_allowed_names_the_cycle_and_the_spare_it_lacks() -> None:
    with pytest.raises(RolloutRefused) as refused:
        rollout(heavy(CROSSING, 2), BEFORE, AFTER, loss_allowed=False)
    cycle, need = refused.value.reasons
    assert "waits for" in cycle
    assert need in {
        "needs 1 spare GPU in a/z to hold s of two: none is free",
        "needs 1 spare GPU in a/z to hold r of one: none is free",
    }


def test_the_least_loss_is_taken() -> None:
    question = heavy(CROSSING, 2)
    models = dict(question.models)
    models["s"] = dataclasses.replace(models["s"], demand_rps=(1.0,))
    found = sound(dataclasses.replace(question, models=models), BEFORE, AFTER)
    assert {name for wave in found.waves for name, _ in wave.lost_rps} == {"s"}


def test_gpus_pass_through_the_free_ones_of_their_pool() -> None:
    """Two sub-clusters exchange GPUs in a full pool: what one gives back, the other takes."""
    question = problem(
        [model("p", [70.0], {"a": one_at_a_time()}), model("q", [70.0], {"a": one_at_a_time()})],
        pools={"a": 5},
    )
    before = by_hand(sub_cluster("one", 3, p=1), sub_cluster("two", 2, q=1))
    after = by_hand(sub_cluster("one", 2, p=1), sub_cluster("two", 3, q=1))
    found = sound(question, before, after)
    steps = [step for wave in found.waves for step in wave.steps]
    assert isinstance(steps[0], RemoveGpus)
    assert isinstance(steps[1], AddGpus)
    assert found.lost_requests == 0


def test_batches_shrink_to_make_room_for_a_load() -> None:
    """Workspace fills the memory that weights leave: the batch in force is cut before the load."""
    roomy = batching(1.0, 5.0, weights_gib=4.0, workspace_gib_per_item=1.0)
    light = one_at_a_time(weights_gib=2.0)
    question = problem([model("p", [5.0], {"a": roomy}), model("q", [5.0], {"a": light})], pools={"a": 2})
    before = by_hand(sub_cluster("one", 1, 12, p=1), sub_cluster("two", 1, 1, q=1))
    after = by_hand(sub_cluster("one", 1, 10, p=1), sub_cluster("two", 1, 1))
    one = dataclasses.replace(
        after.sub_clusters[0],
        placements=(*after.sub_clusters[0].placements, *sub_cluster("x", 1, 1, q=1).placements),
    )
    after = dataclasses.replace(after, sub_clusters=(one,))
    first = sound(question, before, after).waves[0].steps
    assert isinstance(first[0], Switch)
    assert [(c.model, c.after[0].batch_size) for c in first[0].changes] == [("p", 10)]
    assert isinstance(first[1], Load)


def test_each_wave_gives_its_way_back() -> None:
    found = sound(heavy(CROSSING, 3), BEFORE, AFTER)
    wave = found.waves[0]
    assert [type(step) for step in wave.back] == [Switch, RemoveGpus]
    assert tuple(step.back for step in reversed(wave.back)) == wave.steps


def test_ids_are_those_of_the_running_sub_clusters() -> None:
    renamed = by_hand(sub_cluster("x", 1, q=1, s=1), sub_cluster("y", 1, p=1, r=1))
    assert sound(heavy(CROSSING, 2), BEFORE, renamed).waves == ()


def test_a_target_that_does_not_fit_is_refused_by_name() -> None:
    question = heavy(CROSSING, 2)
    after = by_hand(sub_cluster("one", 3, p=1, r=1, q=1), sub_cluster("two", 1, s=1))
    with pytest.raises(RolloutRefused) as refused:
        rollout(question, BEFORE, after)
    assert refused.value.reasons == (
        "one needs 25.000 GiB of weights on each GPU, a has 16.000",
        "needs 4 GPUs in a/z: 2 available",
    )


def test_bad_epochs_and_speeds_are_named() -> None:
    question = heavy(CROSSING, 2)
    with pytest.raises(ValueError, match="epoch must be 0 to 0, got 3"):
        rollout(question, BEFORE, AFTER, epoch=3)
    with pytest.raises(ValueError, match="epoch_before must be 0 to 0 in one, got 1"):
        rollout(question, BEFORE, AFTER, epoch_before=1)
    with pytest.raises(ValueError, match="load_gib_per_s must be above 0"):
        rollout(question, BEFORE, AFTER, load_gib_per_s=0)


def test_json_holds_every_step_and_its_way_back() -> None:
    found = sound(heavy(CROSSING, 3), BEFORE, AFTER)
    data = json.loads(json.dumps(rollout_to_json(found)))
    assert [len(w["steps"]) for w in data["waves"]] == [len(w.steps) for w in found.waves]
    assert data["waves"][0]["steps"][0] == {
        "step": "add_gpus",
        "sub_cluster": "spare-01",
        "gpu_type": "a",
        "zone": "z",
        "gpus": 1,
        "models": ["s"],
        "gib": 4.0,
    }
    assert data["waves"][0]["back"][-1]["step"] == "remove_gpus"
    assert data["gib"] == 13.0
