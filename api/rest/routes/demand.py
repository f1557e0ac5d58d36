"""Forecasts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Path
from pydantic import PlainValidator

from api.rest.bodies import one_or_many
from api.rest.dependencies import ANONYMOUS, INTEGER_MAX, PAGE_SIZE, Actor, Before, Limit, StoreDep, problems
from api.rest.schemas.common import Page
from api.rest.schemas.demand import (
    ForecastBody,
    ForecastOut,
    ForecastSummaryOut,
)
from planner.demand.forecast import Forecast
from planner.service import demand
from planner.service.submission import Submission

router = APIRouter()

Forecasts = Annotated[
    Submission[Forecast],
    PlainValidator(one_or_many(ForecastBody), json_schema_input_type=ForecastBody | list[ForecastBody]),
    Body(),
]


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
