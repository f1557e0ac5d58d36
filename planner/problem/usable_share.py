r"""
How much of a sub-cluster's GPU time may be planned with: :math:`\rho(n, c_v)`.

Requests arrive at random, so GPUs planned full would be late. The spare part shrinks as
GPUs are pooled, with the square root of their number (square-root staffing: Halfin and
Whitt 1981, "Heavy-traffic limits for queues with many exponential servers"), and grows with
the square root of the variation between arrivals. The factor is from simulations at a bad
rate of 1 % (docs/decisions/0003-usable-share.md); what it misses the certificate finds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPARE_AT_ONE_GPU = 0.5  # share of one GPU kept free under Poisson arrivals
USABLE_SHARE_MIN = 0.2
ARRIVAL_CV_MIN = 1.0  # arrivals steadier than Poisson are planned as Poisson


def usable_share(gpus: ArrayLike, arrival_cv: ArrayLike) -> NDArray[np.float64]:
    r"""
    Share of ``gpus`` GPUs that may be planned busy, in (0, 1); never falls as GPUs are added.

    .. math:: \rho(n, c_v) = \max(0.2,\; 1 - 0.5 \sqrt{\max(1, c_v) / n})

    Parameters
    ----------
    gpus
        GPUs of the sub-cluster, at least 1; broadcasts against ``arrival_cv``.
    arrival_cv
        Coefficient of variation of inter-arrival times; 1 is Poisson.
    """
    variation = np.maximum(ARRIVAL_CV_MIN, np.asarray(arrival_cv, dtype=np.float64))
    share = 1 - SPARE_AT_ONE_GPU * np.sqrt(variation / np.asarray(gpus, dtype=np.float64))
    return np.asarray(np.maximum(USABLE_SHARE_MIN, share), dtype=np.float64)
