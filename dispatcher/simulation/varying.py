"""Arrivals whose rate and burstiness change from window to window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dispatcher.simulation.scenario import US_PER_S


def varying_arrivals(
    random: np.random.Generator,
    rate_rps: NDArray[np.float64],
    iat_cv: NDArray[np.float64],
    window_us: int,
) -> NDArray[np.int64]:
    """
    Arrival times of one model in microseconds, never falling.

    Gaps are drawn in units of expected requests, gamma with mean 1 and shape 1 / cv^2 of the
    window in which they begin, and laid over the rates, which change by steps at the windows'
    borders. So a gap may span a border, and long gaps are not cut off there.

    Parameters
    ----------
    rate_rps, iat_cv
        Shape ``(windows,)``; a variation of 0 stands for an unknown one and counts as 1.
    """
    expected = np.concatenate([[0.0], np.cumsum(rate_rps * (window_us / US_PER_S))])
    reached = 0.0
    chunks: list[NDArray[np.float64]] = []
    for end, cv in zip(expected[1:], np.where(iat_cv > 0, iat_cv, 1.0), strict=True):
        while reached < end:
            count = int((end - reached) * 1.05) + 16
            chunk = reached + np.cumsum(random.gamma(cv**-2.0, cv**2.0, count))
            chunk = chunk[: np.searchsorted(chunk, end) + 1]
            chunks.append(chunk)
            reached = float(chunk[-1])
    positions = np.concatenate([np.zeros(0), *chunks])
    positions = positions[positions < expected[-1]]
    windows = np.arange(len(expected)) * float(window_us)
    times_us: NDArray[np.int64] = np.interp(positions, expected, windows).astype(np.int64)
    return times_us
