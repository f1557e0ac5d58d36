"""Trend told from noise, headroom from past error and burstiness, verdicts."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from planner.demand.accuracy import Verdict, accuracy, verdict
from planner.demand.corrected import corrected_demand
from planner.demand.planned import IntervalFrom, error_quantiles, planned_model, with_waves
from planner.demand.trend import FACTOR_MAX, NO_TREND, trend
from tests.unit.planner.demand.test_corrected import forecast

DAYS = 14


def days(values: list[float]) -> np.ndarray:
    return np.repeat(np.array(values), 24)


def test_steady_growth_is_seen_and_damped() -> None:
    observed = days([100 * math.exp(0.05 * day) for day in range(DAYS)])
    found = trend(observed, days([100.0] * DAYS))
    assert found.growth_per_day == pytest.approx(0.05, rel=1e-6)
    assert found.middle_day == pytest.approx((DAYS - 1) / 2)
    one, ten = found.factor(found.middle_day + 1), found.factor(found.middle_day + 10)
    assert one == pytest.approx(math.exp(0.05 * 0.8))
    assert one < ten < math.exp(0.05 * 0.8 / 0.2)
    assert found.factor(0.0) == 1.0


def test_noise_is_no_trend() -> None:
    rng = np.random.default_rng(3)
    grown = [
        trend(days(list(rng.gamma(25, 4, DAYS))), days([100.0] * DAYS)).growth_per_day for _ in range(200)
    ]
    assert np.mean(np.array(grown) == 0) > 0.85


def test_a_trend_is_bounded_and_needs_days() -> None:
    wild = trend(days([math.exp(day) for day in range(DAYS)]), days([1.0] * DAYS))
    assert wild.factor(60.0) == FACTOR_MAX
    short = np.full(DAYS * 24, np.nan)
    short[-48:] = 5.0
    assert trend(short, days([1.0] * DAYS)) == NO_TREND


def test_gaps_are_left_out_of_a_trend() -> None:
    observed = days([100 * math.exp(0.05 * day) for day in range(DAYS)])
    observed[24 * 3 : 24 * 5] = np.nan
    observed[7] = np.nan
    assert trend(observed, days([100.0] * DAYS)).growth_per_day == pytest.approx(0.05, rel=1e-6)


def test_without_errors_the_submitted_interval_says_the_headroom() -> None:
    (row,) = corrected_demand(forecast(100.0, cv=0.0), {}).models
    object.__setattr__(row.forecast, "high_rps", (150.0,))
    found = planned_model(row, NO_TREND, [0.0], None, 0.95)
    assert found.interval_from is IntervalFrom.SUBMITTED
    assert found.demand_rps == pytest.approx((150.0,))
    assert planned_model(row, NO_TREND, [0.0], None, 0.5).demand_rps == pytest.approx((100.0,))


def test_the_higher_the_waves_the_more_headroom() -> None:
    calm, wavy = (with_waves([100.0], [0.0], wave, 0.95)[0] for wave in (0.0, 0.2))
    assert calm == 100
    assert wavy == pytest.approx(100 + NormalDist().inv_cdf(0.95) * 20)


def test_a_model_of_which_nothing_is_known_has_no_headroom() -> None:
    """However bursty its forecast says it is: the certificate draws those bursts already."""
    (row,) = corrected_demand(forecast(100.0, cv=4.0), {}).models
    found = planned_model(row, NO_TREND, [0.0], None, 0.95)
    assert found.demand_rps == found.middle_rps == (100.0,)
    assert found.interval_from is IntervalFrom.NOTHING


def test_the_worse_past_forecasts_were_the_more_headroom() -> None:
    rng = np.random.default_rng(5)
    told = np.full((2, 24 * DAYS), 100.0)
    observed = told + np.array([[5.0], [40.0]]) * rng.standard_normal(told.shape)
    good, poor = error_quantiles(np.maximum(0, observed), told, 0.8)
    assert good is not None
    assert poor is not None
    assert good.planned < good.high < poor.high
    (row,) = corrected_demand(forecast(100.0), {}).models
    planned = [planned_model(row, NO_TREND, [0.0], errors, 0.8).demand_rps[0] for errors in (good, poor)]
    assert planned[0] < planned[1]


def test_few_errors_make_no_interval() -> None:
    observed = np.full((1, 24), np.nan)
    observed[0, :10] = 1.0
    assert error_quantiles(observed, np.ones((1, 24)), 0.8) == [None]


def test_one_hour_of_many_models_makes_no_interval() -> None:
    """What is off in one hour is off for all of them: forty errors of it are hardly more than one."""
    observed = np.full((40, 48), np.nan)
    observed[:, 7] = np.arange(40)
    assert error_quantiles(observed, np.ones((40, 48)), 0.8) == [None] * 40


@pytest.mark.parametrize(
    ("planner", "model", "expected"),
    [
        (0.1, 0.2, Verdict.PLANNER),
        (0.2, 0.1, Verdict.MODEL),
        (0.1, 0.102, Verdict.BOTH),
        (0.6, 0.7, Verdict.NEITHER),
        (0.6, 0.2, Verdict.MODEL),
        (None, 0.1, None),
    ],
)
def test_verdicts(planner: float | None, model: float | None, expected: Verdict | None) -> None:
    assert verdict(planner, model) is expected


def test_only_hours_that_can_be_compared_count() -> None:
    nan = math.nan
    observed = np.array([[10.0, 10.0, nan, 10.0]])
    planner = np.array([[12.0, nan, 99.0, 10.0]])
    told = np.array([[10.0, 50.0, 10.0, 8.0]])
    (found,) = accuracy(["m"], observed, planner, (told - 1, told, told + 1))
    assert (found.hours, found.hours_compared) == (3, 2)
    assert found.planner_error == pytest.approx(2 / 20)
    assert found.planner_bias == pytest.approx(2 / 20)
    assert found.model_error == pytest.approx(2 / 20)
    assert found.model_bias == pytest.approx(-2 / 20)
    assert found.inside_share == pytest.approx(1 / 3)
    assert found.verdict is Verdict.BOTH
