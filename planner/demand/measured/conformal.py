r"""
Intervals from past errors: split conformal, by how far ahead, adapted to how they did.

An error is normalised by where it arose, :math:`r = (y - \hat y) / s` with
:math:`s = \frac12 \hat y + \frac12 L + 0.02 L` and L the level of the newest week. The ends of an interval
are the conformal quantiles of the errors known at its origin (Vovk, Gammerman, Shafer 2005; Lei et al. 2018):
the :math:`\lceil (n + 1)(1 - \alpha) \rceil`-th smallest of n, each side for itself, in four groups of steps
(the first two, to the quarter, to the half, to the whole horizon). A few days of one series say little
about its tails, so that they are mixed with the quantile :math:`q_0` of all series,
:math:`q = (d q_s + 7 q_0) / (d + 7)` for errors of d days.

Load changes its habits, and then these quantiles are late. So each side of each series has a factor that
grows where it was missed more often than :math:`\alpha` and shrinks where less (adaptive conformal
inference, Gibbs and Candes 2021, on a logarithmic scale):
:math:`\ln f \mathrel{+}= 0.4\,(\text{missed} - \alpha)`
at each origin whose horizon is known, within exp(-1.5)..exp(1.5).
"""

from __future__ import annotations

import numba
import numpy as np

from planner.demand.measured.candidates import Floats

MISSED_SHARE = 0.05  # on each side of a 90 % interval
LEVEL_SHARE = 0.5
LEVEL_LEAST = 0.02
POOLED_DAYS = 7.0
POOLED_SERIES_MAX = 200
POOLED_ORIGINS_MAX = 40
ORIGINS_MAX = 112  # errors older than that many origins are forgotten: four weeks of one every six hours
ORIGINS_MIN = 4
ADAPTATION = 0.4
FACTOR_LOG_MAX = 1.5
GROUP_ENDS = (0.0, 1 / 12, 1 / 4, 1 / 2, 1.0)  # of the horizon


def group_bounds(horizon: int) -> np.ndarray:
    """Steps at which the groups begin and end, as (groups + 1,) ascending."""
    return np.unique(np.round(np.array(GROUP_ENDS) * horizon).astype(np.int64))


def scales(middle: Floats, level: Floats) -> Floats:
    """s of the module's docstring, (s, o, h)."""
    out: Floats = (1 - LEVEL_SHARE) * middle + (LEVEL_SHARE + LEVEL_LEAST) * level[:, :, None] + 1e-12
    return out


def pooled_quantiles(
    errors: Floats, known: np.ndarray, bounds: np.ndarray, alphas: Floats, sides: Floats
) -> Floats:
    """
    (o, groups, a) quantiles over all series of the normalised errors known at each origin; NaN without any.

    ``errors`` (s, o, h); ``known`` (o,) how many origins' horizons are known; ``alphas`` and ``sides`` (a,):
    the share above the quantile of ``sides * errors``. Of many series every so-manieth is taken.
    """
    stride = max(1, -(-errors.shape[0] // POOLED_SERIES_MAX))
    out = np.full((len(known), len(bounds) - 1, len(alphas)), np.nan)
    for i, count in enumerate(known):
        if i and known[i - 1] == count:
            out[i] = out[i - 1]
            continue
        for g in range(len(bounds) - 1):
            begin = max(0, count - POOLED_ORIGINS_MAX)
            found = errors[::stride, begin:count, bounds[g] : bounds[g + 1]]
            found = np.sort(found[np.isfinite(found)])
            for a in range(len(alphas)):
                out[i, g, a] = conformal_quantile(found if sides[a] > 0 else -found[::-1], alphas[a])
    return out


@numba.njit(cache=True)
def conformal_quantile(ascending: Floats, alpha: float) -> float:
    """The ceil((n + 1)(1 - alpha))-th smallest of n, the largest where there is no such; NaN without any."""
    n = len(ascending)
    if n == 0:
        return np.nan
    rank = int(np.ceil((n + 1) * (1 - alpha)))
    return float(ascending[min(max(rank, 1), n) - 1])


@numba.njit(parallel=True, cache=True)
def ends(
    rates: Floats,
    origins: np.ndarray,
    known: np.ndarray,
    forecasts: tuple[Floats, Floats],
    pooled: Floats,
    bounds: np.ndarray,
    alphas: Floats,
    sides: Floats,
    origins_a_day: float,
) -> Floats:
    """
    (s, o, h, a): each end of the intervals, for ``sides`` 1 above and -1 below; NaN where no error is known.

    ``forecasts`` are the forecasts and their scales, (s, o, h) each. The first two ends are those of the
    interval whose misses steer the factors: below, then above; others take the factor of their side.
    """
    middle, scale = forecasts
    count, o, horizon = middle.shape
    out = np.full((count, o, horizon, len(alphas)), np.nan)
    for s in numba.prange(count):
        factor_log = np.zeros(2)
        seen = 0
        for i in range(o):
            while seen < known[i]:
                _adapt(rates[s], origins[seen], out[s, seen], factor_log)
                seen += 1
            if known[i] < ORIGINS_MIN or np.isnan(middle[s, i, 0]):
                continue
            begin = max(0, known[i] - ORIGINS_MAX)
            for g in range(len(bounds) - 1):
                own = _errors(rates[s], origins, middle[s], scale[s], begin, known[i], bounds[g : g + 2])
                days = len(own) / (bounds[g + 1] - bounds[g]) / origins_a_day
                for a in range(len(alphas)):
                    own_side = own if sides[a] > 0 else -own[::-1]
                    q = pooled[i, g, a]
                    if days > 0:
                        q = (days * conformal_quantile(own_side, alphas[a]) + POOLED_DAYS * q) / (
                            days + POOLED_DAYS
                        )
                    width = max(q, 0.0) * np.exp(factor_log[1 if sides[a] > 0 else 0])
                    for h in range(bounds[g], bounds[g + 1]):
                        out[s, i, h, a] = max(0.0, middle[s, i, h] + sides[a] * width * scale[s, i, h])
    return out


@numba.njit(cache=True)
def _errors(
    y: Floats, origins: np.ndarray, middle: Floats, scale: Floats, begin: int, end: int, steps: np.ndarray
) -> Floats:
    """The normalised errors of origins [begin, end) at the given steps, ascending."""
    found = np.empty((end - begin) * (steps[1] - steps[0]))
    n = 0
    for i in range(begin, end):
        for h in range(steps[0], steps[1]):
            error = (y[origins[i] + h] - middle[i, h]) / scale[i, h]
            if not np.isnan(error):
                found[n] = error
                n += 1
    return np.sort(found[:n])


@numba.njit(cache=True)
def _adapt(y: Floats, origin: int, ends_there: Floats, factor_log: Floats) -> None:
    """Move the factors by how the interval of one origin did, now that its horizon is known."""
    below, above, seen = 0, 0, 0
    for h in range(ends_there.shape[0]):
        value = y[origin + h]
        if np.isnan(value) or np.isnan(ends_there[h, 0]):
            continue
        seen += 1
        below += value < ends_there[h, 0]
        above += value > ends_there[h, 1]
    if not seen:
        return
    factor_log[0] += ADAPTATION * (below / seen - MISSED_SHARE)
    factor_log[1] += ADAPTATION * (above / seen - MISSED_SHARE)
    for side in range(2):
        factor_log[side] = min(FACTOR_LOG_MAX, max(-FACTOR_LOG_MAX, factor_log[side]))
