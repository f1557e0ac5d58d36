"""Curves: what they answer, what they refuse to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve

MAX = 64


@st.composite
def affine(draw: st.DrawFn) -> AffineCurve:
    return AffineCurve(draw(st.floats(0.5, 1e5)), draw(st.floats(0, 1e6)))


@st.composite
def tabulated(draw: st.DrawFn) -> TabulatedCurve:
    sizes = sorted(draw(st.sets(st.integers(1, MAX), max_size=8)) | {MAX})
    latencies = sorted(draw(st.lists(st.floats(1, 1e6), min_size=len(sizes), max_size=len(sizes))))
    return TabulatedCurve(tuple(sizes), tuple(latencies))


curves = st.one_of(affine(), tabulated())


@given(curves)
def test_latency_never_falls_and_is_whole_and_positive(curve: LatencyCurve) -> None:
    table = curve.table_us(MAX)
    assert table.dtype == np.int64
    assert table[0] == 0
    assert (table[1:] >= 1).all()
    assert (np.diff(table) >= 0).all()


@given(curves)
def test_table_equals_latency(curve: LatencyCurve) -> None:
    assert curve.table_us(MAX).tolist() == [0, *(curve.latency_us(b) for b in range(1, MAX + 1))]


@given(curves, st.floats(-10, 2e6), st.integers(0, MAX))
def test_batch_size_within_is_the_largest_that_fits(curve: LatencyCurve, budget_us: float, most: int) -> None:
    found = curve.batch_size_within(budget_us, most)
    fitting = [b for b in range(1, most + 1) if curve.latency_us(b) <= budget_us]
    assert found == max(fitting, default=0)


@given(curves)
def test_throughput_is_batch_over_latency(curve: LatencyCurve) -> None:
    assert curve.throughput_rps(8) == pytest.approx(8e6 / curve.latency_us(8))


def test_affine_rounds_up_but_not_for_the_noise_of_binary_fractions() -> None:
    assert AffineCurve(1.5, 0.0).latency_us(3) == 5
    assert AffineCurve(1.082 * 1000, 0.0).latency_us(1) == 1082
    assert AffineCurve(0.001, 0.0).latency_us(1) == 1


def test_table_is_linear_between_knots_and_flat_below_the_first() -> None:
    curve = TabulatedCurve((2, 4, 8), (100.0, 200.0, 200.0))
    assert [curve.latency_us(b) for b in (1, 2, 3, 4, 6, 8)] == [100, 100, 150, 200, 200, 200]


def test_table_says_nothing_beyond_its_last_knot() -> None:
    curve = TabulatedCurve((1, 8), (100.0, 200.0))
    with pytest.raises(ValueError, match=r"batch size 9 lies beyond the last knot 8"):
        curve.latency_us(9)
    with pytest.raises(ValueError, match=r"beyond"):
        curve.table_us(9)


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [(0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (math.inf, 0.0), (1.0, -1.0), (1.0, math.nan)],
)
def test_affine_refuses_what_cannot_be(alpha: float, beta: float) -> None:
    with pytest.raises(ValueError, match=r"must be finite"):
        AffineCurve(alpha, beta)


@pytest.mark.parametrize(
    ("sizes", "latencies", "says"),
    [
        ((), (), "as many latencies"),
        ((1, 2), (1.0,), "as many latencies"),
        ((0, 2), (1.0, 2.0), "at least 1"),
        ((2, 2), (1.0, 2.0), "strictly increasing"),
        ((1, 2), (1.0, math.inf), "finite"),
        ((1, 2), (0.0, 1.0), "positive"),
        ((1, 2), (2.0, 1.0), "must not fall"),
    ],
)
def test_table_refuses_what_cannot_be(
    sizes: tuple[int, ...], latencies: tuple[float, ...], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        TabulatedCurve(sizes, latencies)
