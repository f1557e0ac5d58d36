"""What simulation refuses becomes a problem of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from planner.plan.churn import churn_gib
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster
from planner.problem.problem import PlanningProblem
from planner.service.cuts import DEMAND_STEP, part_of, tightened
from tests.planning import batching, model, problem

EPOCHS = 2


def question(**policy: Any) -> PlanningProblem:
    profile = {"a": batching()}
    return problem(
        [model(name, [100.0, 40.0], profile) for name in ("hot", "left", "right")],
        pools={"a": 10},
        policy=policy,
    )


def placed(name: str, share: float = 1.0) -> Placement:
    return Placement(name, (share,) * EPOCHS, 4)


def answer(*clusters: SubCluster) -> Plan:
    return Plan(
        PlanStatus.FEASIBLE,
        1.0,
        1.0,
        0.0,
        1.0,
        0.0,
        1.0,
        clusters,
        (),
        (),
        solver="hand",
        seed=0,
        problem_digest="",
    )


def split() -> Plan:
    """``hot`` lives a quarter in the one and the rest in the other."""
    return answer(
        SubCluster("one", "a", "z", (3, 3), (placed("hot", 0.25), placed("left"))),
        SubCluster("two", "a", "z", (4, 2), (placed("hot", 0.75), placed("right"))),
    )


def test_a_part_has_its_share_of_the_traffic_and_the_gpus_that_are_left() -> None:
    part = part_of(question(), split(), {"two"})
    assert part is not None
    assert {name: m.demand_rps for name, m in part.problem.models.items()} == {
        "hot": (75.0, 30.0),
        "right": (100.0, 40.0),
    }
    assert [pool.available for pool in part.problem.pools] == [10 - 3]
    assert [cluster.id for cluster in part.kept] == ["one"]


def test_what_is_put_back_carries_the_traffic_of_the_whole_under_new_names() -> None:
    part = part_of(question(), split(), {"two"})
    assert part is not None
    halves = answer(
        SubCluster("one", "a", "z", (2, 2), (placed("hot", 0.5), placed("right"))),
        SubCluster("one-2", "a", "z", (2, 2), (placed("hot", 0.5),)),
    )
    back = part.put_back(halves)
    names = [cluster.id for cluster in (*part.kept, *back)]
    assert len(set(names)) == 3
    shares = [p.share for c in (*part.kept, *back) for p in c.placements if p.model == "hot"]
    assert np.sum(shares, axis=0) == pytest.approx([1.0] * EPOCHS)


def test_exclusions_of_models_elsewhere_are_left_out() -> None:
    part = part_of(question(exclusions=[["left", "right"], ["hot", "right"]]), split(), {"two"})
    assert part is not None
    assert [set(group) for group in part.problem.policy.exclusions] == [{"hot", "right"}]


def test_rules_that_reach_beyond_make_it_the_whole_problem() -> None:
    asked = question()
    spread = dataclasses.replace(asked.models["right"].rules, zones_min=2)
    models = asked.models | {"right": dataclasses.replace(asked.models["right"], rules=spread)}
    wide = dataclasses.replace(asked, models=models)
    assert part_of(wide, split(), {"two"}) is None
    assert part_of(wide, split(), {"one"}) is not None, "only its own models' rules matter"


def test_the_part_of_a_running_fleet_continues_what_nobody_else_continues() -> None:
    """``one`` goes on outside; of the split model's traffic that comes here, ``two`` has all."""
    running = dataclasses.replace(question(), active_plan=split())
    part = part_of(running, split(), {"two"})
    assert part is not None
    active = part.problem.active_plan
    assert active is not None
    assert [cluster.id for cluster in active.sub_clusters] == ["two"]
    (two,) = active.sub_clusters
    assert {p.model: p.share for p in two.placements} == {"hot": (1.0, 1.0), "right": (1.0, 1.0)}
    assert two.gpus == (4, 2)


def test_what_is_continued_again_loads_in_the_part_what_it_loads_in_the_whole() -> None:
    running = dataclasses.replace(question(), active_plan=split())
    part = part_of(running, split(), {"two"})
    assert part is not None
    grown = answer(SubCluster("two", "a", "z", (6, 6), (placed("hot"), placed("right"))))
    back = dataclasses.replace(split(), sub_clusters=(*part.kept, *part.put_back(grown)))
    assert [cluster.id for cluster in back.sub_clusters] == ["one", "two"]
    loads = churn_gib(part.problem, grown, part.problem.active_plan)
    assert loads == churn_gib(running, back, split()) == pytest.approx(2 * 2.0)


def test_models_that_live_outside_are_not_what_the_part_continues() -> None:
    """A running sub-cluster that is gone counts with the models of the part alone."""
    running = dataclasses.replace(
        question(),
        active_plan=answer(SubCluster("old", "a", "z", (5, 5), tuple(map(placed, ("hot", "left", "right"))))),
    )
    part = part_of(running, split(), {"two"})
    assert part is not None
    active = part.problem.active_plan
    assert active is not None
    (old,) = active.sub_clusters
    assert {p.model for p in old.placements} == {"hot", "right"}


def test_the_part_may_load_what_those_outside_leave_of_the_budget() -> None:
    active = answer(SubCluster("one", "a", "z", (1, 1), (placed("left"),)))
    running = dataclasses.replace(question(churn_gib_max=20.0), active_plan=active)
    part = part_of(running, split(), {"two"})
    assert part is not None
    loaded = churn_gib(running, answer(split().sub_clusters[0]), active)
    assert loaded == pytest.approx(3 + 2)  # hot on three GPUs, left on two more
    assert part.problem.policy.churn_gib_max == pytest.approx(20.0 - loaded)
    tight = dataclasses.replace(running, policy=dataclasses.replace(running.policy, churn_gib_max=1.0))
    refused = part_of(tight, split(), {"two"})
    assert refused is not None
    assert refused.problem.policy.churn_gib_max == 0.0


def test_every_mark_is_one_step_of_demand() -> None:
    tight = tightened(question(), {"left": 2})
    assert tight.models["left"].demand_rps[0] == pytest.approx(100.0 * DEMAND_STEP**2)
    assert tight.models["right"].demand_rps == (100.0, 40.0)
