"""A prediction of demand: one rate and one burstiness for each model and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from profiles.faults import Fault

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ForecastEpoch:
    """One interval of the horizon: an instant with its time zone, and a length in hours."""

    start: datetime
    hours: float

    @property
    def end(self) -> datetime:
        return self.start + timedelta(hours=self.hours)

    @property
    def duration_s(self) -> float:
        return self.hours * 3_600


@dataclass(frozen=True, slots=True)
class ModelForecast:
    """
    One model's row.

    Parameters
    ----------
    demand_rps
        Requests per second, one value for each epoch.
    arrival_cv
        Coefficient of variation of inter-arrival times, one value for each epoch; 1 is Poisson.
    """

    model: str
    demand_rps: tuple[float, ...]
    arrival_cv: tuple[float, ...]

    @property
    def arrival_cv_mean(self) -> float:
        r"""
        The burstiness of the whole horizon, weighted by traffic.

        .. math:: \bar c_v = \sum_e \lambda_e c_{v,e} / \sum_e \lambda_e, and 1 without any traffic.
        """
        total = sum(self.demand_rps)
        if total == 0:
            return 1.0
        return sum(rate * cv for rate, cv in zip(self.demand_rps, self.arrival_cv, strict=True)) / total


@dataclass(frozen=True, slots=True)
class Forecast:
    """A named forecast. Epochs follow one another in time; every model has a value for each."""

    name: str
    epochs: tuple[ForecastEpoch, ...]
    models: tuple[ModelForecast, ...]

    def epoch_at(self, instant: datetime) -> int | None:
        """
        Index of the epoch that ``instant`` falls into.

        Outside a horizon of at least a day, the epoch at the same time of the day stands in: load
        repeats daily. None where there is no such epoch.
        """
        found = self._epoch_containing(instant)
        if found is None and self.epochs and self.epochs[-1].end - self.epochs[0].start >= DAY:
            days_off = (instant - self.epochs[0].start) // DAY
            found = self._epoch_containing(instant - days_off * DAY)
        return found

    def _epoch_containing(self, instant: datetime) -> int | None:
        for index, epoch in enumerate(self.epochs):
            if epoch.start <= instant < epoch.end:
                return index
        return None


def forecast_faults(forecast: Forecast) -> list[Fault]:
    """Everything that is wrong between the fields of a forecast whose single values are sound."""
    return [*_epoch_faults(forecast), *_row_faults(forecast)]


def _epoch_faults(forecast: Forecast) -> Iterator[Fault]:
    for index, (before, after) in enumerate(zip(forecast.epochs, forecast.epochs[1:], strict=False), start=1):
        if after.start < before.end:
            limit = f"must not be before the end of the epoch before it, {before.end.isoformat()}"
            yield Fault(f"epochs[{index}].start", repr(after.start.isoformat()), limit)


def _row_faults(forecast: Forecast) -> Iterator[Fault]:
    count = len(forecast.epochs)
    seen: set[str] = set()
    for index, row in enumerate(forecast.models):
        for field, values in (("demand_rps", row.demand_rps), ("arrival_cv", row.arrival_cv)):
            if len(values) != count:
                limit = f"must have one value for each of {count} epochs"
                yield Fault(f"models[{index}].{field}", f"{len(values)} values", limit)
        if row.model in seen:
            yield Fault(f"models[{index}].model", repr(row.model), "must be unique within the forecast")
        seen.add(row.model)
