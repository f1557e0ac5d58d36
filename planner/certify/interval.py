r"""
Whether simulations show that a bad rate lies within its limit, or above it.

Requests of one run share its bursts, so they are no independent trials. The stretches of a run are
nearly independent (a dispatcher forgets within an SLO or two), and runs are altogether: the
interval is Student's t over the bad rates of stretches (batch means; Law 2015, "Simulation Modeling
and Analysis", sections 9.4 and 9.5). When hardly any request is bad the stretches agree by luck,
and t is too sure of itself; then the interval of the pooled counts is wider (Wilson 1927, "Probable
inference, the law of succession, and statistical inference"), and the wider of both is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A bad rate with its two-sided confidence interval; all shares in [0, 1]."""

    rate: float
    low: float
    high: float


def bad_rate_interval(
    bad: Sequence[int] | NDArray[np.int64],
    arrived: Sequence[int] | NDArray[np.int64],
    confidence: float = CONFIDENCE,
) -> RateInterval:
    """
    The bad rate over stretches, pooled, and its two-sided interval.

    Parameters
    ----------
    bad, arrived
        Requests that ended badly, and all of them, one pair for each stretch.
    """
    bad, arrived = np.asarray(bad, dtype=np.int64), np.asarray(arrived, dtype=np.int64)
    if arrived.sum() == 0:
        return RateInterval(0.0, 0.0, 0.0)
    low, high = bad_rate_bounds(bad[None, :], arrived[None, :], confidence)
    return RateInterval(float(bad.sum() / arrived.sum()), float(low[0]), float(high[0]))


def bad_rate_bounds(
    bad: NDArray[np.int64], arrived: NDArray[np.int64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    The ends of the intervals of many rates at once; (0, 1) where nothing arrived.

    Parameters
    ----------
    bad, arrived
        Shape (rates, stretches).
    """
    total = arrived.sum(axis=1)
    rate = bad.sum(axis=1) / np.maximum(1, total)
    low, high = _wilson(rate, np.maximum(1, total), confidence)
    if bad.shape[1] > 1:
        half = _t_half_width(bad, arrived, rate, confidence)
        low, high = np.minimum(low, rate - half), np.maximum(high, rate + half)
    some = total > 0
    return np.where(some, np.maximum(0.0, low), 0.0), np.where(some, np.minimum(1.0, high), 1.0)


def model_confidence(confidence: float, models: int) -> float:
    """The level at which each of several models is judged, so that all judgements hold at ``confidence``."""
    return 1 - (1 - confidence) / max(1, models)


def _t_half_width(
    bad: NDArray[np.int64], arrived: NDArray[np.int64], rate: NDArray[np.float64], confidence: float
) -> NDArray[np.float64]:
    """Half width for ratios of means over k stretches: t(k-1) s / (mean arrivals sqrt(k))."""
    k = bad.shape[1]
    deviation = np.sqrt(np.sum((bad - rate[:, None] * arrived) ** 2, axis=1) / (k - 1))
    t = float(stdtrit(k - 1, (1 + confidence) / 2))
    mean = np.maximum(arrived.mean(axis=1), 1 / k)
    return np.asarray(t * deviation / (mean * math.sqrt(k)), dtype=np.float64)


def _wilson(
    rate: NDArray[np.float64], total: ArrayLike, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    count = np.asarray(total, dtype=np.float64)
    scale = 1 + z * z / count
    centre = (rate + z * z / (2 * count)) / scale
    half = z / scale * np.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return centre - half, centre + half
