"""Certificates of whole plans: order, progress, stopping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from planner.certify import Budget, Verdict, certified_plan, certify
from planner.plan.plan import Plan
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from tests.planning import model, one_at_a_time, problem

BUDGET = Budget(replications_max=2, duration_s=5.0)
RATES = {"small": 50.0, "large": 300.0, "middle": 120.0}


def apart() -> tuple[PlanningProblem, Plan]:
    """Three sub-clusters of one model each."""
    models = [model(name, [rate], {"a": one_at_a_time(10.0)}) for name, rate in RATES.items()]
    asked = problem(models, pools={"a": 16}, policy={"exclusions": [list(RATES)]})
    plan = solve(asked, solver="greedy", time_limit_s=5, seed=0).plan
    assert plan is not None
    assert len(plan.sub_clusters) == len(RATES)
    return asked, plan


class Watched:
    """An executor that notes the models of the tasks in the order in which they come."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def map(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        for task in tasks:
            self.begun.append(task.cluster.placements[0].model)
            yield function(task)


def test_the_busiest_come_first_and_progress_is_told() -> None:
    asked, plan = apart()
    told: list[tuple[int, int]] = []
    watched = Watched()
    certificate = certify(
        asked, plan, budget=BUDGET, executor=watched, progress=lambda done, of: told.append((done, of))
    )
    assert watched.begun == ["large", "middle", "small"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [one.sub_cluster for one in certificate.sub_clusters] == [c.id for c in plan.sub_clusters]
    assert certificate == certify(asked, plan, budget=BUDGET), "neither order nor executor matters"


def test_what_a_stop_leaves_is_undecided_and_as_it_was_planned() -> None:
    asked, plan = apart()
    watched = Watched()
    told: list[int] = []
    sized, certificate = certified_plan(
        asked,
        plan,
        budget=BUDGET,
        executor=watched,
        progress=lambda done, _: told.append(done),
        stop=lambda: bool(told),
    )
    assert watched.begun == ["large"]
    assert not certificate.passed
    for before, after, one in zip(
        plan.sub_clusters, sized.sub_clusters, certificate.sub_clusters, strict=True
    ):
        if before.placements[0].model == "large":
            assert one.passed
        else:
            assert after == before
            assert [e.verdict for e in one.evidence] == [Verdict.UNDECIDED]
            assert one.evidence[0].requests == 0


def test_a_stop_before_the_start_certifies_nothing() -> None:
    asked, plan = apart()
    certificate = certify(asked, plan, budget=BUDGET, stop=lambda: True)
    assert not certificate.passed
    assert all(not one.passed for one in certificate.sub_clusters)
