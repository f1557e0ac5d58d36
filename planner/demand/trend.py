r"""
How a forecast's error has been moving: growth that it does not know of, told from noise and damped.

With A_d arrivals observed on day d of those hours for which N_d were foretold, the slope g of
:math:`\ln(A_d / N_d)` over days is found by least squares, weighted by
:math:`N_d`, with its standard error s. It is believed as far as it exceeds the noise,

.. math:: g' = g \max(0, 1 - (2 s / g)^2)

(positive-part shrinkage, James and Stein 1961), and dies away as it is carried on (damped trend, Gardner
and McKenzie 1985): :math:`\Delta` days after the middle of what was observed the factor is
:math:`\exp(g' \sum_{i=1}^{\Delta} 0.8^i)`, within 2/3..3/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAYS_MIN = 4
DAMPING = 0.8
FACTOR_MAX = 1.5
DOUBT = 2.0  # standard errors that count as noise

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trend:
    """``growth_per_day`` is g' of the module's docstring; ``middle_day`` where the days' weight balances."""

    growth_per_day: float
    middle_day: float

    def factor(self, day: float) -> float:
        """What a corrected rate is multiplied with on ``day`` (counted as ``middle_day`` is); 1 before it."""
        ahead = max(0.0, day - self.middle_day)
        carried = DAMPING * (1 - DAMPING**ahead) / (1 - DAMPING)
        return min(FACTOR_MAX, max(1 / FACTOR_MAX, math.exp(self.growth_per_day * carried)))


NO_TREND = Trend(0.0, 0.0)


def trend(observed: Floats, foretold: Floats) -> Trend:
    """
    Of one model's hourly rates (t,), NaN at gaps of either; t is a multiple of 24 and days end with it.

    ``NO_TREND`` below ``DAYS_MIN`` days with anything to compare.
    """
    both = np.isfinite(observed) & np.isfinite(foretold)
    seen = np.where(both, observed, 0.0).reshape(-1, 24).sum(axis=1)
    told = np.where(both, foretold, 0.0).reshape(-1, 24).sum(axis=1)
    days = np.flatnonzero((seen > 0) & (told > 0))
    if len(days) < DAYS_MIN:
        return NO_TREND
    weight, ratio = told[days] / told[days].sum(), np.log(seen[days] / told[days])
    middle = float(weight @ days)
    spread = float(weight @ (days - middle) ** 2)
    level = float(weight @ ratio)
    growth = float(weight @ ((days - middle) * (ratio - level))) / spread
    rest = ratio - level - growth * (days - middle)
    variance = float(weight @ rest**2) / (len(days) - 2) / spread
    if growth == 0 or DOUBT**2 * variance >= growth**2:
        return Trend(0.0, middle)
    return Trend(growth * (1 - DOUBT**2 * variance / growth**2), middle)
