r"""
How much of a sub-cluster's GPU time may be planned with: :math:`\rho(n, c_v)`.

Requests arrive at random, so GPUs planned full would be late. The spare part shrinks as
GPUs are pooled, with the square root of their number (square-root staffing: Halfin and
Whitt 1981, "Heavy-traffic limits for queues with many exponential servers").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPARE_AT_ONE_GPU = 0.42  # share of one GPU kept free under Poisson arrivals; by simulation, bad rate 1 %
SPARE_PER_CV = 0.1  # further part of that for each unit of variation above Poisson's 1
USABLE_SHARE_MIN = 0.2


def usable_share(gpus: ArrayLike, arrival_cv: ArrayLike) -> NDArray[np.float64]:
    r"""
    Share of ``gpus`` GPUs that may be planned busy, in (0, 1); never falls as GPUs are added.

    .. math:: \rho(n, c_v) = \max(0.2,\; 1 - 0.42\,(1 + 0.1 (c_v - 1)^+) / \sqrt n)

    Parameters
    ----------
    gpus
        GPUs of the sub-cluster, at least 1; broadcasts against ``arrival_cv``.
    arrival_cv
        Coefficient of variation of inter-arrival times; 1 is Poisson.
    """
    spare = SPARE_AT_ONE_GPU * (
        1 + SPARE_PER_CV * np.maximum(0.0, np.asarray(arrival_cv, dtype=np.float64) - 1)
    )
    share = 1 - spare / np.sqrt(np.asarray(gpus, dtype=np.float64))
    return np.asarray(np.maximum(USABLE_SHARE_MIN, share), dtype=np.float64)
