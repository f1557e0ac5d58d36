"""Replans of a load that is still the same: headroom alone moves no model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.problem.problem import GpuType, Pool
from planner.service import plan_states
from planner.service.plans import plan, plan_difference
from planner.service.run_execution import execute
from planner.service.runs import RunRequest, prepare_run, start_run
from planner.service.steady import STEADY_SHARE, changed_share
from planner.store.records import RegisteredModel, RegisteredProfile
from planner.store.store import Store
from tests.past_demand import HOUR, Rate, hourly_reports, said

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 4
NOW = MIDNIGHT + timedelta(days=DAYS)
NAMES = tuple("abcdefghij")
TOLD: dict[str, Rate] = {name: (lambda hour, level=level: 1.0 * level) for level, name in enumerate(NAMES, 8)}
SOLVE: dict[str, Any] = {"solver": "greedy", "time_limit_s": 2.0}
PARTED = {"sub_cluster_gpus_max": 3}


@pytest.fixture
def store(store: Store) -> Store:
    """Ten models whose load was 8 % above or below what was said, hour by hour, and no more on average."""
    with store.writing() as work:
        work.registry.put_gpu_types([GpuType("A10", 6.0, 1.0, 1.2)])
        work.registry.put_pools([Pool("A10", "z", 40)])
        work.registry.put_models([RegisteredModel(name, 120.0) for name in NAMES])
        work.registry.put_profiles(
            [
                RegisteredProfile(name, "A10", {"alpha_ms": 20.0, "beta_ms": 5.0}, 2.0, 0.0, 8)
                for name in NAMES
            ]
        )
        work.observed.take(
            hourly_reports(
                MIDNIGHT,
                DAYS * 24,
                {
                    name: (lambda hour, of=rate, at=at: of(hour) * (1 + 0.08 * (-1) ** (hour + at)))
                    for at, (name, rate) in enumerate(TOLD.items())
                },
            )
        )
    before = Store(store.database_url, clock=lambda: MIDNIGHT - HOUR)
    with before.writing() as work:
        work.forecasts.add(said(MIDNIGHT, (DAYS + 1) * 24, TOLD), author="pat")
    before.close()
    return store


def forecast_id(store: Store, factor: float = 1.0) -> int:
    with store.writing() as work:
        return work.forecasts.add(said(NOW, 24, TOLD, factor), author="pat").id


def planned(store: Store, request: RunRequest) -> int:
    """The version of the plan that the run makes."""
    run = start_run(store, request, actor="ann")
    with store.writing() as work:
        claimed = work.runs.claim("here", timedelta(minutes=5))
    assert claimed is not None
    execute(store, claimed.lease)
    with store.reading() as work:
        found = work.runs.get(run.id)
    assert found is not None
    assert found.plan_version is not None, found.error
    return found.plan_version


def worth(store: Store, request: RunRequest) -> float | None:
    return prepare_run(store, request, actor="ann").problem.policy.replan_worth_min


def test_headroom_alone_moves_no_model_and_a_load_that_moves_is_planned_afresh(store: Store) -> None:
    as_said = RunRequest(forecast_id(store), policy=PARTED, **SOLVE)
    assert worth(store, as_said) is None  # no plan is active yet
    first = planned(store, as_said)
    plan_states.approve(store, first, actor="ann")
    plan_states.activate(store, first, actor="ann")
    corrected = RunRequest(as_said.forecast_id, use_observed=True, policy=PARTED, **SOLVE)
    second = planned(store, corrected)
    problem = plan(store, second).problem
    growth = [
        problem.models[name].demand_rps[0] / plan(store, first).problem.models[name].demand_rps[0]
        for name in NAMES
    ]
    assert min(growth) > 1.04
    assert max(growth) < 1.1
    assert problem.policy.replan_worth_min == 0.5
    (_, difference) = plan_difference(store, second, against=first)
    assert difference.moves == ()

    other = RunRequest(forecast_id(store, 1.5), policy=PARTED, **SOLVE)
    assert worth(store, other) is None
    named = RunRequest(as_said.forecast_id, policy=PARTED | {"replan_worth_min": 0.0}, **SOLVE)
    assert worth(store, named) == 0.0


def epochs(origin: datetime, count: int) -> tuple[ForecastEpoch, ...]:
    return Forecast("", tuple(ForecastEpoch(origin + HOUR * h, 1.0) for h in range(count)), ()).epochs


def test_what_changed_is_told_by_the_time_of_the_day() -> None:
    day = np.arange(24.0)
    before = {"a": day, "b": np.ones(24)}
    same = {"a": np.roll(day, -6), "b": np.ones(24)}
    at_six = epochs(NOW + 30 * HOUR, 24)
    assert changed_share(at_six, same, epochs(NOW, 24), before) == 0
    total = day.sum() + 24
    assert changed_share(epochs(NOW, 24), {"a": day}, epochs(NOW, 24), before) == pytest.approx(24 / total)
    assert changed_share(epochs(NOW, 24), before, epochs(NOW, 24), {"a": day * 0}) == float("inf")
    grown = {"a": day * (1 + STEADY_SHARE), "b": np.ones(24) * (1 + STEADY_SHARE)}
    assert changed_share(epochs(NOW, 24), grown, epochs(NOW, 24), before) == pytest.approx(STEADY_SHARE)
