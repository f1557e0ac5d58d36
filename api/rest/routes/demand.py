"""Forecasts and observed load."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import PlainValidator

from api.rest.bodies import one_or_many
from api.rest.dependencies import ANONYMOUS, INTEGER_MAX, PAGE_SIZE, Actor, Before, Limit, StoreDep, problems
from api.rest.schemas.common import Instant, Page
from api.rest.schemas.demand import (
    ForecastBody,
    ForecastOut,
    ForecastSummaryOut,
    LoadReportBody,
    ObservedLoadOut,
    ObservedModelOut,
    ReceivedOut,
)
from dispatcher.contract.load_report import LoadReport
from planner.demand.forecast import Forecast
from planner.service import demand
from planner.service.submission import Submission

router = APIRouter()

Forecasts = Annotated[
    Submission[Forecast],
    PlainValidator(one_or_many(ForecastBody), json_schema_input_type=ForecastBody | list[ForecastBody]),
    Body(),
]
LoadReports = Annotated[
    Submission[LoadReport],
    PlainValidator(one_or_many(LoadReportBody), json_schema_input_type=LoadReportBody | list[LoadReportBody]),
    Body(),
]
ALL_KNOWN: dict[int | str, dict[str, Any]] = {
    200: {"model": ReceivedOut, "description": "All of it had been sent before."}
}
Since = Annotated[Instant | None, Query(description="Only intervals that start at or after this instant.")]
Until = Annotated[Instant | None, Query(description="Only intervals that start before this instant.")]


@router.post("/forecasts", status_code=201, tags=["demand"], responses=problems(409, 413))
def submit_forecasts(store: StoreDep, body: Forecasts, actor: Actor = ANONYMOUS) -> list[ForecastSummaryOut]:
    """Store forecasts; each gets an id of its own. Their models must be registered."""
    stored = demand.submit_forecasts(store, body, actor=actor)
    return [ForecastSummaryOut.model_validate(summary) for summary in stored]


@router.get("/forecasts", tags=["demand"], responses=problems())
def list_forecasts(
    store: StoreDep, limit: Limit = PAGE_SIZE, before: Before = None
) -> Page[ForecastSummaryOut]:
    """Forecasts, the newest first."""
    found = demand.forecasts(store, limit=limit, before=before)
    items = [ForecastSummaryOut.model_validate(summary) for summary in found]
    return Page(items=items, next_before=items[-1].id if len(items) == limit else None)


@router.get("/forecasts/{forecast_id}", tags=["demand"], responses=problems(404))
def get_forecast(store: StoreDep, forecast_id: Annotated[int, Path(ge=1, le=INTEGER_MAX)]) -> ForecastOut:
    """One forecast, whole."""
    summary, forecast = demand.forecast(store, forecast_id)
    return ForecastOut.model_validate({**asdict(summary), **asdict(forecast)})


@router.post(
    "/observed-load",
    status_code=201,
    tags=["demand"],
    responses={**ALL_KNOWN, **problems(409, 413)},
)
def submit_load_reports(store: StoreDep, body: LoadReports, response: Response) -> ReceivedOut:
    """Take a dispatcher's load report. One with the same sub-cluster and interval start counts once."""
    new, known = demand.submit_load_reports(store, body)
    response.status_code = 201 if new else 200
    return ReceivedOut(new=new, known=known)


@router.get("/observed-load", tags=["demand"], responses=problems())
def get_observed_load(
    store: StoreDep,
    since: Since = None,
    until: Until = None,
    plan_version: Annotated[int | None, Query(ge=0, le=INTEGER_MAX)] = None,
) -> ObservedLoadOut:
    """What dispatchers measured, put together by model."""
    observed = demand.observed_load(store, since=since, until=until, plan_version=plan_version)
    return ObservedLoadOut(
        report_count=observed.report_count,
        since=observed.since,
        until=observed.until,
        models=[ObservedModelOut.model_validate(model) for model in observed.models.values()],
    )
