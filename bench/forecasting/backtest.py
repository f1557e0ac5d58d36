"""Rolling-origin back-test: every forecast made of what was known at its origin alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.forecasting.series import Floats, Series
from planner.demand.measured.candidates import CANDIDATES, candidates
from planner.demand.measured.forecast import FIRST_ORIGIN_DAYS, ORIGINS_A_DAY, rolling_forecasts

DAY, HORIZON = 24, 24
STRIDE = DAY // ORIGINS_A_DAY
LEARNT_DAYS = 2  # origins of which errors have to be known before intervals are judged


@dataclass(frozen=True, slots=True)
class Result:
    """
    One method on one set.

    ``ratio`` is the geometric mean over series of MAE over that of the seasonal naive forecast at the same
    origins, ``better_share`` the share of series below 1, ``mase`` the mean of MAE over the mean absolute
    difference of values a day apart.
    """

    set: str
    method: str
    series: int
    forecasts: int
    ratio: float
    better_share: float
    mase: float
    coverage: float | None = None
    above: float | None = None
    planned_above: float | None = None
    width: float | None = None


def judged(series: Series) -> list[Result]:
    """Our forecast with its intervals, then each of the simple ones it is made of."""
    rates = series.rates
    origins = np.arange(FIRST_ORIGIN_DAYS * DAY, rates.shape[1] - HORIZON + 1, STRIDE)
    truth = _windows(rates, origins)
    naive = each_candidate(rates, origins)
    found = rolling_forecasts(rates, origins, HORIZON, day=DAY)
    floor = _mae(naive[0], truth)
    results = [_result(series, "combined", found.middle, truth, floor)]
    late = np.arange(len(origins)) >= LEARNT_DAYS * ORIGINS_A_DAY
    known = np.isfinite(truth) & np.isfinite(found.middle) & late[None, :, None]
    slack = 1e-9 * np.nan_to_num(truth)
    above = (truth > found.high + slack)[known].mean()
    below = (truth < found.low - slack)[known].mean()
    width = np.where(known, found.high - found.low, np.nan)
    level = np.nanmean(rates, axis=1)
    results[0] = Result(
        **{
            **{name: getattr(results[0], name) for name in Result.__slots__},
            "coverage": float(1 - above - below),
            "above": float(above),
            "planned_above": float((truth > found.planned + slack)[known].mean()),
            "width": float(np.nanmedian(np.nanmean(width, axis=(1, 2)) / level)),
        }
    )
    for name, told in zip(CANDIDATES, naive, strict=True):
        results.append(_result(series, name, told, truth, floor))
    return results


def each_candidate(rates: Floats, origins: np.ndarray) -> Floats:
    """(candidates, series, origins, steps)."""
    out = np.empty((len(CANDIDATES), len(rates), len(origins), HORIZON))
    at_origin = np.empty((len(CANDIDATES), HORIZON))
    for s, row in enumerate(rates):
        for i, origin in enumerate(origins):
            candidates(row, int(origin), DAY, 7 * DAY, at_origin)
            out[:, s, i] = at_origin
    return out


def _windows(rates: Floats, origins: np.ndarray) -> Floats:
    return np.stack([rates[:, origin : origin + HORIZON] for origin in origins], axis=1)


def _mae(told: Floats, truth: Floats) -> Floats:
    out: Floats = np.nanmean(np.abs(told - truth), axis=(1, 2))
    return out


def _result(series: Series, method: str, told: Floats, truth: Floats, floor: Floats) -> Result:
    error = _mae(told, truth)
    ratio = np.maximum(error, 1e-12) / np.maximum(floor, 1e-12)
    step = np.nanmean(np.abs(series.rates[:, DAY:] - series.rates[:, :-DAY]), axis=1)
    return Result(
        set=series.name,
        method=method,
        series=len(series.names),
        forecasts=int(np.isfinite(told[:, :, 0]).sum()),
        ratio=float(np.exp(np.nanmean(np.log(ratio)))),
        better_share=float((ratio < 1).mean()),
        mase=float(np.nanmean(error / np.maximum(step, 1e-12))),
    )
