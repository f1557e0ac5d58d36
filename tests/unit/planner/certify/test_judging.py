"""Verdicts on sub-clusters of which the answer is known."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from planner.certify.certificate import EpochEvidence, Verdict
from planner.certify.judging import Budget, judge
from planner.certify.traffic import Traffic, model_specs
from planner.plan.plan import Placement, SubCluster
from planner.problem.problem import PlanningProblem
from tests.planning import model, one_at_a_time, problem

BUDGET = Budget(replications_max=4, duration_s=20.0)


def question(rates: dict[str, float], slo_ms: float = 100.0, **changes: Any) -> PlanningProblem:
    return problem(
        [
            model(name, [rate], {"a": one_at_a_time(10.0)}, slo_ms=slo_ms, **changes)
            for name, rate in rates.items()
        ]
    )


def judged(
    asked: PlanningProblem, gpus: int, *, budget: Budget = BUDGET, slow: str | None = None, **options: Any
) -> EpochEvidence:
    """``slow`` names a model whose every batch takes longer than its SLO."""
    cluster = SubCluster("k", "a", "z", (gpus,), tuple(Placement(name, (1.0,), 1) for name in asked.models))
    specs = [
        dataclasses.replace(spec, latency_us=np.array([0, spec.slo_us + 1], dtype=np.int64))
        if spec.model_id == slow
        else spec
        for spec in model_specs(asked, cluster)
    ]
    traffic = Traffic(asked, cluster, 0, seed=1, duration_s=budget.duration_s)
    return judge(specs, gpus, 0, traffic, delays=Delays(0, 0, 0), bad_rate_max=0.01, budget=budget, **options)


def test_twice_the_load_fails_at_the_first_look() -> None:
    evidence = judged(question({"m": 800.0}), 4)
    assert evidence.verdict is Verdict.FAILED
    assert evidence.replications == 1
    assert evidence.bad_rate > 0.4
    assert evidence.worst_model == "m"


def test_half_the_load_passes_after_two_looks() -> None:
    evidence = judged(question({"m": 400.0}), 8)
    assert evidence.verdict is Verdict.PASSED
    assert evidence.replications == 2
    assert evidence.bad_rate_high < 0.001
    assert evidence.gpu_busy_share == pytest.approx(0.5, abs=0.02)
    assert evidence.batch_size_mean == 1.0


def test_one_model_that_is_always_late_fails_a_sub_cluster_that_is_fine_as_a_whole() -> None:
    asked = question({"busy": 1_500.0, "rare": 5.0})
    evidence = judged(asked, 32, slow="rare")
    assert evidence.bad_rate_high < 0.01, "1 request in 300"
    assert evidence.verdict is Verdict.FAILED
    assert evidence.models_over == ("rare",)
    assert (evidence.worst_model, evidence.worst_model_bad_rate) == ("rare", 1.0)


def test_what_stays_unclear_is_not_passed() -> None:
    """Two GPUs near the limit, and hardly any requests to tell on which side."""
    short = Budget(replications_max=2, duration_s=1.0)
    verdicts = {judged(question({"m": rate}), 2, budget=short).verdict for rate in (150.0, 160.0, 170.0)}
    assert Verdict.UNDECIDED in verdicts


def test_no_requests_need_no_evidence() -> None:
    evidence = judged(question({"m": 0.0}), 1)
    assert (evidence.verdict, evidence.replications, evidence.requests) == (Verdict.PASSED, 0, 0)


def test_looks_double_and_end_with_the_budget() -> None:
    assert Budget(replications_max=8).looks == (1, 2, 4, 8)
    assert Budget(replications_max=24).looks == (1, 2, 4, 8, 16, 24)
    assert Budget(replications_max=1).looks == (1,)


def test_the_same_arrivals_whatever_the_gpus() -> None:
    asked = question({"m": 50.0})
    few, many = (
        Traffic(asked, SubCluster("k", "a", "z", (gpus,), (Placement("m", (1.0,), 1),)), 0, 1, 10.0)
        for gpus in (1, 9)
    )
    assert np.array_equal(few.arrivals(3)[0], many.arrivals(3)[0])
    assert not np.array_equal(few.arrivals(3)[0], few.arrivals(4)[0])
