"""Rounds of solving and certifying."""

from __future__ import annotations

import dataclasses

import pytest

from planner.certify import Certificate, Verdict, certified_plan
from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import verify
from planner.problem.problem import PlanningProblem
from planner.service import cuts, planning
from planner.solvers import solve
from tests.planning import batching, model, one_at_a_time, problem


def tight() -> PlanningProblem:
    """Sub-clusters of at most two GPUs, and a burst of which the capacity model thinks too well."""
    models = [
        model(name, [rate], {"a": batching(1.0, 5.0)}, slo_ms=40.0, arrival_cv=1.5)
        for name, rate in (("p", 250.0), ("q", 200.0))
    ]
    hopeless = model("never", [1.0], {"a": one_at_a_time(500.0)})
    return problem([*models, hopeless], pools={"a": 6}, policy={"sub_cluster_gpus_max": 2})


def solved(asked: PlanningProblem, _: int = 0) -> Plan | None:
    return solve(asked, solver="greedy", time_limit_s=5, seed=0).plan


def two_places() -> PlanningProblem:
    """Models that may not live together."""
    models = [
        model(name, [rate], {"a": batching(1.0, 5.0)}, slo_ms=40.0)
        for name, rate in (("p", 250.0), ("q", 200.0))
    ]
    return problem(models, pools={"a": 8}, policy={"exclusions": [["p", "q"]]})


def failing_first(monkeypatch: pytest.MonkeyPatch, rounds: int) -> list[Plan]:
    """Certificates of the first rounds report every sub-cluster as failed; the plans they were asked for."""
    asked: list[Plan] = []

    def certify(question: PlanningProblem, plan: Plan, **options: object) -> tuple[Plan, Certificate]:
        asked.append(plan)
        sized, certificate = certified_plan(question, plan)
        if len(asked) > rounds:
            return sized, certificate
        failed = [
            dataclasses.replace(
                cluster,
                evidence=tuple(
                    dataclasses.replace(e, verdict=type(e.verdict).FAILED) for e in cluster.evidence
                ),
            )
            for cluster in certificate.sub_clusters
        ]
        return plan, dataclasses.replace(certificate, sub_clusters=tuple(failed))

    monkeypatch.setattr(planning, "certified_plan", certify)
    return asked


def test_a_failed_round_is_planned_again_with_more_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    question = tight()
    first = solved(question)
    assert first is not None
    assert first.status is PlanStatus.PARTIAL, "one model cannot be served, which is no reason to stop"
    asked = failing_first(monkeypatch, rounds=1)
    demands: list[float] = []

    def solve_again(tightened: PlanningProblem, number: int) -> Plan | None:
        demands.append(tightened.models["p"].demand_rps[0])
        assert tightened.models["never"].demand_rps == (1.0,)
        return solved(tightened, number)

    best, certificate = planning.certified(question, first, solve_again)
    assert demands == [pytest.approx(250.0 * cuts.DEMAND_STEP)]
    assert certificate.passed
    assert len(asked) == 2
    assert verify(question, best) == []
    assert best.bound == min(first.bound, best.objective)


def test_rounds_end_after_three(monkeypatch: pytest.MonkeyPatch) -> None:
    question = tight()
    first = solved(question)
    assert first is not None
    asked = failing_first(monkeypatch, rounds=9)
    _, certificate = planning.certified(question, first, solved)
    assert not certificate.passed
    assert len(asked) == planning.ROUNDS_MAX


def test_a_round_that_serves_less_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    question = tight()
    first = solved(question)
    assert first is not None
    asked = failing_first(monkeypatch, rounds=9)

    def serve_nothing(tightened: PlanningProblem, _: int) -> Plan | None:
        scarce = dataclasses.replace(tightened.pools[0], available=1)
        return solved(dataclasses.replace(tightened, pools=(scarce,)))

    best, _ = planning.certified(question, first, serve_nothing)
    assert best == first
    assert len(asked) == 1


@pytest.mark.parametrize("running", [False, True])
def test_what_passed_is_left_alone_while_the_rest_is_planned_again(
    monkeypatch: pytest.MonkeyPatch, running: bool
) -> None:
    """Of a fleet that runs, what is planned again goes on under its name and within its budget."""
    question = two_places()
    first = solved(question)
    assert first is not None
    if running:
        policy = dataclasses.replace(question.policy, churn_gib_max=3.0)
        question = dataclasses.replace(question, active_plan=first, policy=policy)
    (refused,) = (c.id for c in first.sub_clusters if c.placements[0].model == "q")
    asked: list[Plan] = []

    def certify(problem: PlanningProblem, plan: Plan, **_: object) -> tuple[Plan, Certificate]:
        asked.append(plan)
        sized, certificate = certified_plan(problem, plan)
        if len(asked) > 1:
            return sized, certificate
        clusters = tuple(
            dataclasses.replace(
                one, evidence=tuple(dataclasses.replace(e, verdict=Verdict.FAILED) for e in one.evidence)
            )
            if one.sub_cluster == refused
            else one
            for one in certificate.sub_clusters
        )
        return sized, dataclasses.replace(certificate, sub_clusters=clusters)

    def solve_again(part: PlanningProblem, number: int) -> Plan | None:
        assert list(part.models) == ["q"]
        assert part.models["q"].demand_rps == (pytest.approx(200.0 * cuts.DEMAND_STEP),)
        return solved(part, number)

    monkeypatch.setattr(planning, "certified_plan", certify)
    best, certificate = planning.certified(question, first, solve_again)
    assert [len(plan.sub_clusters) for plan in asked] == [2, 1]
    assert certificate.passed
    assert [one.sub_cluster for one in certificate.sub_clusters] == [c.id for c in best.sub_clusters]
    assert {p.model for c in best.sub_clusters for p in c.placements} == {"p", "q"}
    assert verify(question, best) == []
    assert best.bound <= best.objective
    if running:
        assert {c.id for c in best.sub_clusters} == {c.id for c in first.sub_clusters}


def test_a_stop_ends_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    question = tight()
    first = solved(question)
    assert first is not None
    asked = failing_first(monkeypatch, rounds=9)
    _, certificate = planning.certified(question, first, solved, stop=lambda: True)
    assert not certificate.passed
    assert len(asked) == 1


def a_replan(*, worth_min: float | None, times: float = 1.0) -> tuple[PlanningProblem, Plan, Plan]:
    """A problem whose active plan serves it, that plan, and one just like it that loads everything anew."""
    asked = two_places()
    active, certificate = certified_plan(asked, require(solved(asked)))
    assert certificate.passed
    models = {
        name: dataclasses.replace(one, demand_rps=tuple(rate * times for rate in one.demand_rps))
        for name, one in asked.models.items()
    }
    policy = dataclasses.replace(asked.policy, replan_worth_min=worth_min)
    again = dataclasses.replace(asked, models=models, policy=policy, active_plan=active)
    found = require(solved(dataclasses.replace(again, active_plan=None)))
    moved = tuple(dataclasses.replace(c, id=f"new-{c.id}") for c in found.sub_clusters)
    return again, active, dataclasses.replace(found, sub_clusters=moved)


def require(plan: Plan | None) -> Plan:
    assert plan is not None
    return plan


def test_a_plan_whose_certificate_takes_back_what_it_saves_is_not_worth_its_loads() -> None:
    asked, active, moved = a_replan(worth_min=0.5)
    plan, certificate = planning.certified(asked, moved, solved)
    assert certificate.passed
    assert verify(asked, plan) == []
    assert {c.id for c in plan.sub_clusters} == {c.id for c in active.sub_clusters}
    assert {one.sub_cluster for one in certificate.sub_clusters} == {c.id for c in active.sub_clusters}
    assert plan.bound <= plan.objective
    assert any("not worth its loads" in excuse.text for excuse in plan.excuses)


@pytest.mark.parametrize(("worth_min", "times"), [(None, 1.0), (0.5, 4.0)])
def test_without_the_rule_or_where_the_active_plan_does_not_serve_the_demand_the_new_one_stays(
    worth_min: float | None, times: float
) -> None:
    asked, active, moved = a_replan(worth_min=worth_min, times=times)
    plan, certificate = planning.certified(asked, moved, solved)
    assert certificate.passed
    assert not {c.id for c in plan.sub_clusters} & {c.id for c in active.sub_clusters}
