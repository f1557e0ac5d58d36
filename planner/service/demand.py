"""Submit forecasts and load reports; look at what was predicted beside what was measured."""

from __future__ import annotations

from datetime import datetime

from dispatcher.contract.load_report import LoadReport
from planner.demand.forecast import Forecast
from planner.demand.observed import ObservedLoad, observe, observe_by_epoch
from planner.service.errors import ForecastNotFound
from planner.service.submission import Submission
from planner.service.traffic import planned_traffic
from planner.store.records import ForecastSummary
from planner.store.store import Store

REPORTS_MAX = 20_000  # the newest reports that one look takes in: a day of one sub-cluster every 5 s


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


def submit_load_reports(store: Store, submission: Submission[LoadReport]) -> tuple[int, int]:
    """Store reports; returns how many were new and how many had been sent before."""
    with store.writing() as work:
        entries = submission.accepted({})
        new = sum(work.observed.add(report) for report in entries)
        return new, len(entries) - new


def observed_load(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    plan_version: int | None = None,
) -> ObservedLoad:
    """What was measured in reports whose interval starts in [since, until), all models together."""
    with store.reading() as work:
        reports = work.observed.reports(
            since=since, until=until, plan_version=plan_version, limit=REPORTS_MAX
        )
        return observe(reports, planned_traffic(work))


def observed_by_epoch(store: Store, forecast: Forecast) -> dict[int, ObservedLoad]:
    """What was measured in each epoch of ``forecast`` (see ``Forecast.epoch_at``)."""
    with store.reading() as work:
        reports = work.observed.reports(limit=REPORTS_MAX)
        return observe_by_epoch(reports, forecast, planned_traffic(work))
