"""What a run plans for: a forecast corrected by what was observed, measured forecasts for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from planner.demand.corrected import CorrectedModel, corrected_demand
from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.demand.foretold import HOUR, Floats, foretold, stood_in, whole_hour
from planner.demand.measured.forecast import measured_forecast
from planner.demand.observed import observe_by_epoch
from planner.demand.planned import (
    QUANTILE_DEFAULT,
    IntervalFrom,
    PlannedModel,
    error_quantiles,
    planned_model,
    with_waves,
)
from planner.demand.trend import trend
from planner.service.demand import resolved_cells
from planner.service.observed import recent
from planner.store.records import ForecastSummary
from planner.store.store import UnitOfWork

HISTORY_DAYS = 42  # of load that a measured forecast is made of
ERROR_DAYS = 14  # of hours whose forecasts are held against what was observed
COVERAGE_MIN = 0.1  # of an hour: a rate of less says little
MEASURED_HOURS_MAX = 14 * 24  # steps ahead; epochs beyond take the same hour of an earlier week


@dataclass(frozen=True, slots=True)
class DemandOptions:
    """``quantile`` of demand is planned for; what was observed in [since, until) counts."""

    since: datetime | None = None
    until: datetime | None = None
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class PlanDemand:
    """
    Every model's demand, and what is said of it in the run's document.

    ``models_unforecast`` were observed, and neither a forecast names them nor can they be planned for: they
    are not registered, or have no profile.
    """

    models: tuple[PlannedModel, ...]
    models_unforecast: tuple[str, ...]
    quantile: float

    @property
    def rows(self) -> tuple[ModelForecast, ...]:
        return tuple(
            ModelForecast(m.model, m.demand_rps, m.arrival_cv, m.low_rps, m.high_rps) for m in self.models
        )

    def document(self) -> dict[str, Any]:
        """The forecast as submitted beside what is planned for, model by model."""
        return {
            "quantile": self.quantile,
            "models": [_document(model) for model in self.models],
            "models_unforecast": list(self.models_unforecast),
        }


def resolved_forecast(
    work: UnitOfWork, start: datetime, epochs: int, hours: float, *, actor: str
) -> ForecastSummary:
    """
    Store what the forecasts of a horizon come to, as one of source ``resolved`` that a run may plan from.

    The horizon is ``epochs`` epochs of ``hours`` each from ``start`` on. Models that nobody speaks of in
    every epoch are left out: a run that uses observed load gives them a measured forecast. There may be
    none at all. ``work`` must be writing.
    """
    resolved = resolved_cells(work, start, epochs, hours)
    name = f"resolved for {start:%Y-%m-%d %H:%M %Z}, {epochs} x {hours:g} h"
    summary = work.forecasts.add(resolved.to_forecast(name), author=actor)
    work.audit.add(
        actor=actor, action="forecast.resolved", subject=str(summary.id), models=summary.model_count
    )
    return summary


def plan_demand(work: UnitOfWork, forecast: Forecast, options: DemandOptions) -> PlanDemand:
    """The demand of ``forecast`` as observed load corrects it, and of models that it leaves out."""
    quantile = QUANTILE_DEFAULT if options.quantile is None else options.quantile
    frame = recent(work, options.since, options.until)
    corrected = corrected_demand(forecast, observe_by_epoch(frame, forecast))
    end = options.until or work.observed.newest()
    seen = corrected.models_unforecast
    if end is None:
        return PlanDemand(_planned(work, forecast, corrected.models, None, quantile), (), quantile)
    end = whole_hour(end) + HOUR
    with_profile = {profile.model for profile in work.registry.profiles()}
    left_out = [model for model in seen if model in with_profile]
    planned = _planned(work, forecast, corrected.models, end, quantile)
    measured = _measured(work, left_out, end, forecast.epochs, quantile)
    known = {model.model for model in measured}
    return PlanDemand((*planned, *measured), tuple(m for m in seen if m not in known), quantile)


def as_submitted(forecast: Forecast, quantile: float) -> PlanDemand:
    """The demand of ``forecast`` alone: its own interval says how far above the middle the quantile lies."""
    corrected = corrected_demand(forecast, {}).models
    days = [0.0] * len(forecast.epochs)
    none = trend(np.zeros(0), np.zeros(0))
    models = tuple(planned_model(each, none, days, None, quantile) for each in corrected)
    return PlanDemand(models, (), quantile)


def observed_rates(work: UnitOfWork, models: Sequence[str], end: datetime, hours: int) -> Floats:
    """(models, hours) requests per second up to ``end``, NaN where too little was reported."""
    series = work.observed.series(models, end - HOUR * hours, end, 3_600)
    rates = np.where(series.coverage >= COVERAGE_MIN, series.rate_rps, np.nan)
    out: Floats = rates[:, -hours:]
    return out


def _planned(
    work: UnitOfWork,
    forecast: Forecast,
    corrected: Sequence[CorrectedModel],
    end: datetime | None,
    quantile: float,
) -> tuple[PlannedModel, ...]:
    if end is None or not corrected:
        return as_submitted(forecast, quantile).models
    names = [each.forecast.model for each in corrected]
    hours = ERROR_DAYS * 24
    begin = end - HOUR * hours
    observed = observed_rates(work, names, end, hours)
    told = foretold(work.forecasts.overlapping(begin, end), names, begin, hours)
    told = np.where(np.isnan(told), stood_in(forecast, names, begin, hours), told)
    factors = np.array([each.factor for each in corrected])[:, None]
    errors = error_quantiles(observed, told * factors, quantile)
    days = [((e.start - begin) / timedelta(days=1)) + e.hours / 48 for e in forecast.epochs]
    return tuple(
        planned_model(each, trend(seen, was_told), days, its_errors, quantile)
        for each, seen, was_told, its_errors in zip(corrected, observed, told, errors, strict=True)
    )


def _measured(
    work: UnitOfWork, models: Sequence[str], end: datetime, epochs: Sequence[ForecastEpoch], quantile: float
) -> list[PlannedModel]:
    """Measured forecasts of ``models`` for ``epochs``; models without any whole value are left out."""
    if not models:
        return []
    rates = observed_rates(work, models, end, HISTORY_DAYS * 24)
    steps = [_steps(epoch, end) for epoch in epochs]
    horizon = min(MEASURED_HOURS_MAX, max(24, *(max(each) + 1 for each in steps)))
    found = measured_forecast(rates, horizon, day=24, planned_quantile=quantile)
    variation = _variation(work, models, end)
    out = []
    for index, model in enumerate(models):
        if np.isnan(found.middle[index, 0]).any():
            continue
        low, middle, high, planned = (
            tuple(float(values[index, 0, _within(each, horizon)].mean()) for each in steps)
            for values in (found.low, found.middle, found.high, found.planned)
        )
        cv = (float(variation[index]),) * len(epochs)
        ahead = [top - rate for top, rate in zip(planned, middle, strict=True)]
        out.append(
            PlannedModel(
                model=model,
                forecast_rps=None,
                low_rps=low,
                middle_rps=middle,
                high_rps=high,
                demand_rps=with_waves(middle, ahead, cv, quantile),
                arrival_cv=cv,
                interval_from=IntervalFrom.MEASURED,
                errors=int(np.isfinite(rates[index]).sum()),
            )
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


def _document(model: PlannedModel) -> dict[str, Any]:
    said: dict[str, Any] = {
        "model": model.model,
        "forecast_rps": None if model.forecast_rps is None else list(model.forecast_rps),
        "low_rps": list(model.low_rps),
        "middle_rps": list(model.middle_rps),
        "high_rps": list(model.high_rps),
        "demand_rps": list(model.demand_rps),
        "interval_from": model.interval_from.value,
        "errors": model.errors,
        "growth_per_day": model.growth_per_day,
    }
    corrected = model.corrected
    if corrected is not None:
        said |= {
            "arrived": corrected.arrived,
            "arrivals_expected": corrected.arrivals_expected,
            "ratio": corrected.ratio,
            "credibility": corrected.credibility,
            "factor": corrected.factor,
        }
    return said
