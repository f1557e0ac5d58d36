"""statsforecast's models in the same back-test, at one origin a day: they are slow."""

from __future__ import annotations

import numpy as np

from bench.forecasting.backtest import DAY, HORIZON, Result, _result, _windows, each_candidate
from bench.forecasting.series import Series
from planner.demand.measured.forecast import FIRST_ORIGIN_DAYS, rolling_forecasts
from planner.demand.measured.statistical import METHODS as METHODS
from planner.demand.measured.statistical import statistical_forecast

SERIES_MAX, ORIGINS_MAX = 8, 6


def judged_statistical(series: Series, method: str) -> Result:
    """Of every so-manieth series and the last origins; ``combined`` is there for the same ones to compare."""
    stride = -(-len(series.names) // SERIES_MAX)
    rates = series.rates[::stride]
    origins = np.arange(FIRST_ORIGIN_DAYS * DAY, rates.shape[1] - HORIZON + 1, DAY)
    truth = _windows(rates, origins)
    chosen = np.flatnonzero(np.isfinite(truth).any(axis=(0, 2)))[-ORIGINS_MAX:]
    floor_all = each_candidate(rates, origins)[0]
    if method == "combined":
        told = rolling_forecasts(rates, origins, HORIZON, day=DAY).middle[:, chosen]
    else:
        told = np.stack(
            [statistical_forecast(rates[:, : origins[i]], HORIZON, day=DAY, method=method) for i in chosen],
            axis=1,
        )
    floor = np.nanmean(np.abs(floor_all[:, chosen] - truth[:, chosen]), axis=(1, 2))
    some = Series(series.name, series.names[::stride], rates)
    return _result(some, f"{method} (daily origins)", told, truth[:, chosen], floor)
