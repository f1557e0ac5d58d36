"""Demand of a plan from stored forecasts and load, and who was right, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.demand.accuracy import Verdict
from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast
from planner.demand.planned import IntervalFrom
from planner.problem.problem import GpuType, Pool
from planner.service.accuracy import AccuracyRequest, comparison
from planner.service.fleets import FleetChange, change_fleet
from planner.service.plan_demand import (
    DemandOptions,
    PlanDemand,
    forecast_as_resolved,
    plan_demand,
    resolved_forecast,
)
from planner.service.replay import replay_day
from planner.service.replay_request import ReplayRequest
from planner.service.submission import Submission
from planner.store.records import RegisteredModel, RegisteredProfile
from planner.store.store import Store, UnitOfWork
from tests.past_demand import HOUR, Rate, daily, hourly_reports, said

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 14
NOW = MIDNIGHT + timedelta(days=DAYS)
RATES: dict[str, Rate] = {"known": daily(20.0), "unsaid": daily(5.0)}
GAP = range(200, 230)


def register(store: Store) -> None:
    with store.writing() as work:
        work.registry.put_gpu_types([GpuType("A10", 24.0, 1.0, 1.2)])
        work.registry.put_models([RegisteredModel(name, 60.0) for name in ("known", "unsaid", "other")])
        work.registry.put_profiles(
            [
                RegisteredProfile(name, "A10", {"alpha_ms": 0.5, "beta_ms": 3.0}, 1.0, 0.05, 32)
                for name in ("known", "unsaid")
            ]
        )


@pytest.fixture
def observed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two weeks of load of two models, a planner who said half as much again of one beforehand."""
    register(store)
    with store.writing() as work:
        work.observed.take(hourly_reports(MIDNIGHT, DAYS * 24, RATES, GAP))
    before = Store(store.database_url, clock=lambda: MIDNIGHT - HOUR)
    with before.writing() as work:
        work.forecasts.add(said(MIDNIGHT, (DAYS + 2) * 24, {"known": RATES["known"]}, 1.5), author="pat")
    before.close()
    return store


def horizon(hours: int = 24) -> Forecast:
    return said(NOW, hours, {"known": lambda hour: 1.5 * RATES["known"](hour)})


def test_a_forecast_is_brought_down_by_what_came_and_its_errors_make_the_interval(observed: Store) -> None:
    with observed.reading() as work:
        found = plan_demand(work, horizon(), DemandOptions())
    (known, unsaid) = found.models
    assert known.corrected is not None
    assert known.corrected.factor == pytest.approx(1 - 0.5 * (1 - 1 / 1.5), rel=0.01)
    assert known.interval_from is IntervalFrom.ERRORS
    assert known.errors > 200
    for low, middle, high, planned in zip(
        known.low_rps, known.middle_rps, known.high_rps, known.demand_rps, strict=True
    ):
        assert low <= middle <= planned
        assert middle <= high
    assert unsaid.interval_from is IntervalFrom.MEASURED
    for hour in range(24):
        true = RATES["unsaid"](DAYS * 24 + hour)
        assert unsaid.middle_rps[hour] == pytest.approx(true, rel=0.15)
        assert unsaid.low_rps[hour] <= unsaid.middle_rps[hour] <= unsaid.demand_rps[hour]


def test_more_headroom_the_higher_the_quantile(observed: Store) -> None:
    with observed.reading() as work:
        found = [plan_demand(work, horizon(), DemandOptions(quantile=q)).models for q in (0.5, 0.8, 0.95)]
    known, unsaid = ([sum(models[i].demand_rps) for models in found] for i in (0, 1))
    assert unsaid == sorted(unsaid)
    assert unsaid[0] < unsaid[2]
    assert known == [known[0]] * 3  # whose planner always said too much: headroom is in it already


def test_a_run_that_names_no_quantile_takes_that_of_the_fleet(observed: Store) -> None:
    with observed.reading() as work:
        by_default = plan_demand(work, horizon(), DemandOptions())
        low = plan_demand(work, horizon(), DemandOptions(quantile=0.6))
    change = FleetChange(None, {"demand_quantile": 0.6})
    change_fleet(observed, "default", Submission("fleet", (change,)), actor="ann")
    with observed.reading() as work:
        found = plan_demand(work, horizon(), DemandOptions())
    assert (by_default.quantile, found.quantile) == (0.8, 0.6)
    assert found.rows == low.rows != by_default.rows


def test_where_a_forecast_is_silent_a_measured_one_speaks(observed: Store) -> None:
    """A planner who speaks of the first six hours keeps them; it is neither dropped nor measured whole."""
    with observed.writing() as work:
        stored = work.forecasts.add(said(NOW, 6, {"unsaid": lambda hour: 50.0 + hour}), author="pat")
        resolved = resolved_forecast(work, NOW, 24, 1.0, actor="nightly")
    with observed.reading() as work:
        forecast = work.forecasts.get(resolved.id)
        assert forecast is not None
        found = plan_demand(work, forecast, DemandOptions())
    (_, row) = forecast.models
    assert row.model == "unsaid"
    assert row.spoken_by == ((stored.id,),) * 6 + ((),) * 18
    assert row.demand_rps[:6] == (50.0, 51.0, 52.0, 53.0, 54.0, 55.0)
    (_, unsaid) = found.models
    assert unsaid.epochs_measured == tuple(range(6, 24))
    document = found.document()["models"][1]
    assert document["epochs_measured"] == list(range(6, 24))
    for hour in range(24):
        if hour >= 6:
            assert unsaid.middle_rps[hour] == pytest.approx(RATES["unsaid"](DAYS * 24 + hour), rel=0.15)
        else:
            assert unsaid.middle_rps[hour] > 20  # as said, corrected half way at most
        assert unsaid.low_rps[hour] <= unsaid.middle_rps[hour] <= unsaid.demand_rps[hour]


def test_what_was_measured_takes_no_part_in_its_own_correction(observed: Store) -> None:
    """Only the hours that the planner spoke of say how wrong the planner was."""
    with observed.writing() as work:
        work.forecasts.add(said(NOW, 6, {"unsaid": lambda hour: 2 * RATES["unsaid"](hour)}), author="pat")
        resolved = resolved_forecast(work, NOW, 24, 1.0, actor="nightly")
    with observed.reading() as work:
        forecast = work.forecasts.get(resolved.id)
        assert forecast is not None
        (_, unsaid) = plan_demand(work, forecast, DemandOptions()).models
    assert unsaid.corrected is not None
    assert unsaid.corrected.ratio == pytest.approx(0.5, rel=0.05)


def test_load_that_comes_later_does_not_change_what_was_known(observed: Store) -> None:
    """A replay of a day sees no load of its instant or later, and no forecast made since."""
    with observed.reading() as work:
        before = as_known(work, NOW)
    with observed.writing() as work:
        later = {model: (lambda hour: 500.0) for model in ("known", "unsaid")}
        work.observed.take(hourly_reports(NOW, 30, later))
        work.forecasts.add(said(NOW, 24, {"unsaid": lambda hour: 999.0}), author="hindsight")
    with observed.reading() as work:
        assert as_known(work, NOW) == before
        now = plan_demand(work, forecast_as_resolved(work, NOW, 24, 1.0), DemandOptions())
    assert [model.model for model in before.models] == ["known", "unsaid"]
    assert now != before


def test_a_replayed_day_is_planned_without_what_came_on_it(observed: Store) -> None:
    with observed.writing() as work:
        work.registry.put_pools([Pool("A10", "z", 8)])
        work.observed.take(hourly_reports(NOW, 2, RATES))
    request = ReplayRequest(NOW.date(), solver="greedy", time_limit_s=5.0)
    before = replay_day(observed, request).replayed
    with observed.writing() as work:
        surge = {model: (lambda hour: 400.0) for model in RATES}
        work.observed.take(hourly_reports(NOW + 2 * HOUR, 4, surge))
        work.forecasts.add(said(NOW, 24, {"known": lambda hour: 800.0}), author="hindsight")
    after = replay_day(observed, request).replayed
    assert before is not None
    assert after is not None
    assert (before.gpus, before.cost_usd_per_hour) == (after.gpus, after.cost_usd_per_hour)
    assert before.unserved_share == 0  # of the model that no forecast names, too


def as_known(work: UnitOfWork, at: datetime) -> PlanDemand:
    return plan_demand(work, forecast_as_resolved(work, at, 24, 1.0, known_at=at), DemandOptions(until=at))


def test_a_gap_is_no_zero(observed: Store) -> None:
    with observed.reading() as work:
        series = work.observed.series(["known"], MIDNIGHT, NOW, 3_600)
        found = plan_demand(work, horizon(), DemandOptions())
    assert series.coverage[0, GAP.start] == 0
    assert min(found.models[1].low_rps) > 1.0


def test_without_load_the_forecast_stands(store: Store) -> None:
    register(store)
    with store.reading() as work:
        found = plan_demand(work, horizon(2), DemandOptions(quantile=0.5))
    assert found.models[0].middle_rps == pytest.approx(horizon(2).models[0].demand_rps)
    assert found.models[0].interval_from is IntervalFrom.NOTHING


def test_the_planner_who_said_too_much_was_not_right(observed: Store) -> None:
    found = comparison(observed, AccuracyRequest())
    known, unsaid = found.rows
    assert (known.model, unsaid.model) == ("known", "unsaid")
    assert known.planner_error == pytest.approx(0.5, abs=0.01)
    assert known.planner_bias == pytest.approx(0.5, abs=0.01)
    assert known.model_error is not None
    assert known.model_error < 0.1
    assert known.verdict is Verdict.MODEL
    assert unsaid.verdict is None
    assert found.until == NOW


def test_what_is_said_afterwards_counts_for_nothing(store: Store) -> None:
    register(store)
    with store.writing() as work:
        work.observed.take(hourly_reports(MIDNIGHT, 8 * 24, RATES))
        work.forecasts.add(said(MIDNIGHT, 8 * 24, {"known": RATES["known"]}), author="late")
    (known, _) = comparison(store, AccuracyRequest()).rows
    assert known.planner_error is None


def test_a_resolved_forecast_is_stored_and_resolves_nothing_itself(store: Store) -> None:
    register(store)
    first = Forecast(
        "first", (ForecastEpoch(NOW, 4.0),), (ModelForecast("known", (10.0,), (1.0,), (8.0,), (15.0,)),)
    )
    model = Forecast(
        "model",
        (ForecastEpoch(NOW, 4.0),),
        (ModelForecast("known", (11.0,), (1.0,)), ModelForecast("other", (3.0,), (2.0,))),
        source=ForecastSource.MODEL,
    )
    with store.writing() as work:
        work.forecasts.add(first, author="pat")
        work.forecasts.add(model, author="model")
        once = resolved_forecast(work, NOW, 4, 1.0, actor="nightly")
        again = resolved_forecast(work, NOW, 4, 1.0, actor="nightly")
    with store.reading() as work:
        found = work.forecasts.get(again.id)
        entries = work.audit.newest(limit=5)
    assert found is not None
    assert (once.source, once.author) == (ForecastSource.RESOLVED, "nightly")
    assert [row.model for row in found.models] == ["known", "other"]
    assert found.models[0].demand_rps == (10.0,) * 4
    assert found.models[0].high_rps == (15.0,) * 4
    assert entries[0].action == "forecast.resolved"
