"""The back-test on the small copy of real load: better than the day before, and intervals that hold."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from bench.forecasting.backtest import Result, judged
from bench.forecasting.series import SMALL, hourly_means, load
from planner.demand.measured.statistical import METHODS, filled, is_installed, statistical_forecast


@pytest.fixture(scope="module")
def results() -> list[Result]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return [judged(series)[0] for series in load(SMALL)]


def test_the_copy_has_its_source_beside_it() -> None:
    source = (SMALL / "SOURCE.md").read_text(encoding="utf-8")
    assert {series.name for series in load(SMALL)} == {"servegen", "nab", "nasa_http"}
    assert all(f"| {series.name} |" in source for series in load(SMALL))


def test_it_beats_the_day_before(results: list[Result]) -> None:
    assert {result.set: result.ratio < 0.95 for result in results} == dict.fromkeys(
        ("servegen", "nab", "nasa_http"), True
    )


def test_intervals_hold(results: list[Result]) -> None:
    for result in results:
        assert result.coverage is not None
        assert 0.87 <= result.coverage <= 0.94, result


def test_hours_of_which_half_is_missing_are_gaps() -> None:
    from datetime import datetime, timedelta

    start = datetime(2026, 1, 1)  # noqa: DTZ001  (as published, without a zone)
    points = [(start + timedelta(minutes=10 * i), 6.0) for i in range(24) if not 6 <= i < 10]
    assert hourly_means(points) == pytest.approx([6.0, np.nan, 6.0, 6.0], nan_ok=True)


def test_gaps_are_filled_with_the_day_before() -> None:
    row = np.array([np.nan, 1.0, 2.0, 3.0, np.nan, 5.0])
    assert filled(row, 3) == pytest.approx([1.0, 2.0, 3.0, 1.0, 5.0])
    assert filled(np.full(4, np.nan), 3) is None


@pytest.mark.skipif(not is_installed(), reason="needs the extra forecasting")
def test_the_extra_foretells_a_day_that_repeats() -> None:
    rates = np.tile(1.0 + np.arange(24.0), 10)[None] + np.random.default_rng(1).random((1, 240)) * 0.01
    found = statistical_forecast(rates, 24, day=24, method="holt-winters")
    assert found[0] == pytest.approx(rates[0, :24], abs=0.5)


def test_another_method_is_refused() -> None:
    with pytest.raises(ValueError, match=METHODS[0]):
        statistical_forecast(np.ones((1, 10)), 2, day=24, method="magic")
