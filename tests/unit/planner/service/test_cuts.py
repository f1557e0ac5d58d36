"""What simulation refuses becomes a problem of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

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
    running = dataclasses.replace(asked, active_plan=split())
    assert part_of(running, split(), {"two"}) is None


def test_every_mark_is_one_step_of_demand() -> None:
    tight = tightened(question(), {"left": 2})
    assert tight.models["left"].demand_rps[0] == pytest.approx(100.0 * DEMAND_STEP**2)
    assert tight.models["right"].demand_rps == (100.0, 40.0)
