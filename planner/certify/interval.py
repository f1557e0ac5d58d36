r"""
Whether simulations show that a bad rate lies within its limit.

Requests of one simulation share its bursts, so they are no independent trials. Replications
are: the interval is Student's t over their bad rates (Law 2015, "Simulation Modeling and
Analysis", section 9.4). When hardly any request is bad the replications agree by luck, and
t is too sure of itself; then the interval of the pooled counts is wider (Wilson 1927, "Probable
inference, the law of succession, and statistical inference"), and the wider of both is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A bad rate with its two-sided confidence interval; all shares in [0, 1]."""

    rate: float
    low: float
    high: float


def bad_rate_interval(bad: Sequence[int], arrived: Sequence[int]) -> RateInterval:
    """
    The bad rate over replications, pooled, and its interval at ``CONFIDENCE``.

    Parameters
    ----------
    bad, arrived
        Requests that ended badly, and all of them, one pair for each replication.
    """
    total = sum(arrived)
    if total == 0:
        return RateInterval(0.0, 0.0, 0.0)
    rate = sum(bad) / total
    low, high = _wilson(sum(bad), total)
    if len(arrived) > 1:
        half = _t_half_width(np.array(bad, dtype=float), np.array(arrived, dtype=float), rate)
        low, high = min(low, rate - half), max(high, rate + half)
    return RateInterval(rate, max(0.0, low), min(1.0, high))


def _t_half_width(
    bad: np.ndarray[tuple[int], np.dtype[np.float64]],
    arrived: np.ndarray[tuple[int], np.dtype[np.float64]],
    rate: float,
) -> float:
    """Half width for a ratio of means over k replications: t(k-1) s / (mean arrivals sqrt(k))."""
    k = len(bad)
    deviation = math.sqrt(float(np.sum((bad - rate * arrived) ** 2)) / (k - 1))
    t = float(stdtrit(k - 1, (1 + CONFIDENCE) / 2))
    return t * deviation / (float(arrived.mean()) * math.sqrt(k))


def _wilson(bad: int, total: int) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    rate = bad / total
    scale = 1 + z * z / total
    centre = (rate + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / total + z * z / (4 * total * total))
    return centre - half, centre + half
