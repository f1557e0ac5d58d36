from __future__ import annotations

import numpy as np
import pytest

from dispatcher.simulation.arrivals import drawn, merged
from dispatcher.simulation.scenario import ArrivalKind, Arrivals

DURATION_US = 200_000_000


@pytest.mark.parametrize(
    ("arrivals", "cv"),
    [
        (Arrivals(ArrivalKind.POISSON, 500.0), 1.0),
        (Arrivals(ArrivalKind.CONST, 500.0), 0.0),
        (Arrivals(ArrivalKind.GAMMA, 500.0, 0.25), 2.0),
        (Arrivals(ArrivalKind.GAMMA, 500.0, 4.0), 0.5),
    ],
)
def test_arrivals_have_their_rate_and_their_variation(arrivals: Arrivals, cv: float) -> None:
    times_us = drawn(arrivals, DURATION_US, seed=3, stream=0)
    gaps_us = np.diff(times_us)
    assert times_us[0] >= 0
    assert times_us[-1] < DURATION_US
    assert gaps_us.min() >= 0
    assert len(times_us) == pytest.approx(100_000, rel=0.03)
    assert gaps_us.std() / gaps_us.mean() == pytest.approx(cv, abs=0.05)


def test_stream_depends_on_seed_and_model_alone() -> None:
    arrivals = Arrivals(ArrivalKind.POISSON, 50.0)
    once = drawn(arrivals, 10_000_000, 1, 0)
    assert np.array_equal(once, drawn(arrivals, 10_000_000, 1, 0))
    assert not np.array_equal(once[:5], drawn(arrivals, 10_000_000, 2, 0)[:5])
    assert not np.array_equal(once[:5], drawn(arrivals, 10_000_000, 1, 1)[:5])
    assert np.array_equal(once, drawn(arrivals, 20_000_000, 1, 0)[: len(once)])


def test_no_rate_no_arrivals() -> None:
    for kind in (ArrivalKind.POISSON, ArrivalKind.CONST):
        assert len(drawn(Arrivals(kind, 0.0), DURATION_US, 0, 0)) == 0


def test_trace_ends_with_the_scenario() -> None:
    trace_us = np.array([0, 5, 10, 11], dtype=np.int64)
    arrivals = Arrivals(ArrivalKind.TRACE, trace_us=trace_us)
    assert drawn(arrivals, 10, 0, 0).tolist() == [0, 5]


def test_streams_merge_by_time_and_then_by_model() -> None:
    times_us, index = merged([np.array([5, 9]), np.array([1, 5]), np.array([], dtype=np.int64)])
    assert times_us.tolist() == [1, 5, 5, 9]
    assert index.tolist() == [1, 0, 1, 0]
