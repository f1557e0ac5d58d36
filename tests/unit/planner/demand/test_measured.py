"""Measured forecasts: properties that hold for every series, and known series whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planner.demand.measured.candidates import COUNT, candidates
from planner.demand.measured.combined import weighted_median
from planner.demand.measured.conformal import conformal_quantile, pooled_quantiles
from planner.demand.measured.forecast import MeasuredForecasts, measured_forecast, rolling_forecasts

DAY = 8  # steps: short days keep the tests short
SERIES = arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(0, 9 * DAY)), elements=st.floats(0, 1e6))


def at_end(rates: np.ndarray, horizon: int = DAY) -> MeasuredForecasts:
    return measured_forecast(rates, horizon, day=DAY)


def noisy(series: int = 3, days: int = 12, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = np.arange(days * DAY)
    profile = 10 + 6 * np.sin(2 * np.pi * steps / DAY)
    return profile * rng.gamma(9.0, 1 / 9, (series, len(steps)))


@settings(max_examples=60, deadline=None)
@given(rates=SERIES, gaps=st.integers(0, 2**32 - 1))
def test_intervals_are_ordered_and_nothing_is_negative_or_endless(rates: np.ndarray, gaps: int) -> None:
    holes = np.random.default_rng(gaps).random(rates.shape) < 0.3
    rates = np.where(holes, np.nan, rates)
    found = at_end(rates)
    known = np.isfinite(rates).any(axis=1)
    assert np.isnan(found.middle[~known]).all()
    low, middle, high, planned = (
        values[known] for values in (found.low, found.middle, found.high, found.planned)
    )
    assert (low >= 0).all()
    assert (low <= middle).all()
    assert (middle <= planned).all()
    assert (planned <= high).all()
    assert np.isfinite(high).all()


@settings(max_examples=20, deadline=None)
@given(power=st.integers(-6, 6))
def test_a_series_twice_as_large_has_a_forecast_twice_as_large(power: int) -> None:
    factor = 2.0**power
    rates = noisy()
    small, large = at_end(rates), at_end(rates * factor)
    for name in ("low", "middle", "high", "planned"):
        assert getattr(large, name) == pytest.approx(getattr(small, name) * factor, rel=1e-6)


def test_a_constant_series_is_foretold_exactly_and_without_doubt() -> None:
    found = at_end(np.full((1, 10 * DAY), 7.0))
    for values in (found.low, found.middle, found.high, found.planned):
        assert values == pytest.approx(np.full((1, 1, DAY), 7.0))


def test_one_observation_is_foretold_again() -> None:
    rates = np.full((1, 5 * DAY), np.nan)
    rates[0, 3] = 4.0
    assert at_end(rates).middle == pytest.approx(np.full((1, 1, DAY), 4.0))


def test_a_series_of_zeros_stays_at_zero() -> None:
    assert (at_end(np.zeros((1, 10 * DAY))).high == 0).all()


def test_nothing_observed_foretells_nothing() -> None:
    assert np.isnan(at_end(np.full((2, 10 * DAY), np.nan)).middle).all()
    assert np.isnan(at_end(np.zeros((1, 0))).middle).all()


def test_a_gap_is_no_load_of_zero() -> None:
    rates = noisy(1)
    whole = at_end(rates).middle
    with_gap = rates.copy()
    with_gap[0, -2 * DAY :] = np.nan
    assert at_end(with_gap).middle.mean() == pytest.approx(whole.mean(), rel=0.35)
    zeros = np.where(np.isnan(with_gap), 0.0, with_gap)
    assert at_end(with_gap).middle.mean() > 2 * at_end(zeros).middle.mean()


def test_a_day_that_repeats_is_foretold() -> None:
    day = np.arange(1.0, DAY + 1)
    found = at_end(np.tile(day, 10)[None])
    assert found.middle[0, 0] == pytest.approx(day, rel=1e-6)
    assert found.high[0, 0] - found.low[0, 0] == pytest.approx(np.zeros(DAY), abs=1e-6)


def test_forecasts_know_nothing_of_what_comes_after_them() -> None:
    rates = noisy()
    changed = rates.copy()
    changed[:, 8 * DAY :] *= 50
    origins = np.arange(4 * DAY, 8 * DAY + 1, 2)
    before = rolling_forecasts(rates, origins, DAY, day=DAY)
    after = rolling_forecasts(changed, origins, DAY, day=DAY)
    for name in ("low", "middle", "high", "planned"):
        assert np.array_equal(getattr(before, name), getattr(after, name), equal_nan=True)


def test_intervals_hold_about_nine_times_of_ten_on_steady_load() -> None:
    rates = noisy(series=20, days=40, seed=2)
    origins = np.arange(8 * DAY, 39 * DAY + 1, 2)
    found = rolling_forecasts(rates, origins, DAY, day=DAY)
    truth = np.stack([rates[:, o : o + DAY] for o in origins], axis=1)
    late = slice(10, None)
    inside = (truth >= found.low)[:, late] & (truth <= found.high)[:, late]
    assert 0.87 <= inside.mean() <= 0.93
    assert (truth > found.planned)[:, late].mean() == pytest.approx(0.2, abs=0.04)


def test_the_forecast_beats_the_day_before_on_noise() -> None:
    rates = noisy(series=10, days=30)
    origins = np.arange(10 * DAY, 29 * DAY + 1, DAY)
    truth = np.stack([rates[:, o : o + DAY] for o in origins], axis=1)
    found = rolling_forecasts(rates, origins, DAY, day=DAY)
    naive = np.stack([rates[:, o - DAY : o] for o in origins], axis=1)
    assert np.abs(found.middle - truth).mean() < 0.85 * np.abs(naive - truth).mean()


def test_a_planned_quantile_has_its_limits() -> None:
    with pytest.raises(ValueError, match="planned_quantile"):
        measured_forecast(noisy(), DAY, day=DAY, planned_quantile=0.2)


def test_every_candidate_says_something_whenever_anything_is_known() -> None:
    out = np.empty((COUNT, DAY))
    for length in (1, DAY, 3 * DAY, 20 * DAY):
        candidates(np.full(length, 3.0), length, DAY, 7 * DAY, out)
        assert out == pytest.approx(np.full_like(out, 3.0))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12))
def test_with_equal_weights_it_is_a_median(values: list[float]) -> None:
    found = weighted_median(np.array(values), np.ones(len(values)))
    assert found == pytest.approx(float(np.median(values)), rel=1e-9, abs=1e-6)


def test_the_heavier_value_wins() -> None:
    assert weighted_median(np.array([1.0, 2.0, 30.0]), np.array([0.1, 0.1, 9.0])) > 25


@pytest.mark.parametrize(("n", "alpha", "rank"), [(19, 0.05, 19), (39, 0.05, 38), (5, 0.05, 5), (9, 0.5, 5)])
def test_conformal_rank(n: int, alpha: float, rank: int) -> None:
    """ceil((n + 1)(1 - alpha)), worked out by hand."""
    assert conformal_quantile(np.arange(1.0, n + 1), alpha) == rank


def test_of_no_series_no_error_is_known() -> None:
    found = pooled_quantiles(
        np.zeros((0, 3, 4)), np.arange(3), np.array([0, 4]), np.array([0.05, 0.05]), np.array([1.0, -1.0])
    )
    assert found.shape == (3, 1, 2)
    assert np.isnan(found).all()
