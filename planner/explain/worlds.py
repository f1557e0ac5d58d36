r"""
Demand as it might come: worlds drawn from what a forecast says and how far it may be off.

In world w the demand of model m in epoch e is lognormal around its median :math:`d_{me}`:

.. math:: d_{wme} = d_{me} \exp\bigl(\sigma_{me} (\sqrt{c}\, C_w + \sqrt{1 - c}\, O_{wme})\bigr)

with standard normal :math:`C_w` (a day that is busy for all) and :math:`O_{wme}` (each model and hour by
itself); c is the share of the variance that all have in common. Each world has a generator of its own, seeded
by (seed, w): the first hundred of a thousand worlds are those of a draw of a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.problem.problem import PlanningProblem

Floats = NDArray[np.float64]

COMMON_SHARE = 0.5
Z_OF_90 = 1.2815515655446004  # standard normal quantile of 0.9: an interval leaves out a tenth on each side


@dataclass(frozen=True, slots=True, eq=False)
class DemandWorlds:
    """``median_rps`` and ``sigma`` (of the logarithm) have shape (models, epochs), models ordered by id."""

    median_rps: Floats
    sigma: Floats
    seed: int
    common_share: float = COMMON_SHARE

    def rates(self, first: int, count: int) -> Floats:
        """Requests per second, shape (count, models, epochs), of the worlds from ``first`` on."""
        drawn = np.empty((count, *self.median_rps.shape))
        common, own = np.sqrt(self.common_share), np.sqrt(1 - self.common_share)
        for position in range(count):
            rng = np.random.default_rng((self.seed, first + position))
            shared = rng.standard_normal()
            drawn[position] = common * shared + own * rng.standard_normal(self.median_rps.shape)
        drawn *= self.sigma
        return np.asarray(np.exp(drawn, out=drawn) * self.median_rps)


def worlds_by_cv(
    problem: PlanningProblem, demand_cv: ArrayLike, *, seed: int, common_share: float = COMMON_SHARE
) -> DemandWorlds:
    """
    Worlds whose mean is the problem's demand, with that coefficient of variation.

    Raises ValueError for a variation that is negative or not finite, or a share outside 0 to 1.
    """
    mean = _demand(problem)
    variation = np.broadcast_to(np.asarray(demand_cv, dtype=np.float64), mean.shape)
    if not (np.isfinite(variation).all() and (variation >= 0).all()):
        raise ValueError(f"demand_cv must be finite and at least 0, got {demand_cv!r}.")
    sigma = np.sqrt(np.log1p(variation**2))
    return _worlds(mean * np.exp(-(sigma**2) / 2), sigma, seed, common_share)


def worlds_by_interval(
    low_rps: ArrayLike,
    mid_rps: ArrayLike,
    high_rps: ArrayLike,
    *,
    seed: int,
    common_share: float = COMMON_SHARE,
) -> DemandWorlds:
    """
    Worlds of a forecast with an interval: ``mid_rps`` is the median, low to high holds 80 per cent.

    All three have shape (models, epochs), models in the order of their ids. Raises ValueError unless
    0 <= low <= mid <= high, and low is above 0 where mid is.
    """
    low, mid, high = (np.asarray(values, dtype=np.float64) for values in (low_rps, mid_rps, high_rps))
    if not ((low >= 0) & (low <= mid) & (mid <= high) & np.isfinite(high)).all():
        raise ValueError("an interval must be finite with 0 <= low <= mid <= high in every model and epoch.")
    if ((low == 0) & (high > 0)).any():
        raise ValueError("an interval that begins at 0 and does not end there has no lognormal: raise low.")
    ratio = np.divide(high, low, out=np.ones_like(high), where=low > 0)
    return _worlds(mid, np.log(ratio) / (2 * Z_OF_90), seed, common_share)


def _worlds(median: Floats, sigma: Floats, seed: int, common_share: float) -> DemandWorlds:
    if not 0 <= common_share <= 1:
        raise ValueError(f"common_share must lie within 0 to 1, got {common_share}.")
    return DemandWorlds(median, sigma, seed, common_share)


def _demand(problem: PlanningProblem) -> Floats:
    rates = [problem.models[name].demand_rps for name in sorted(problem.models)]
    return np.array(rates, dtype=np.float64).reshape(len(rates), len(problem.epochs))
