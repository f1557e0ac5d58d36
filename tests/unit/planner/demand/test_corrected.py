"""The rule that joins forecast and observation, on numbers worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.demand.corrected import OBSERVATION_WEIGHT, RATIO_MAX, RATIO_MIN, corrected_demand
from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.demand.observed import ObservedLoad, ObservedModel
from tests.control_plane import START


def forecast(*rates: float, cv: float = 1.0, model: str = "m") -> Forecast:
    epochs = tuple(ForecastEpoch(START, 1.0) for _ in rates)
    return Forecast("test", epochs, (ModelForecast(model, rates, (cv,) * len(rates)),))


def observed(arrived: int, seconds: float = 100.0, cv: float | None = None, model: str = "m") -> ObservedLoad:
    found = ObservedModel(
        model=model,
        observed_s=seconds,
        arrived=arrived,
        served_in_time=arrived,
        late=0,
        dropped=0,
        rejected=0,
        cancelled=0,
        rate_rps=arrived / seconds,
        arrival_cv=cv,
        bad_rate=0.0,
        batches=0,
        batch_size_mean=None,
        busy_s=0.0,
        latencies=(),
    )
    return ObservedLoad(1, None, None, {model: found})


def test_without_observation_the_forecast_stands() -> None:
    (model,) = corrected_demand(forecast(10.0, 20.0), {}).models
    assert model.demand_rps == (10.0, 20.0)
    assert (model.ratio, model.credibility, model.factor) == (None, 0.0, 1.0)


def test_half_the_way_to_what_was_seen_by_its_credibility() -> None:
    # Expected 10/s * 100 s = 1000, seen 1500: ratio 1.5, Z = 1500 / 1600, factor 1 + Z/2 * 0.5.
    (model,) = corrected_demand(forecast(10.0, 40.0), {0: observed(1_500)}).models
    assert model.ratio == pytest.approx(1.5)
    assert model.credibility == pytest.approx(0.9375)
    assert model.factor == pytest.approx(1.234375)
    assert model.demand_rps == pytest.approx((12.34375, 49.375))
    assert model.forecast.demand_rps == (10.0, 40.0)


def test_bursty_arrivals_are_believed_less() -> None:
    (calm,) = corrected_demand(forecast(10.0), {0: observed(1_500, cv=1.0)}).models
    (bursty,) = corrected_demand(forecast(10.0), {0: observed(1_500, cv=4.0)}).models
    assert bursty.credibility == pytest.approx(1_500 / 3_100)
    assert bursty.factor < calm.factor


def test_burstiness_moves_towards_the_observed() -> None:
    (model,) = corrected_demand(forecast(10.0, cv=1.0), {0: observed(1_000, cv=3.0)}).models
    z = 1_000 / (1_000 + 900)
    assert model.arrival_cv == pytest.approx((1 + OBSERVATION_WEIGHT * z * 2,))


def test_silence_where_much_was_expected_is_strong_evidence() -> None:
    (model,) = corrected_demand(forecast(100.0), {0: observed(0)}).models
    assert model.ratio == 0
    assert model.factor == pytest.approx(1 - 0.5 * (10_000 / 10_100) * (1 - RATIO_MIN))


def test_arrivals_where_none_were_expected_are_planned_for_in_their_epoch_only() -> None:
    (model,) = corrected_demand(forecast(0.0, 5.0), {0: observed(900)}).models
    assert model.ratio is None
    assert model.demand_rps == pytest.approx((0.5 * 0.9 * 9.0, 5.0))


def test_models_that_nobody_forecast_are_named() -> None:
    found = corrected_demand(forecast(1.0), {0: observed(5, model="new")})
    assert found.models_unforecast == ("new",)
    silent = corrected_demand(forecast(1.0), {0: observed(0, model="new")})
    assert silent.models_unforecast == ()


@given(
    rates=st.lists(st.floats(0, 1e6), min_size=1, max_size=4),
    arrived=st.integers(0, 10**9),
    seconds=st.floats(0.1, 1e5),
    cv=st.none() | st.floats(0, 100),
)
def test_corrected_rates_stay_within_the_stated_bounds(
    rates: list[float], arrived: int, seconds: float, cv: float | None
) -> None:
    (model,) = corrected_demand(forecast(*rates), {0: observed(arrived, seconds, cv)}).models
    low = 1 - OBSERVATION_WEIGHT * (1 - RATIO_MIN)
    high = 1 + OBSERVATION_WEIGHT * (RATIO_MAX - 1)
    assert low <= model.factor <= high
    assert 0 <= model.credibility <= 1
    assert all(rate >= 0 for rate in model.demand_rps)
