"""Instances solved by hand, one for each constraint family: without the family the answer is another."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import pytest

from planner.formulation.families import FAMILIES
from planner.formulation.formulation import build
from planner.formulation.instance import build_instance
from planner.formulation.slots import choose_slots
from planner.problem.capacity import need_gpus
from planner.problem.problem import PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import highs
from tests.planning import model, one_at_a_time, problem

LIGHT, HEAVY = 20.0, 90.0  # requests/s of 10 ms: 0.2 and 0.9 GPUs; the latter needs two, with the spare part


def optimum(
    question: PlanningProblem, *, without: Collection[str] = (), split: bool = False, elastic: bool = True
) -> dict[str, float]:
    """The value of each stage; a stage missing: infeasible."""
    tables = capacity_tables(question)
    everything = range(len(tables.models))
    slots, _ = choose_slots(tables, ())
    instance = build_instance(
        tables, slots, split=everything if split else (), elastic=everything if elastic else ()
    )
    result = highs.solve_stages(
        build(instance, without=without), deadline_s=time.monotonic() + 20, seed=0, gap=0.0
    )
    return {stage.name: round(stage.value, 6) for stage in result.stages}


def test_two_light_models_share_a_gpu() -> None:
    both = [model("p", [LIGHT], {"a": one_at_a_time()}), model("q", [LIGHT], {"a": one_at_a_time()})]
    assert optimum(problem(both)) == {"unserved_1": 0.0, "cost": 1.0}


def two(**profile: Any) -> list[dict[str, Any]]:
    return [model(name, [LIGHT], {"a": one_at_a_time(**profile)}) for name in ("p", "q")]


def ruled(rules: dict[str, Any]) -> list[dict[str, Any]]:
    first, second = two()
    return [first | {"rules": rules}, second]


CASES: dict[str, tuple[PlanningProblem, dict[str, Any], float, float]] = {
    # family: problem, options, cost with it, cost without it
    "placed": (problem(two()), {}, 1.0, 0.0),
    "opened": (
        problem([model("idle", [0.0], {"a": one_at_a_time(weights_gib=0.0)})]),
        {"elastic": False},
        1.0,
        0.0,
    ),
    "carried": (problem(two(weights_gib=10.0)), {"split": True}, 2.0, 1.0),
    "memory": (problem(two(weights_gib=10.0)), {}, 2.0, 1.0),
    "workspace": (problem(two(weights_gib=6.0, workspace_gib=5.0)), {}, 2.0, 1.0),
    "throughput": (problem([model("p", [HEAVY], {"a": one_at_a_time()})]), {}, 2.0, 1.0),
    "scheduler_rate": (problem(two(), policy={"scheduler_rate_rps_max": 30.0}), {}, 2.0, 1.0),
    "inventory": (
        problem(
            [
                model(name, [rate], {g: one_at_a_time(weights_gib=10.0) for g in ("a", "b")})
                for name, rate in (("p", HEAVY), ("q", LIGHT))
            ],
            pools={"a": 2, "b": 2},
            prices={"a": 1.0, "b": 3.0},
        ),
        {},
        5.0,
        3.0,
    ),
    "latency": (
        problem(
            [model("p", [LIGHT], {"a": one_at_a_time(80.0), "b": one_at_a_time(10.0)}, slo_ms=50.0)],
            pools={"a": 2, "b": 2},
            prices={"a": 1.0, "b": 3.0},
        ),
        {},
        3.0,
        1.0,
    ),
    "allowed": (
        problem(
            [
                model(
                    "p",
                    [LIGHT],
                    {g: one_at_a_time() for g in ("a", "b")},
                    rules={"gpu_types_excluded": ["a"]},
                )
            ],
            pools={"a": 2, "b": 2},
            prices={"a": 1.0, "b": 3.0},
        ),
        {},
        3.0,
        1.0,
    ),
    "dedicated": (problem(ruled({"dedicated": True})), {}, 2.0, 1.0),
    "exclusions": (problem(two(), policy={"exclusions": [["p", "q"]]}), {}, 2.0, 1.0),
    "models_max": (problem(two(), policy={"sub_cluster_models_max": 1}), {}, 2.0, 1.0),
    "zone_lost": (problem(ruled({"zones_min": 2})[:1], pools={"a/x": 2, "a/y": 2}), {}, 2.0, 1.0),
    "zone_share": (
        problem(ruled({"zones_min": 3})[:1], pools={"a/x": 2, "a/y": 2, "a/z": 2}),
        {},
        3.0,
        2.0,
    ),
    "gpus_min": (problem([model("p", [LIGHT], {"a": one_at_a_time()}, slo_ms=15.0)]), {}, 2.0, 1.0),
}


@pytest.mark.parametrize("family", CASES)
def test_each_family_decides_its_instance(family: str) -> None:
    question, options, with_it, without_it = CASES[family]
    assert optimum(question, **options)["cost"] == with_it
    assert optimum(question, without=[family], **options)["cost"] == without_it


def test_whole_models_are_not_torn_apart() -> None:
    torn = problem(
        [model("p", [HEAVY], {"a": one_at_a_time(), "b": one_at_a_time()})], pools={"a": 1, "b": 1}
    )
    assert optimum(torn)["unserved_1"] > 1.0
    assert optimum(torn, without=["whole"]) == {"unserved_1": 0.0, "cost": 2.0}
    assert optimum(torn, split=True) == {"unserved_1": 0.0, "cost": 2.0}


def test_the_busiest_slot_is_relieved_last() -> None:
    """Two of three models fit a GPU's memory: the heavy one is left alone, whoever pays nothing for it."""
    models = [
        model(name, [rate], {"a": one_at_a_time(weights_gib=6.0)})
        for name, rate in (("p", 10.0), ("q", 10.0), ("r", 20.0))
    ]
    question = problem(models, policy={"balance": True})
    alone = float(need_gpus(question.models["r"], "a", 20.0, 1, 1, question.policy.delays))
    assert optimum(question) == {"unserved_1": 0.0, "cost": 2.0, "balance": pytest.approx(alone, abs=1e-6)}
    assert optimum(question, without=["busiest"])["balance"] == 0.0


@pytest.mark.parametrize("family", ["gpus_max", "symmetry"])
def test_strengthening_families_change_no_answer(family: str) -> None:
    for question, options, with_it, _ in CASES.values():
        assert optimum(question, without=[family], **options)["cost"] == with_it


def continued(churn_gib_max: float | None, rate: float = LIGHT) -> PlanningProblem:
    """One sub-cluster is active with p on one GPU; q is new."""
    active = {
        "status": "feasible",
        **dict.fromkeys(("objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour"), 0),
        "sub_clusters": [
            {
                "id": "old",
                "gpu_type": "a",
                "zone": "z",
                "gpus": [1],
                "models": [{"id": "p", "share": [1], "batch_size": 1}],
            }
        ],
        "unserved": [],
        "excuses": [],
        "solver": "hand",
        "seed": 0,
        "problem_digest": "x",
    }
    models = [
        model("p", [rate], {"a": one_at_a_time(weights_gib=1.0)}),
        model("q", [LIGHT], {"a": one_at_a_time(weights_gib=3.0)}, priority=2),
    ]
    return problem(
        models, active_plan=active, policy={"churn_gib_max": churn_gib_max, "sub_cluster_gpus_max": 2}
    )


def test_loading_is_the_last_thing_to_save() -> None:
    assert optimum(continued(None)) == {"unserved_1": 0.0, "unserved_2": 0.0, "cost": 1.0, "churn": 3.0}


def test_a_churn_budget_leaves_the_less_important_unserved() -> None:
    assert optimum(continued(2.0)) == {"unserved_1": 0.0, "unserved_2": LIGHT, "cost": 1.0, "churn": 0.0}
    for family in ("churn", "loaded"):
        assert optimum(continued(2.0), without=[family])["unserved_2"] == 0.0


def test_an_active_sub_cluster_is_continued_by_one() -> None:
    """p needs three GPUs, two sub-clusters of at most two: only one of them has p already."""
    question = continued(1.5, rate=250.0)
    torn = optimum(question, split=True, without=["continued"])
    assert torn["unserved_1"] < optimum(question, split=True)["unserved_1"]


def test_peaks_at_different_hours_share_gpus() -> None:
    """Reserved GPUs cover the peak of the sum, not the sum of the peaks."""
    day = model("day", [HEAVY, 0.0], {"a": one_at_a_time()})
    night = model("night", [0.0, HEAVY], {"a": one_at_a_time()})
    assert optimum(problem([day, night]))["cost"] == 2.0
    both = model("both", [HEAVY, HEAVY], {"a": one_at_a_time()})
    assert optimum(problem([day, both]))["cost"] == 3.0


def test_gpus_by_epoch_follow_the_load() -> None:
    day = model("day", [HEAVY, LIGHT], {"a": one_at_a_time()})
    assert optimum(problem([day], policy={"gpus": "per_epoch"}))["cost"] == 1.5


def test_every_family_is_tried_here() -> None:
    tried = {*CASES, "whole", "gpus_max", "symmetry", "continued", "loaded", "churn", "busiest"}
    assert tried == set(FAMILIES)
