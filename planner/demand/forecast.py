"""A prediction of demand: an interval of rates and one burstiness for each model and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from profiles.faults import Fault

DAY = timedelta(hours=24)


class ForecastSource(StrEnum):
    """
    Where a submission comes from; the order is that of trust, the least first.

    A ``resolved`` one was put together from others for a run: it says what was planned for and is never
    a source of another.
    """

    RESOLVED = "resolved"
    MODEL = "model"
    IMPORT = "import"
    PLANNER = "planner"

    @property
    def standing(self) -> int:
        return list(ForecastSource).index(self)


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
        Requests per second, one value for each epoch: the middle of the interval.
    arrival_cv
        Coefficient of variation of inter-arrival times, one value for each epoch; 1 is Poisson.
    low_rps, high_rps
        Ends of the interval that demand stays in nine times of ten; None where no more is known than the
        middle.
    spoken_by
        Of a resolved forecast, for each epoch: the ids of those whose numbers these are, and none where
        nobody spoke and a measured forecast stands in. None: of a forecast that somebody submitted.
    """

    model: str
    demand_rps: tuple[float, ...]
    arrival_cv: tuple[float, ...]
    low_rps: tuple[float, ...] | None = None
    high_rps: tuple[float, ...] | None = None
    spoken_by: tuple[tuple[int, ...], ...] | None = None

    @property
    def epochs_measured(self) -> tuple[int, ...]:
        """Epochs in which a measured forecast stands in for one that nobody submitted."""
        return tuple(epoch for epoch, ids in enumerate(self.spoken_by or ()) if not ids)

    @property
    def lows_rps(self) -> tuple[float, ...]:
        return self.demand_rps if self.low_rps is None else self.low_rps

    @property
    def highs_rps(self) -> tuple[float, ...]:
        return self.demand_rps if self.high_rps is None else self.high_rps

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
    """
    A named forecast. Epochs follow one another in time; every model has a value for each.

    ``corrects`` is the id of an earlier forecast in whose place this one stands, wherever both speak.
    """

    name: str
    epochs: tuple[ForecastEpoch, ...]
    models: tuple[ModelForecast, ...]
    note: str | None = None
    source: ForecastSource = ForecastSource.PLANNER
    corrects: int | None = None

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
        fields = (
            ("demand_rps", row.demand_rps),
            ("arrival_cv", row.arrival_cv),
            ("low_rps", row.low_rps),
            ("high_rps", row.high_rps),
        )
        for field, values in fields:
            if values is not None and len(values) != count:
                limit = f"must have one value for each of {count} epochs"
                yield Fault(f"models[{index}].{field}", f"{len(values)} values", limit)
        yield from _disorder(row, f"models[{index}]")
        if row.model in seen:
            yield Fault(f"models[{index}].model", repr(row.model), "must be unique within the forecast")
        seen.add(row.model)


def _disorder(row: ModelForecast, path: str) -> Iterator[Fault]:
    """Intervals whose ends are on the wrong side of the middle."""
    for field, ends, sign in (("low_rps", row.low_rps, 1), ("high_rps", row.high_rps, -1)):
        if ends is None:
            continue
        for epoch, (end, middle) in enumerate(zip(ends, row.demand_rps, strict=False)):
            if _is_number(end) and _is_number(middle) and sign * (end - middle) > 0:
                limit = f"must not be {'above' if sign > 0 else 'below'} demand_rps, {middle:g}"
                yield Fault(f"{path}.{field}[{epoch}]", f"{end:g}", limit)


def _is_number(value: object) -> bool:
    """What a reader of faulty input hands in may be anything."""
    return isinstance(value, int | float) and not isinstance(value, bool)
