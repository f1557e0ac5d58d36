"""Forecasts by statsforecast's models, where the extra ``forecasting`` is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from planner.demand.measured.candidates import Floats, latest_at, newest_values

METHODS = ("theta", "mstl", "holt-winters")


def is_installed() -> bool:
    return find_spec("statsforecast") is not None


def statistical_forecast(rates: Floats, horizon: int, *, day: int, method: str) -> Floats:
    """
    (s, horizon) forecasts at the end of ``rates`` (s, t), at least 0; NaN for a series without a value.

    Gaps are filled with the value a day before, which these models need. ``theta`` is the dynamic optimised
    theta model, ``mstl`` a decomposition by day and week with exponential smoothing of the rest,
    ``holt-winters`` exponential smoothing with level, trend and day. Raises ``ModuleNotFoundError`` without
    the extra, ``ValueError`` for another method.
    """
    if method not in METHODS:
        raise ValueError(f"method: must be one of {', '.join(METHODS)}, got {method!r}.")
    out = np.full((len(rates), horizon), np.nan)
    for index, row in enumerate(rates):
        y = filled(row, day)
        if y is None:
            continue
        if np.ptp(y) == 0 or len(y) < 2 * day:
            out[index] = y[-1]
            continue
        model = _model(method, day, len(y))
        out[index] = np.maximum(0.0, model.forecast(y=y, h=horizon)["mean"])
    return out


def filled(row: Floats, day: int) -> Floats | None:
    """From the first value on, gaps taking the newest value of their time of day; None without a value."""
    known = np.flatnonzero(np.isfinite(row))
    if not len(known):
        return None
    y = np.array(row[known[0] :], dtype=np.float64)
    for i in np.flatnonzero(np.isnan(y)).tolist():
        value = latest_at(y, i, i, day, i // day + 1)
        y[i] = newest_values(y, i, day).mean() if np.isnan(value) else value
    return y


def _model(method: str, day: int, length: int) -> Any:
    from statsforecast import models

    if method == "theta":
        return models.DynamicOptimizedTheta(season_length=day)
    if method == "mstl":
        seasons = [day, 7 * day] if length >= 2 * 7 * day + day else [day]
        return models.MSTL(season_length=seasons)
    return models.HoltWinters(season_length=day)
