"""How long things took: counts by tenths of a microsecond, cheap enough to note every request."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.compiled import kernel

BUCKET_NS = 100
BUCKETS = 50_000
"""Longer times, from 5 ms on, share the last bucket; the largest is kept exactly."""


class Histogram(NamedTuple):
    """``counts[i]`` times in [100 i, 100 (i + 1)) ns; ``largest_ns`` holds one number."""

    counts: NDArray[np.int64]
    largest_ns: NDArray[np.int64]


def new_histogram() -> Histogram:
    """Nothing noted yet; its pages are in memory."""
    return Histogram(np.full(BUCKETS, 0, dtype=np.int64), np.full(1, 0, dtype=np.int64))


@kernel
def note(histogram: Histogram, time_ns: int, times: int) -> None:
    """Count the time so many times; a negative one, as nothing at all."""
    time_ns = max(time_ns, 0)
    histogram.counts[min(time_ns // BUCKET_NS, BUCKETS - 1)] += times
    histogram.largest_ns[0] = max(histogram.largest_ns[0], time_ns)


def quantile_us(histogram: Histogram, share: float) -> float:
    """The time, in microseconds, that this share of those noted does not exceed; 0 if there are none."""
    upto = np.cumsum(histogram.counts)
    if upto[-1] == 0:
        return 0.0
    bucket = int(np.searchsorted(upto, share * upto[-1]))
    largest_us = float(histogram.largest_ns[0]) / 1e3
    return largest_us if bucket >= BUCKETS - 1 else min(largest_us, (bucket + 1) * BUCKET_NS / 1e3)


def largest_us(histogram: Histogram) -> float:
    return float(histogram.largest_ns[0]) / 1e3
