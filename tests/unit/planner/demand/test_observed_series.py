"""Series: exact sums, gaps that are gaps, parts of the traffic, coarser roll-ups spread."""

from __future__ import annotations

import numpy as np
import pytest

from planner.demand.load_frame import SECOND_US, frame_of, instant_us, rolled_up
from planner.demand.observed_series import ObservedSeries, series
from tests.control_plane import START
from tests.observed import report

START_US = instant_us(START)


def of_minutes(
    reports: list, minutes: int = 3, resolution_s: int = 60, share: float | None = 1.0
) -> ObservedSeries:  # type: ignore[type-arg]
    frame = frame_of(reports, lambda source, at_us: share)
    return series(frame, ["m", "other"], START_US, START_US + minutes * 60 * SECOND_US, resolution_s)


def test_a_gap_is_no_zero_and_a_zero_is_no_gap() -> None:
    found = of_minutes([report(), report(after_s=60, arrived=0, arrival_cv=None)])
    np.testing.assert_array_equal(found.arrived, [[100, 0, np.nan], [np.nan] * 3])
    np.testing.assert_allclose(found.coverage, [[1 / 6, 1 / 6, 0], [0, 0, 0]])
    np.testing.assert_allclose(found.rate_rps, [[10, 0, np.nan], [np.nan] * 3])
    np.testing.assert_array_equal(found.arrival_cv, [[1, np.nan, np.nan], [np.nan] * 3])


def test_a_silent_sub_cluster_lowers_the_coverage_and_not_the_rate() -> None:
    both = of_minutes([report("one", seconds=60), report("two", seconds=60)], share=0.5)
    one = of_minutes([report("one", seconds=60)], share=0.5)
    assert both.coverage[0, 0] == pytest.approx(1)
    assert one.coverage[0, 0] == pytest.approx(0.5)
    assert one.rate_rps[0, 0] == pytest.approx(both.rate_rps[0, 0]) == pytest.approx(200 / 60)


def test_without_a_plan_those_who_report_at_once_share_the_model() -> None:
    found = of_minutes([report("one", seconds=60), report("two", seconds=60)], share=None)
    assert found.coverage[0, 0] == pytest.approx(1)
    assert found.rate_rps[0, 0] == pytest.approx(200 / 60)


def test_a_coarser_roll_up_is_spread_and_says_so() -> None:
    frame = rolled_up(frame_of([report(seconds=600)], lambda source, at_us: 1.0), 600 * SECOND_US)
    found = series(frame, ["m"], START_US + 60 * SECOND_US, START_US + 180 * SECOND_US, 60)
    np.testing.assert_allclose(found.arrived, [[10, 10]])
    np.testing.assert_allclose(found.coverage, [[1, 1]])
    np.testing.assert_array_equal(found.source_resolution_s, [[600, 600]])


def test_a_report_counts_whole_to_the_interval_that_it_starts_in() -> None:
    found = of_minutes([report(after_s=55)])
    np.testing.assert_array_equal(found.arrived[0], [100, np.nan, np.nan])


def test_an_empty_look_is_all_gaps() -> None:
    assert np.isnan(of_minutes([]).arrived).all()
    assert of_minutes([], minutes=0).arrived.shape == (2, 0)
