"""What a run plans for: a forecast, or what all of them say of a horizon."""

from __future__ import annotations

from datetime import datetime

from planner.service.demand import resolved_cells
from planner.store.records import ForecastSummary
from planner.store.store import UnitOfWork


def resolved_forecast(
    work: UnitOfWork, start: datetime, epochs: int, hours: float, *, actor: str
) -> ForecastSummary:
    """
    Store what the forecasts of a horizon come to, as a forecast of source ``resolved``; a run may plan from it.

    The horizon is ``epochs`` epochs of ``hours`` each from ``start`` on. Models that nobody speaks of in every
    epoch are left out: a run that uses observed load gives them a measured forecast. There may be none
    at all. ``work`` must be writing.
    """
    resolved = resolved_cells(work, start, epochs, hours)
    name = f"resolved for {start:%Y-%m-%d %H:%M %Z}, {epochs} x {hours:g} h"
    summary = work.forecasts.add(resolved.to_forecast(name), author=actor)
    work.audit.add(
        actor=actor, action="forecast.resolved", subject=str(summary.id), models=summary.model_count
    )
    return summary
