"""The problem made of registry, demand and active plan is one the file format's own parser takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.problem.problem import GpuType, Pool
from planner.service.problem_document import Registry, planning_problem
from planner.store.records import RegisteredModel, RegisteredProfile
from profiles.faults import InputInvalid
from profiles.latency import AffineCurve, TabulatedCurve
from tests.control_plane import START

EPOCHS = tuple(ForecastEpoch(START + timedelta(hours=h), 1.0) for h in range(2))
ROWS = (ModelForecast("a", (1.0, 3.0), (1.0, 2.0)), ModelForecast("b", (0.1234567891, 0.0), (1.0, 1.0)))


def registry(**changes: Any) -> Registry:
    facts: dict[str, Any] = {
        "gpu_types": [GpuType("A10", 24.0, 1.0, 1.2)],
        "pools": [Pool("A10", "zone", 4)],
        "models": [RegisteredModel("a", 20.0, 2), RegisteredModel("b", 30.0), RegisteredModel("c", 1.0)],
        "profiles": [
            RegisteredProfile("a", "A10", {"alpha_ms": 0.5, "beta_ms": 2.0}, 1.0, 0.1, 16),
            RegisteredProfile("b", "A10", {"latency_ms": [[1, 2.0], [8, 5.0]]}, 2.0, 0.0, 8),
        ],
    }
    return Registry(**(facts | changes))


def test_each_fact_finds_its_place() -> None:
    problem = planning_problem(registry(), Forecast("f", EPOCHS, ROWS), ROWS, {"bad_rate_max": 0.02}, None)
    assert [epoch.start for epoch in problem.epochs] == [e.start.isoformat() for e in EPOCHS]
    a, b = problem.models["a"], problem.models["b"]
    assert (a.slo_ms, a.priority, a.demand_rps, a.arrival_cv) == (20.0, 2, (1.0, 3.0), 1.75)
    assert a.profiles["A10"].curve == AffineCurve(500.0, 2_000.0)
    assert b.profiles["A10"].curve == TabulatedCurve((1, 8), (2_000.0, 5_000.0))
    assert b.demand_rps == (0.123457, 0.0)
    assert "c" not in problem.models
    assert problem.policy.bad_rate_max == 0.02


def test_its_json_is_read_back_as_the_same_problem() -> None:
    problem = planning_problem(registry(), Forecast("f", EPOCHS, ROWS), ROWS, {}, None)
    assert parse_problem(problem_to_json(problem)) == problem


def test_faults_name_models_by_id() -> None:
    with pytest.raises(InputInvalid) as refused:
        planning_problem(registry(profiles=[]), Forecast("f", EPOCHS, ROWS), ROWS, {"bad_rate_max": 7}, None)
    assert [fault.field for fault in refused.value.faults] == [
        "models[a].profiles",
        "models[b].profiles",
        "policy.bad_rate_max",
    ]
