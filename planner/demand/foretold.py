"""What was foretold of hours past: each hour's rate as the submissions had it when the hour began."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from planner.demand.forecast import Forecast, ForecastSource
from planner.demand.resolved import Submitted

HOUR = timedelta(hours=1)
Floats = npt.NDArray[np.float64]


def foretold(
    submitted: Sequence[Submitted],
    models: Sequence[str],
    start: datetime,
    hours: int,
    sources: frozenset[ForecastSource] = frozenset(ForecastSource),
) -> Floats:
    """
    (models, hours) rates; NaN where nobody had said anything before the hour began.

    Of those who had, the one speaks that ``planner.demand.resolved`` chooses; an hour takes the epoch around
    its middle. Only submissions of ``sources`` count, and never resolved ones.
    """
    place = {model: index for index, model in enumerate(models)}
    out = np.full((len(models), hours), np.nan)
    for each in sorted(submitted, key=lambda each: (each.standing, each.id)):
        forecast = each.forecast
        if forecast.source is ForecastSource.RESOLVED or forecast.source not in sources:
            continue
        first = max(0, -int((start - each.created_at) // HOUR))  # the first hour that begins after it
        epoch_of = _epoch_of_hours(forecast, start, hours)
        epoch_of[:first] = -1
        spoken = np.flatnonzero(epoch_of >= 0)
        if not len(spoken):
            continue
        for row in forecast.models:
            if row.model in place:
                out[place[row.model], spoken] = np.asarray(row.demand_rps)[epoch_of[spoken]]
    return out


def stood_in(forecast: Forecast, models: Sequence[str], start: datetime, hours: int) -> Floats:
    """
    (models, hours) rates of ``forecast`` itself, another day's standing in (``Forecast.epoch_at``).

    NaN where it has a measured forecast: that knows these hours.
    """
    middles = (start + HOUR * index + HOUR / 2 for index in range(hours))
    epochs = [forecast.epoch_at(middle) for middle in middles]
    known = np.array([epoch is not None for epoch in epochs], dtype=bool)
    place = {model: index for index, model in enumerate(models)}
    out = np.full((len(models), hours), np.nan)
    chosen = np.array([epoch for epoch in epochs if epoch is not None], dtype=np.int64)
    for row in forecast.models:
        if row.model in place:
            rates = np.array(row.demand_rps)
            rates[list(row.epochs_measured)] = np.nan
            out[place[row.model], known] = rates[chosen]
    return out


def whole_hour(instant: datetime) -> datetime:
    """The hour that ``instant`` lies in, in UTC."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _epoch_of_hours(forecast: Forecast, start: datetime, hours: int) -> npt.NDArray[np.int64]:
    """The index of the epoch around each hour's middle, -1 without one."""
    out = np.full(hours, -1, dtype=np.int64)
    for index, epoch in enumerate(forecast.epochs):
        begin = _first_middle_at(epoch.start, start)
        out[max(0, begin) : max(0, _first_middle_at(epoch.end, start))] = index
    return out


def _first_middle_at(instant: datetime, start: datetime) -> int:
    """The first hour whose middle is at ``instant`` or later."""
    return -int((start + HOUR / 2 - instant) // HOUR)
