"""The measured forecast: what the load of many models foretells of itself, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.demand.measured.candidates import Floats
from planner.demand.measured.combined import combined
from planner.demand.measured.conformal import (
    MISSED_SHARE,
    ends,
    group_bounds,
    pooled_quantiles,
    scales,
)

HOURS_A_DAY, DAYS_A_WEEK = 24, 7
ORIGINS_A_DAY = 4
FIRST_ORIGIN_DAYS = 4  # before that, what a day is like is hardly known
HISTORY_DAYS_MAX = 42


@dataclass(frozen=True, slots=True)
class MeasuredForecasts:
    """
    Forecasts of s series at o origins over h steps; NaN where a series has no value yet.

    Parameters
    ----------
    origins
        (o,) steps; the forecast of origin i is of steps origins[i] .. origins[i] + h - 1.
    low, middle, high
        (s, o, h): nine times of ten the value lies between low and high, one time of twenty above.
    planned
        (s, o, h): the value stays below it with the probability asked for.
    """

    origins: np.ndarray
    low: Floats
    middle: Floats
    high: Floats
    planned: Floats


def rolling_forecasts(
    rates: Floats, origins: np.ndarray, horizon: int, *, day: int, planned_quantile: float = 0.8
) -> MeasuredForecasts:
    """
    What was foretold at each of ``origins``, each of what was known before it alone.

    ``rates`` is (s, t) with NaN at gaps, ``day`` the steps in a day, ``origins`` ascending in [0, t].
    Where too few past errors are known for an interval, the least and the largest of the simple forecasts
    stand in.
    """
    if not 0.5 <= planned_quantile <= 0.995:
        raise ValueError(f"planned_quantile: must be in [0.5, 0.995], got {planned_quantile}.")
    rates = np.ascontiguousarray(rates, dtype=np.float64)
    origins = np.asarray(origins, dtype=np.int64)
    middle, least, most, level = combined(rates, origins, horizon, day, day * DAYS_A_WEEK)
    scale = scales(middle, level)
    known = np.searchsorted(origins, origins - horizon, side="right")
    alphas = np.array([MISSED_SHARE, MISSED_SHARE, 1 - planned_quantile])
    sides = np.array([-1.0, 1.0, 1.0])
    bounds = group_bounds(horizon)
    errors = _normalised_errors(rates, origins, middle, scale)
    pooled = pooled_quantiles(errors, known, bounds, alphas, sides)
    a_day = day / np.diff(origins).mean() if len(origins) > 1 else 1.0
    found = ends(rates, origins, known, (middle, scale), pooled, bounds, alphas, sides, a_day)
    low = np.where(np.isnan(found[..., 0]), least, found[..., 0])
    high = np.where(np.isnan(found[..., 1]), most, found[..., 1])
    planned = np.where(np.isnan(found[..., 2]), middle, found[..., 2])
    return MeasuredForecasts(
        origins=origins,
        low=np.fmin(low, middle),
        middle=middle,
        high=np.fmax(high, middle),
        planned=np.clip(planned, middle, np.fmax(high, middle)),
    )


def measured_forecast(
    rates: Floats, horizon: int, *, day: int, planned_quantile: float = 0.8
) -> MeasuredForecasts:
    """
    The forecast at the end of ``rates`` (s, t): arrays of ``MeasuredForecasts`` with the one origin t.

    Past origins, four a day over at most six weeks, are gone through for weights and errors.
    """
    steps = rates.shape[1]
    stride = max(1, day // ORIGINS_A_DAY)
    begin = max(min(FIRST_ORIGIN_DAYS * day, steps), steps - HISTORY_DAYS_MAX * day)
    origins = np.arange(steps, begin - 1, -stride)[::-1]
    found = rolling_forecasts(rates, origins, horizon, day=day, planned_quantile=planned_quantile)
    last = slice(-1, None)
    return MeasuredForecasts(
        origins=origins[last],
        low=found.low[:, last],
        middle=found.middle[:, last],
        high=found.high[:, last],
        planned=found.planned[:, last],
    )


def _normalised_errors(rates: Floats, origins: np.ndarray, middle: Floats, scale: Floats) -> Floats:
    """(s, o, h); NaN beyond the end and at gaps."""
    horizon = middle.shape[2]
    padded = np.pad(rates, ((0, 0), (0, horizon)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, horizon, axis=1)
    out: Floats = (windows[:, origins] - middle) / scale
    return out
