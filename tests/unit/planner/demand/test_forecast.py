"""Forecasts: which epoch an instant falls into, burstiness, faults between fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast, forecast_faults

START = datetime(2026, 11, 23, tzinfo=UTC)


def hours(count: int, rows: tuple[ModelForecast, ...] = ()) -> Forecast:
    return Forecast("test", tuple(ForecastEpoch(START + timedelta(hours=h), 1.0) for h in range(count)), rows)


def test_epoch_contains_its_start_and_not_its_end() -> None:
    forecast = hours(3)
    assert forecast.epoch_at(START) == 0
    assert forecast.epoch_at(START + timedelta(hours=1)) == 1
    assert forecast.epoch_at(START + timedelta(minutes=179)) == 2


def test_beyond_a_short_horizon_there_is_no_epoch() -> None:
    assert hours(3).epoch_at(START + timedelta(hours=3)) is None
    assert hours(3).epoch_at(START - timedelta(seconds=1)) is None


@pytest.mark.parametrize("days", [-8, -1, 1, 30])
def test_beyond_a_whole_day_the_same_time_of_day_stands_in(days: int) -> None:
    assert hours(24).epoch_at(START + timedelta(days=days, hours=7, minutes=30)) == 7


def test_burstiness_of_the_horizon_is_weighted_by_traffic() -> None:
    assert ModelForecast("m", (30.0, 10.0), (1.0, 3.0)).arrival_cv_mean == pytest.approx(1.5)
    assert ModelForecast("m", (0.0, 0.0), (7.0, 3.0)).arrival_cv_mean == 1.0


def test_every_fault_between_fields_is_named() -> None:
    overlapping = (ForecastEpoch(START, 2.0), ForecastEpoch(START + timedelta(hours=1), 1.0))
    rows = (
        ModelForecast("a", (1.0,), (1.0, 1.0)),
        ModelForecast("a", (1.0, 2.0), (1.0, 1.0, 1.0)),
    )
    fields = [fault.field for fault in forecast_faults(Forecast("test", overlapping, rows))]
    assert fields == ["epochs[1].start", "models[0].demand_rps", "models[1].arrival_cv", "models[1].model"]


def test_sound_forecast_has_no_fault() -> None:
    assert forecast_faults(hours(2, (ModelForecast("a", (1.0, 2.0), (1.0, 1.0)),))) == []
