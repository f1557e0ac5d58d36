"""What a run plans for: a forecast corrected by what was observed, measured forecasts for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from planner.demand.corrected import CorrectedModel, corrected_demand
from planner.demand.forecast import Forecast, ModelForecast
from planner.demand.foretold import HOUR, foretold, stood_in
from planner.demand.observed import observe_by_epoch
from planner.demand.planned import QUANTILE_DEFAULT, PlannedModel, error_quantiles, planned_model
from planner.demand.trend import trend
from planner.service.demand import resolved_cells
from planner.service.fleets import fleet_policy
from planner.service.measured_demand import history_end, measured_models, observed_rates, observed_waves
from planner.service.observed import recent
from planner.store.records import ForecastSummary
from planner.store.store import UnitOfWork

ERROR_DAYS = 14  # of hours whose forecasts are held against what was observed


@dataclass(frozen=True, slots=True)
class DemandOptions:
    """
    ``quantile`` of demand is planned for, None takes that of the fleet's policy; what was observed in
    [since, until) counts.
    """

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

    The horizon is ``epochs`` epochs of ``hours`` each from ``start`` on. ``work`` must be writing.
    """
    forecast = forecast_as_resolved(work, start, epochs, hours)
    summary = work.forecasts.add(forecast, author=actor)
    work.audit.add(
        actor=actor, action="forecast.resolved", subject=str(summary.id), models=summary.model_count
    )
    return summary


def forecast_as_resolved(
    work: UnitOfWork, start: datetime, epochs: int, hours: float, *, known_at: datetime | None = None
) -> Forecast:
    """
    What the forecasts come to, and the measured forecast in the epochs that nobody speaks for.

    Models that nobody speaks of at all are left out: a run that uses observed load gives them a measured
    forecast. So are those that could not be measured; there may be none at all. ``known_at`` shows what was
    known then: no forecast and no load of that instant or later counts.
    """
    resolved = resolved_cells(work, start, epochs, hours, known_at=known_at)
    name = f"resolved for {start:%Y-%m-%d %H:%M %Z}, {epochs} x {hours:g} h"
    partly = resolved.models_partly_open
    end = history_end(work, known_at) if partly else None
    if end is None:
        return resolved.to_forecast(name)
    measured = measured_models(work, partly, end, resolved.epochs, QUANTILE_DEFAULT)
    return resolved.to_forecast(name, {model: _row(found) for model, found in measured.items()})


def plan_demand(work: UnitOfWork, forecast: Forecast, options: DemandOptions) -> PlanDemand:
    """The demand of ``forecast`` as observed load corrects it, and of models that it leaves out."""
    quantile = demand_quantile(work, options.quantile)
    frame = recent(work, options.since, options.until)
    corrected = corrected_demand(forecast, observe_by_epoch(frame, forecast))
    end = history_end(work, options.until)
    seen = corrected.models_unforecast
    if end is None:
        return PlanDemand(_planned(work, forecast, corrected.models, None, quantile), (), quantile)
    with_profile = {profile.model for profile in work.registry.profiles()}
    left_out = [model for model in seen if model in with_profile]
    planned = _planned(work, forecast, corrected.models, end, quantile)
    partly = [model.model for model in planned if model.epochs_measured]
    measured = measured_models(work, [*partly, *left_out], end, forecast.epochs, quantile)
    mixed = (
        model.with_measured(measured[model.model])
        if model.epochs_measured and model.model in measured
        else model
        for model in planned
    )
    added = [measured[model] for model in left_out if model in measured]
    return PlanDemand((*mixed, *added), tuple(m for m in seen if m not in measured), quantile)


def demand_quantile(work: UnitOfWork, asked: float | None) -> float:
    """What was asked for, or else what the fleet's policy says."""
    return fleet_policy(work).demand_quantile if asked is None else asked


def as_submitted(forecast: Forecast, quantile: float) -> PlanDemand:
    """The demand of ``forecast`` alone: its own interval says how far above the middle the quantile lies."""
    corrected = corrected_demand(forecast, {}).models
    days = [0.0] * len(forecast.epochs)
    none = trend(np.zeros(0), np.zeros(0))
    models = tuple(planned_model(each, none, days, None, quantile) for each in corrected)
    return PlanDemand(models, (), quantile)


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
    variation = np.array([_planned_cv(each) for each in corrected])
    wave = observed_waves(work, names, end, variation)
    return tuple(
        planned_model(each, trend(seen, was_told), days, its_errors, quantile, its_wave)
        for each, seen, was_told, its_errors, its_wave in zip(
            corrected, observed, told, errors, wave.tolist(), strict=True
        )
    )


def _planned_cv(corrected: CorrectedModel) -> float:
    """The burstiness that the plan's problem states, and its certificate draws."""
    return ModelForecast(corrected.forecast.model, corrected.demand_rps, corrected.arrival_cv).arrival_cv_mean


def _row(model: PlannedModel) -> ModelForecast:
    """What load foretells, as a forecast says it: headroom is the run's affair."""
    return ModelForecast(model.model, model.middle_rps, model.arrival_cv, model.low_rps, model.high_rps)


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
        "wave": model.wave,
        "epochs_measured": list(model.epochs_measured),
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
