"""Certificates from real simulations of real plans."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from planner.certify import Budget, Verdict, certified_plan, certify
from planner.certify.codec import certificate_to_json
from planner.executor import LocalProcesses
from planner.plan.plan import Plan, SubCluster
from planner.plan.reprice import reprice
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve

BUDGET = Budget(replications_min=3, replications_max=4, duration_s=20.0)


def problem_document(available: int = 16, arrival_cv: float = 1.0) -> dict[str, Any]:
    def model(name: str, rate_rps: float) -> dict[str, Any]:
        profile = {"alpha_ms": 1.0, "beta_ms": 5.0, "weights_gib": 0.5, "batch_size_max": 32}
        return {
            "id": name,
            "slo_ms": 50.0,
            "demand_rps": [rate_rps, rate_rps / 4],
            "arrival_cv": arrival_cv,
            "profiles": {"t4": profile},
        }

    return {
        "epochs": [
            {"start": "2026-01-01T00:00:00Z", "hours": 1},
            {"start": "2026-01-01T01:00:00Z", "hours": 1},
        ],
        "gpu_types": [{"id": "t4", "memory_gib": 16, "reserve_gib": 1, "price_usd_per_hour": 0.5}],
        "pools": [{"gpu_type": "t4", "zone": "a", "available": available}],
        "models": [model("alpha", 1_200.0), model("beta", 600.0), model("gamma", 300.0)],
        "policy": {"sub_cluster_gpus_max": 16, "bad_rate_max": 0.01},
    }


def solved(document: dict[str, Any]) -> tuple[PlanningProblem, Plan]:
    problem = parse_problem(document)
    plan = solve(problem, solver="greedy", time_limit_s=20, seed=0).plan
    assert plan is not None
    return problem, plan


def resized(problem: PlanningProblem, plan: Plan, factor: float) -> Plan:
    def smaller(cluster: SubCluster) -> SubCluster:
        return dataclasses.replace(cluster, gpus=tuple(max(1, int(n * factor)) for n in cluster.gpus))

    return reprice(problem, dataclasses.replace(plan, sub_clusters=tuple(map(smaller, plan.sub_clusters))))


def test_half_the_gpus_fail_and_the_certificate_says_where() -> None:
    problem, plan = solved(problem_document())
    certificate = certify(problem, resized(problem, plan, 0.5), budget=BUDGET)
    assert not certificate.passed
    failing = [c for c in certificate.sub_clusters if not c.passed]
    assert failing
    assert failing[0].evidence[0].epoch == 0, "the busiest epoch comes first"
    assert failing[0].evidence[0].verdict is Verdict.FAILED
    assert failing[0].evidence[0].bad_rate_low > problem.policy.bad_rate_max


def test_gpus_that_are_not_needed_are_returned() -> None:
    problem, plan = solved(problem_document())
    generous = resized(problem, plan, 2.0)
    returned, certificate = certified_plan(problem, generous, budget=BUDGET)
    assert certificate.passed
    assert verify(problem, returned) == []
    assert returned.cost_usd_per_hour < plan.cost_usd_per_hour * 1.2
    assert (returned.objective, returned.gap) == (generous.objective, generous.gap)
    for cluster, evidence in zip(returned.sub_clusters, certificate.sub_clusters, strict=True):
        assert evidence.gpus_certified == cluster.gpus_max < evidence.gpus_planned
        assert cluster.gpus_planned == (evidence.gpus_planned,) * 2
        assert evidence.gpus_refused == cluster.gpus_max - 1
        assert [e.gpus for e in evidence.evidence] == [cluster.gpus_max] * 2, "every epoch at the final count"
    assert certify(problem, returned, seed=99).passed, "arrivals that the search never saw"


def test_each_epoch_has_its_own_fewest_gpus_where_they_may_differ() -> None:
    document = problem_document()
    document["policy"]["gpus"] = "per_epoch"
    problem, plan = solved(document)
    generous = resized(problem, plan, 2.0)
    returned, certificate = certified_plan(problem, generous, budget=BUDGET)
    assert certificate.passed
    assert verify(problem, returned) == []
    busy, quiet = np.sum([cluster.gpus for cluster in returned.sub_clusters], axis=0)
    assert quiet < busy < sum(cluster.gpus_max for cluster in generous.sub_clusters)


def test_processes_change_nothing() -> None:
    document = problem_document()
    document["policy"]["sub_cluster_gpus_max"] = 2
    problem, plan = solved(document)
    assert len(plan.sub_clusters) > 1
    alone = certified_plan(problem, plan, budget=BUDGET)
    assert certified_plan(problem, plan, budget=BUDGET, executor=LocalProcesses(2)) == alone


def test_growing_gives_back_what_was_taken_and_no_more_than_needed() -> None:
    problem, plan = solved(problem_document())
    starved = resized(problem, plan, 0.5)
    grown, certificate = certified_plan(problem, starved, budget=BUDGET)
    assert certificate.passed
    assert verify(problem, grown) == [] or grown.cost_usd_per_hour <= plan.cost_usd_per_hour
    for before, after in zip(starved.sub_clusters, grown.sub_clusters, strict=True):
        if after.gpus_max > before.gpus_max:
            one_less = dataclasses.replace(after, gpus=tuple(n - 1 for n in after.gpus))
            smaller = reprice(problem, dataclasses.replace(grown, sub_clusters=(one_less,)))
            assert not certify(problem, smaller, budget=BUDGET).passed


def test_growing_stops_at_the_pool_and_leaves_the_plan_as_it_was() -> None:
    problem, plan = solved(problem_document())
    starved = resized(problem, plan, 0.4)
    used = sum(c.gpus_max for c in starved.sub_clusters)
    scarce = parse_problem(problem_document(available=used))
    unchanged, certificate = certified_plan(scarce, starved, budget=BUDGET)
    assert not certificate.passed
    assert unchanged == starved


def test_the_same_seed_gives_the_same_evidence_and_another_one_does_not() -> None:
    problem, plan = solved(problem_document(arrival_cv=2.0))
    first, again = (certify(problem, plan, seed=3, budget=BUDGET) for _ in range(2))
    assert first == again
    assert certify(problem, plan, seed=4, budget=BUDGET).sub_clusters != first.sub_clusters


def test_json_says_what_follows_from_the_evidence() -> None:
    problem, plan = solved(problem_document())
    certificate = certify(problem, plan, budget=BUDGET)
    document = certificate_to_json(certificate)
    assert document["passed"] is certificate.passed
    assert document["bad_rate"] == pytest.approx(certificate.bad_rate)
    assert len(document["sub_clusters"]) == len(plan.sub_clusters)
    assert all(e["requests"] > 0 for c in document["sub_clusters"] for e in c["evidence"])
