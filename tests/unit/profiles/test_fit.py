"""Fits: exact on lines, close on noise, refused on anything else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from profiles.faults import InputInvalid
from profiles.fit import (
    MAPE_MAX,
    FitRefused,
    Points,
    Weighting,
    fit_affine,
    fit_curve,
    least_squares,
    monotone,
    tabulate,
)
from profiles.latency import AffineCurve, TabulatedCurve

STEPS = [(1, 2_000.0), (2, 2_000.0), (4, 2_000.0), (5, 9_000.0), (8, 9_000.0)]

batch_sizes = st.sets(st.integers(1, 512), min_size=3, max_size=12).map(sorted)
latencies = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=12)


def is_refused(points: Points) -> bool:
    try:
        fit_affine(points)
    except FitRefused:
        return True
    return False


@given(batch_sizes, st.floats(1.0, 1e4), st.floats(0.0, 1e5), st.sampled_from(Weighting))
def test_recovers_alpha_and_beta_of_a_line(
    sizes: list[int], alpha_us: float, beta_us: float, weighting: Weighting
) -> None:
    fit = fit_affine([(b, alpha_us * b + beta_us) for b in sizes], weighting=weighting)
    assert fit.alpha_us == pytest.approx(alpha_us, rel=1e-4)
    assert fit.beta_us == pytest.approx(beta_us, rel=1e-4, abs=alpha_us * 1e-3)
    assert fit.mape < 1e-4
    assert (fit.batch_size_min, fit.batch_size_max) == (sizes[0], sizes[-1])


@given(batch_sizes, st.floats(1.0, 1e4), st.floats(0.0, 1e5), st.integers(0, 2**32 - 1))
def test_noise_of_two_percent_is_never_refused(
    sizes: list[int], alpha_us: float, beta_us: float, seed: int
) -> None:
    noise = np.random.default_rng(seed).uniform(0.98, 1.02, len(sizes))
    points = [(b, (alpha_us * b + beta_us) * float(n)) for b, n in zip(sizes, noise, strict=True)]
    fit, refused = least_squares(points), is_refused(points)
    assert fit.mape <= 0.04
    assert refused == (fit.alpha_us <= 0)  # a flat curve may come out falling, never badly described


@given(batch_sizes, st.data())
def test_figures_are_what_they_say_and_decide_alone(sizes: list[int], data: st.DataObject) -> None:
    points = [(b, data.draw(st.floats(1.0, 1e6))) for b in sizes]
    fit = least_squares(points)
    assert is_refused(points) == (fit.alpha_us <= 0 or fit.mape > MAPE_MAX)
    errors = [abs((fit.alpha_us * b + fit.beta_us) / us - 1) for b, us in points]
    assert fit.beta_us >= 0
    assert sum(errors) / len(errors) == pytest.approx(fit.mape)
    assert fit.error_max == pytest.approx(max(errors))


def test_relative_weights_serve_small_batches_absolute_ones_large() -> None:
    points = [(1, 100.0), (2, 150.0), (64, 6_400.0), (128, 14_000.0)]
    relative = least_squares(points, Weighting.RELATIVE)
    absolute = least_squares(points, Weighting.ABSOLUTE)
    assert relative.mape < absolute.mape


def test_a_line_below_the_origin_goes_through_it() -> None:
    fit = least_squares([(1, 8.0), (2, 18.0), (4, 38.0)])
    assert fit.beta_us == 0
    assert fit.alpha_us == pytest.approx((1 / 8 + 2 / 18 + 4 / 38) / (1 / 64 + 4 / 324 + 16 / 1_444))


def test_steps_are_refused_with_figures_and_limit() -> None:
    with pytest.raises(
        FitRefused, match=r"err by \d+\.\d% on the mean \(MAPE\).*5\.0% on the mean is allowed"
    ) as e:
        fit_affine(STEPS)
    assert e.value.fit is not None
    assert e.value.fit.mape > MAPE_MAX


def test_latency_that_falls_or_stands_still_is_refused() -> None:
    with pytest.raises(FitRefused, match="does not grow with the batch"):
        fit_affine([(1, 300.0), (2, 200.0), (4, 100.0)])
    with pytest.raises(FitRefused, match="does not grow with the batch"):
        fit_affine([(1, 300.0), (2, 299.0), (4, 298.0)])


@pytest.mark.parametrize(
    ("points", "faults"),
    [
        ([], ["points"]),
        ([(1, 1.0), (2, 2.0)], ["points"]),
        ([(1, 1.0), (1, 2.0), (1, 3.0)], ["points"]),
        ([(0, 1.0), (1, math.nan), (2, -1.0), (3, 0.0)], [
            "points[0].batch_size", "points[1].latency_us", "points[2].latency_us", "points[3].latency_us"
        ]),
        ([(math.nan, 1.0), (1.5, 1.0), (True, 1.0)], [
            "points[0].batch_size", "points[1].batch_size", "points[2].batch_size"
        ]),
    ],
)  # fmt: skip
def test_bad_points_are_reported_all_at_once(points: list[tuple[int, float]], faults: list[str]) -> None:
    with pytest.raises(InputInvalid) as error:
        least_squares(points)
    assert [fault.field for fault in error.value.faults] == faults


@given(latencies)
def test_monotone_never_falls_keeps_the_mean_and_leaves_order_alone(values: list[float]) -> None:
    repaired = monotone(np.array(values))
    assert (np.diff(repaired) >= 0).all()
    assert repaired.mean() == pytest.approx(np.mean(values))
    ordered = np.sort(values)
    assert (monotone(ordered) == ordered).all()


@given(latencies, latencies)
def test_monotone_is_the_closest_sequence_that_never_falls(values: list[float], others: list[float]) -> None:
    size = min(len(values), len(others))
    target, rival = np.array(values[:size]), np.sort(others[:size])
    assume(size > 1)
    assert ((monotone(target) - target) ** 2).sum() <= ((rival - target) ** 2).sum() * (1 + 1e-9)


def test_a_table_takes_medians_and_mends_small_dents() -> None:
    fitted = tabulate([(1, 100.0), (1, 110.0), (1, 190.0), (4, 108.0), (8, 300.0)])
    assert isinstance(fitted.curve, TabulatedCurve)
    assert fitted.curve.batch_sizes == (1, 4, 8)
    assert fitted.curve.latencies_us == (109.0, 109.0, 300.0)


def test_a_table_with_a_deep_dent_is_refused() -> None:
    with pytest.raises(FitRefused, match=r"batch size \d+ would have to change by .*more than the 5\.0%"):
        tabulate([(1, 100.0), (4, 70.0), (8, 300.0)])


def test_curve_is_affine_where_that_is_good_else_the_table() -> None:
    assert isinstance(fit_curve([(b, 10.0 * b + 5) for b in (1, 2, 4, 8)]).curve, AffineCurve)
    steps = fit_curve(STEPS)
    assert isinstance(steps.curve, TabulatedCurve)
    assert steps.mape == 0
    assert isinstance(fit_curve([(1, 10.0), (2, 20.0)]).curve, TabulatedCurve)
