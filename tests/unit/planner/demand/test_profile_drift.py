"""Drift of profiles: found where measurements say so for hours, and not for a noisy interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.demand.load_frame import LoadFrame, frame_of
from planner.demand.profile_drift import Drift, DriftRule, drift, median_interval
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve
from tests.observed import report

CURVE = AffineCurve(500.0, 3_000.0)
SIZES = (1, 2, 4, 8)
BATCH_SIZE_MAX = 16


def measured(
    truth: LatencyCurve,
    *,
    intervals: int = 24,
    batches: int = 40,
    sizes: tuple[int, ...] = SIZES,
    noise: float = 0.02,
    wrong: dict[int, float] | None = None,
) -> LoadFrame:
    """Every ten minutes batches that take what ``truth`` says, in a wrong interval times its factor."""
    random = np.random.default_rng(7)
    reports = []
    for k in range(intervals):
        factor = (wrong or {}).get(k, 1.0)
        latencies = tuple(
            (size, batches, truth.latency_us(size) / 1_000 * factor * float(random.normal(1, noise)))
            for size in sizes
        )
        reports.append(report(after_s=600 * k, latency_ms_by_batch=latencies))
    return frame_of(reports)


def found(frame: LoadFrame, curve: LatencyCurve = CURVE, rule: DriftRule | None = None) -> Drift:
    shown = drift(frame, curve, BATCH_SIZE_MAX, rule)
    assert shown is not None
    return shown


def test_a_profile_that_holds_is_left_alone() -> None:
    assert drift(measured(CURVE), CURVE, BATCH_SIZE_MAX) is None
    assert (
        drift(measured(AffineCurve(515.0, 3_090.0)), CURVE, BATCH_SIZE_MAX) is None
    )  # 3 %: within the error


def test_a_slower_gpu_is_found_and_its_curve_is_fitted() -> None:
    truth = AffineCurve(800.0, 3_300.0)
    shown = found(measured(truth))
    assert isinstance(shown.curve, AffineCurve)
    assert shown.curve.alpha_us == pytest.approx(800, rel=0.05)
    assert shown.curve.beta_us == pytest.approx(3_300, rel=0.05)
    assert shown.overall.ratio_low <= shown.overall.ratio <= shown.overall.ratio_high
    assert shown.overall.ratio_low > 1.1
    assert shown.error_after < 0.02 < 0.1 < shown.error_before
    assert [one.batch_size for one in shown.by_batch_size] == list(SIZES)


def test_a_faster_gpu_is_found_too() -> None:
    assert found(measured(AffineCurve(400.0, 2_400.0))).overall.ratio_high < 0.9


@pytest.mark.parametrize("hours", [1, 3])
def test_a_few_wrong_intervals_are_no_drift(hours: int) -> None:
    wrong = dict.fromkeys(range(hours), 5.0)
    assert drift(measured(CURVE, wrong=wrong), CURVE, BATCH_SIZE_MAX) is None


def test_noise_is_no_drift_however_large() -> None:
    assert drift(measured(CURVE, noise=0.3), CURVE, BATCH_SIZE_MAX) is None


@pytest.mark.parametrize("changes", [{"intervals": 5}, {"batches": 1}, {"sizes": (17, 20)}])
def test_little_evidence_is_none(changes: dict[str, object]) -> None:
    slow = AffineCurve(1_000.0, 6_000.0)
    assert drift(measured(slow, **changes), CURVE, BATCH_SIZE_MAX) is None  # type: ignore[arg-type]
    assert drift(frame_of([]), CURVE, BATCH_SIZE_MAX) is None


def test_sizes_that_say_nothing_of_the_slope_scale_the_curve() -> None:
    curve = found(measured(AffineCurve(750.0, 4_500.0), sizes=(7, 8))).curve
    assert isinstance(curve, AffineCurve)
    assert curve.alpha_us / curve.beta_us == pytest.approx(500 / 3_000)
    assert curve.alpha_us == pytest.approx(750, rel=0.03)


def test_a_curve_that_is_wrong_at_one_end_only_is_found() -> None:
    """The small batches are quicker, the large ones slower: in all they take what they should."""
    turned = TabulatedCurve((1, 8), (2_900.0, 7_800.0))
    frame = measured(turned, sizes=(1, 8))
    shown = found(frame)
    assert abs(shown.overall.ratio - 1) < 0.1
    (large,) = (one for one in shown.by_batch_size if one.batch_size == 8)
    assert large.ratio_low > 1.05


def test_points_of_a_table_are_corrected_where_they_were_measured() -> None:
    table = TabulatedCurve((1, 4, 8, 16), (3_500.0, 5_000.0, 7_000.0, 11_000.0))
    truth = TabulatedCurve((1, 4, 8, 16), (3_500.0, 6_000.0, 9_100.0, 14_300.0))
    curve = found(measured(truth, sizes=(1, 4, 8)), table).curve
    assert isinstance(curve, TabulatedCurve)
    assert curve.batch_sizes == table.batch_sizes
    np.testing.assert_allclose(curve.latencies_us, truth.latencies_us, rtol=0.02)  # the last as the nearest


def test_hours_that_were_rolled_up_count_as_one_measurement_each() -> None:
    from planner.demand.load_frame import rolled_up

    hourly = rolled_up(measured(AffineCurve(800.0, 3_300.0), intervals=6 * 24), 3_600_000_000)
    shown = found(hourly)
    assert shown.overall.intervals == 24


@given(st.integers(1, 60), st.floats(0.5, 0.9999))
def test_interval_of_the_median_has_the_confidence_that_it_says(count: int, confidence: float) -> None:
    """Its ranks leave no more on either side than is allowed, and one rank further in would."""

    def below(rank: int) -> float:
        return sum(math.comb(count, j) for j in range(rank)) / 2**count

    interval = median_interval(np.arange(1, count + 1, dtype=np.float64), confidence)
    allowed = (1 - confidence) / 2
    if interval is None:
        assert below(1) > allowed
        return
    low, high = (int(x) for x in interval)
    assert low + high == count + 1
    assert below(low) <= allowed * (1 + 1e-9)
    assert low >= count // 2 or below(low + 1) > allowed * (1 - 1e-9)
