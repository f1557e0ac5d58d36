"""Submit forecasts, and look at them."""

from __future__ import annotations

from planner.demand.forecast import Forecast
from planner.service.errors import ForecastNotFound
from planner.service.submission import Submission
from planner.store.records import ForecastSummary
from planner.store.store import Store


def submit_forecasts(store: Store, submission: Submission[Forecast], *, actor: str) -> list[ForecastSummary]:
    """Store new forecasts; each gets its own id, whatever its name."""
    with store.writing() as work:
        entries = submission.accepted({"model": work.registry.model_ids()})
        stored = [work.forecasts.add(entry) for entry in entries]
        for summary in stored:
            work.audit.add(
                actor=actor, action="forecast.submitted", subject=str(summary.id), models=summary.model_count
            )
        return stored


def forecasts(store: Store, *, limit: int, before: int | None = None) -> list[ForecastSummary]:
    with store.reading() as work:
        return work.forecasts.newest(limit=limit, before=before)


def forecast(store: Store, forecast_id: int) -> tuple[ForecastSummary, Forecast]:
    with store.reading() as work:
        summary, found = work.forecasts.summary(forecast_id), work.forecasts.get(forecast_id)
    if summary is None or found is None:
        raise ForecastNotFound(forecast_id)
    return summary, found
