"""
Eleven simple forecasts of one series, as compiled functions of its values; NaN is a gap and is skipped.

Legend: y the values, t the origin (y[:t] is known), h the step ahead, m steps in a day and w in a week. Steps
that were not observed have no part in any mean or median; where the whole past of a phase is a gap, a
plainer forecast stands in, at last the median of the newest day's worth of values.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CANDIDATES = (
    "day before",  # the seasonal-naive floor
    "median of 3 days",
    "median of 7 days",
    "mean of days, decaying",
    "week before",
    "median of 4 weeks",
    "median of the day",
    "mean of days, with the last error dying away",
    "last value",
    "median of 4 weeks, at the day's level",
    "median of 7 days, at the day's level",
)
COUNT = len(CANDIDATES)
DAYS_MAX = 14
DAY_DECAY = 0.8  # weight of a day against the one after it
WEEKS_MAX = 4
ERROR_DECAY = 0.85  # how much of the last error is left a step later
ERROR_STEPS = 6


@numba.njit(cache=True)
def latest_at(y: Floats, t: int, i: int, season: int, back: int) -> float:
    """The newest known value at the phase of step i, at most ``back`` seasons back; NaN without one."""
    j = i - season
    while j >= t:
        j -= season
    for _ in range(back):
        if j < 0:
            break
        if not np.isnan(y[j]):
            return float(y[j])
        j -= season
    return np.nan


@numba.njit(cache=True)
def median_at(y: Floats, t: int, i: int, season: int, back: int) -> float:
    """Median of the known values at the phase of step i over the last ``back`` seasons; NaN without one."""
    j = i - season
    while j >= t:
        j -= season
    found = np.empty(back)
    n = 0
    for _ in range(back):
        if j < 0:
            break
        if not np.isnan(y[j]):
            found[n] = y[j]
            n += 1
        j -= season
    return float(np.median(found[:n])) if n else np.nan


@numba.njit(cache=True)
def decaying_at(y: Floats, t: int, i: int, season: int) -> float:
    """Mean of the known values at the phase of step i, a day weighing ``DAY_DECAY`` of the next."""
    j = i - season
    while j >= t:
        j -= season
    total = 0.0
    weights = 0.0
    weight = 1.0
    for _ in range(DAYS_MAX):
        if j < 0:
            break
        if not np.isnan(y[j]):
            total += weight * y[j]
            weights += weight
        weight *= DAY_DECAY
        j -= season
    return total / weights if weights > 0 else np.nan


@numba.njit(cache=True)
def newest_values(y: Floats, t: int, count: int) -> Floats:
    """Up to ``count`` known values before t, the newest first."""
    found = np.empty(count)
    n = 0
    j = t - 1
    while j >= 0 and n < count:
        if not np.isnan(y[j]):
            found[n] = y[j]
            n += 1
        j -= 1
    return found[:n]


@numba.njit(cache=True)
def _or(value: float, stand_in: float) -> float:
    return stand_in if np.isnan(value) else value


@numba.njit(cache=True)
def _last_day(y: Floats, t: int, m: int, w: int, level: float) -> tuple[float, float, float]:
    """
    How the last m steps lay to what their own past foretold: level against the median of 4 weeks, level
    against the median of 7 days, and the error of the decaying mean over the newest steps.
    """
    seen_weeks, told_weeks, seen_days, told_days, error, weights = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(1, m + 1):
        j = t - q
        if j < 0:
            break
        if np.isnan(y[j]):
            continue
        weekly = median_at(y, j, j, w, WEEKS_MAX)
        if not np.isnan(weekly):
            seen_weeks += y[j]
            told_weeks += weekly
        daily = median_at(y, j, j, m, 7)
        if not np.isnan(daily):
            seen_days += y[j]
            told_days += daily
            if q <= ERROR_STEPS:
                weight = 0.6 ** (q - 1)
                error += weight * (y[j] - decaying_at(y, j, j, m))
                weights += weight
    slack = 2 * level + 1e-12  # a day of hardly any load says little about a level
    weeks_ratio = (seen_weeks + slack) / (told_weeks + slack)
    days_ratio = (seen_days + slack) / (told_days + slack)
    return weeks_ratio, days_ratio, error / weights if weights > 0 else 0.0


@numba.njit(cache=True)
def candidates(y: Floats, t: int, m: int, w: int, out: Floats) -> None:
    """Fill ``out`` (COUNT, horizon) with what each foretells at origin t; all NaN where nothing is known."""
    newest = newest_values(y, t, m)
    if len(newest) == 0:
        out[:] = np.nan
        return
    middle = float(np.median(newest))
    weeks_ratio, days_ratio, error = _last_day(y, t, m, w, float(newest.mean()))
    left = 1.0
    for h in range(out.shape[1]):
        i = t + h
        left *= ERROR_DECAY
        day = _or(latest_at(y, t, i, m, DAYS_MAX), middle)
        days_7 = _or(median_at(y, t, i, m, 7), day)
        mean = _or(decaying_at(y, t, i, m), middle)
        weeks_4 = median_at(y, t, i, w, WEEKS_MAX)
        out[0, h] = day
        out[1, h] = _or(median_at(y, t, i, m, 3), day)
        out[2, h] = days_7
        out[3, h] = mean
        out[4, h] = _or(latest_at(y, t, i, w, 3), day)
        out[5, h] = _or(weeks_4, days_7)
        out[6, h] = middle
        out[7, h] = max(0.0, mean + left * error)
        out[8, h] = newest[0]
        out[9, h] = days_7 * days_ratio if np.isnan(weeks_4) else weeks_4 * weeks_ratio
        out[10, h] = days_7 * days_ratio
