r"""
Many simple forecasts made one: their median, each weighing by how small its errors were.

.. math:: w_k = (\min_j e_j / e_k)^3, \qquad \hat y_h = \text{weighted median}_k \, \hat y_{k,h}

with e_k the mean absolute error of candidate k at those earlier origins whose whole horizon is known by
now. The median, not the mean: one candidate that has taken a burst for a level carries nobody along, and
it scales with the series. Everything at an origin is made of what was known before it, so that the errors
of these forecasts are those of forecasts, and intervals may be made of them.
"""

from __future__ import annotations

import numba
import numpy as np

from planner.demand.measured.candidates import COUNT, Floats, candidates, newest_values

WEIGHT_POWER = 3.0


@numba.njit(cache=True)
def weighted_median(values: Floats, weights: Floats) -> float:
    """Between the two values around the middle of the weight, by where in between it lies."""
    order = np.argsort(values)
    half = weights.sum() / 2
    before = 0.0
    at_before = -1.0
    value_before = values[order[0]]
    for k in order:
        middle = before + weights[k] / 2
        if middle >= half:
            if at_before < 0 or middle == at_before:
                return float(values[k])
            share = (half - at_before) / (middle - at_before)
            return float(value_before + share * (values[k] - value_before))
        before += weights[k]
        at_before = middle
        value_before = values[k]
    return float(value_before)


@numba.njit(parallel=True, cache=True)
def combined(
    rates: Floats, origins: np.ndarray, horizon: int, day: int, week: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """
    Forecasts of s series at o origins over h steps.

    ``rates`` is (s, t), ``origins`` ascending steps in [0, t]. Returns the forecasts (s, o, h), the least and
    the largest candidate at each origin (s, o, h each), and the level (s, o): the mean of the newest week's
    worth of values.
    """
    count, o = rates.shape[0], len(origins)
    middle = np.full((count, o, horizon), np.nan)
    least, most = np.full_like(middle, np.nan), np.full_like(middle, np.nan)
    level = np.full((count, o), np.nan)
    for s in numba.prange(count):
        y = rates[s]
        told = np.empty((o, COUNT, horizon))
        error = np.zeros(COUNT)
        errors = 0
        known = 0
        weights = np.ones(COUNT)
        for i in range(o):
            t = origins[i]
            candidates(y, t, day, week, told[i])
            if np.isnan(told[i, 0, 0]):
                continue
            level[s, i] = newest_values(y, t, week).mean()
            while known < i and origins[known] + horizon <= t:
                errors += _add_errors(y, origins[known], told[known], error)
                known += 1
            if errors:
                floor = 1e-9 * errors * (level[s, i] + 1e-12)
                smallest = error.min() + floor
                for k in range(COUNT):
                    weights[k] = (smallest / (error[k] + floor)) ** WEIGHT_POWER
            for h in range(horizon):
                middle[s, i, h] = weighted_median(told[i, :, h], weights)
                least[s, i, h] = told[i, :, h].min()
                most[s, i, h] = told[i, :, h].max()
    return middle, least, most, level


@numba.njit(cache=True)
def _add_errors(y: Floats, origin: int, told: Floats, error: Floats) -> int:
    """Add each candidate's absolute errors at one origin; returns how many steps were observed."""
    if np.isnan(told[0, 0]):
        return 0
    seen = 0
    for h in range(told.shape[1]):
        value = y[origin + h]
        if np.isnan(value):
            continue
        seen += 1
        for k in range(told.shape[0]):
            error[k] += abs(value - told[k, h])
    return seen
