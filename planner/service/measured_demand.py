"""What load foretells of itself, for the epochs of a plan; and the series of past load that this rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from planner.demand.forecast import ForecastEpoch
from planner.demand.foretold import HOUR, Floats, whole_hour
from planner.demand.measured.forecast import measured_forecast
from planner.demand.planned import IntervalFrom, PlannedModel, with_waves
from planner.demand.waves import waves
from planner.store.store import UnitOfWork

HISTORY_DAYS = 42  # of load that a measured forecast is made of
COVERAGE_MIN = 0.1  # of an hour: a rate of less says little
MEASURED_HOURS_MAX = 14 * 24  # steps ahead; epochs beyond take the same hour of an earlier week
WAVE_LOOKS = ((60, timedelta(days=1)), (600, timedelta(days=7)))  # seconds, and how far back; finest first


def history_end(work: UnitOfWork, until: datetime | None = None) -> datetime | None:
    """
    The whole hour that known load ends with, none of it of ``until`` or later; None without any load.

    Without ``until`` the newest hour counts as far as it was reported.
    """
    if until is not None:
        return whole_hour(until)
    newest = work.observed.newest()
    return None if newest is None else whole_hour(newest) + HOUR


def observed_rates(work: UnitOfWork, models: Sequence[str], end: datetime, hours: int) -> Floats:
    """(models, hours) requests per second up to ``end``, NaN where too little was reported."""
    series = work.observed.series(models, end - HOUR * hours, end, 3_600)
    rates = np.where(series.coverage >= COVERAGE_MIN, series.rate_rps, np.nan)
    out: Floats = rates[:, -hours:]
    return out


def observed_waves(work: UnitOfWork, models: Sequence[str], end: datetime, arrival_cv: Floats) -> Floats:
    """
    (models,) ``planner.demand.waves`` of the load up to ``end``, 0 where it is not known finely enough.

    By the minute; where minutes are gone, or too few, by ten minutes.
    """
    found = np.full(len(models), np.nan)
    for resolution_s, back in WAVE_LOOKS:
        rest = np.flatnonzero(np.isnan(found))
        if not len(rest):
            break
        series = work.observed.series([models[i] for i in rest.tolist()], end - back, end, resolution_s)
        found[rest] = waves(series, arrival_cv[rest])
    out: Floats = np.nan_to_num(found)
    return out


def measured_models(
    work: UnitOfWork, models: Sequence[str], end: datetime, epochs: Sequence[ForecastEpoch], quantile: float
) -> dict[str, PlannedModel]:
    """Measured forecasts of ``models`` for ``epochs``; models without any whole value are left out."""
    if not models:
        return {}
    rates = observed_rates(work, models, end, HISTORY_DAYS * 24)
    steps = [_steps(epoch, end) for epoch in epochs]
    horizon = min(MEASURED_HOURS_MAX, max(24, *(max(each) + 1 for each in steps)))
    found = measured_forecast(rates, horizon, day=24, planned_quantile=quantile)
    variation = _variation(work, models, end)
    wave = observed_waves(work, models, end, variation)
    out = {}
    for index, model in enumerate(models):
        if np.isnan(found.middle[index, 0]).any():
            continue
        low, middle, high, planned = (
            tuple(float(values[index, 0, _within(each, horizon)].mean()) for each in steps)
            for values in (found.low, found.middle, found.high, found.planned)
        )
        ahead = [top - rate for top, rate in zip(planned, middle, strict=True)]
        out[model] = PlannedModel(
            model=model,
            forecast_rps=None,
            low_rps=low,
            middle_rps=middle,
            high_rps=high,
            demand_rps=with_waves(middle, ahead, float(wave[index]), quantile),
            arrival_cv=(float(variation[index]),) * len(epochs),
            interval_from=IntervalFrom.MEASURED,
            errors=int(np.isfinite(rates[index]).sum()),
            wave=float(wave[index]),
            epochs_measured=tuple(range(len(epochs))),
        )
    return out


def _steps(epoch: ForecastEpoch, end: datetime) -> list[int]:
    """The hours ahead of ``end`` that the epoch lies in; a past one takes those of a day to come."""
    first = int((whole_hour(epoch.start) - end) // HOUR)
    count = max(1, round(epoch.hours))
    while first < 0:
        first += 24
    return list(range(first, first + count))


def _within(steps: Sequence[int], horizon: int) -> list[int]:
    """Steps beyond the horizon take the same hour of an earlier week, or day where that is too far."""
    season = 168 if horizon > 168 else 24
    return [step if step < horizon else horizon - season + (step - horizon) % season for step in steps]


def _variation(work: UnitOfWork, models: Sequence[str], end: datetime) -> Floats:
    """Each model's burstiness of the last week, weighted by arrivals; 1 where no report knew it."""
    series = work.observed.series(models, end - timedelta(days=7), end, 3_600)
    known = np.isfinite(series.arrival_cv) & np.isfinite(series.arrived)
    weight = np.where(known, series.arrived, 0.0)
    total = weight.sum(axis=1)
    mean = (weight * np.where(known, series.arrival_cv, 0.0)).sum(axis=1) / np.maximum(total, 1e-12)
    out: Floats = np.where(total > 0, mean, 1.0)
    return out
