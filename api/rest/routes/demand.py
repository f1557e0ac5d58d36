"""Forecasts: submitted, listed, resolved; and who was right."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.rest.dependencies import (
    ANONYMOUS,
    INTEGER_MAX,
    PAGE_SIZE,
    Actor,
    Before,
    Limit,
    SettingsDep,
    StoreDep,
    problems,
)
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Wished, fresh, record_etag
from api.rest.forecast_upload import (
    CSV_CONTENT,
    CsvCorrects,
    CsvName,
    CsvNote,
    CsvSource,
    ForecastUpload,
    submission,
)
from api.rest.paging import page
from api.rest.schemas.common import Instant, Page
from api.rest.schemas.demand import EpochOut, ForecastOut, ForecastSummaryOut
from api.rest.schemas.resolved import ResolvedCellOut, ResolvedForecastOut, ResolvedModelOut
from planner.demand.forecast import ForecastSource
from planner.problem.parse import EPOCHS_LIMIT
from planner.service import demand
from profiles.faults import Fault, InputInvalid

router = APIRouter()

EpochHours = Annotated[float, Query(gt=0, le=744, description="Length of an epoch, in hours.")]


@router.post(
    "/forecasts",
    status_code=201,
    tags=["demand"],
    responses=problems(409, 412, 413),
    openapi_extra=CSV_CONTENT,
)
def submit_forecasts(
    request: Request,
    store: StoreDep,
    settings: SettingsDep,
    body: ForecastUpload,
    given: Wished,
    name: CsvName = "csv",
    note: CsvNote = None,
    source: CsvSource = "import",
    corrects: CsvCorrects = None,
    actor: Actor = ANONYMOUS,
) -> list[ForecastSummaryOut]:
    """
    Store forecasts; each gets an id of its own. Their models must be registered.

    JSON takes one or many. As `text/csv` it is one, with the columns `model`, `start`, `hours`, `demand_rps`
    and, if wanted, `low_rps`, `high_rps`, `arrival_cv`; the query says what it is called. Nothing that was
    submitted is ever changed: a later forecast may name the one it `corrects`. Of one forecast, If-Match is
    compared with the ETag of the one that it corrects, which changes with each correction.
    """
    about = (name, note, source, corrects)
    entries = submission(request, body, about, rows_max=settings.forecast_rows_max)
    stored = demand.submit_forecasts(store, entries, actor=actor, given=given)
    return [ForecastSummaryOut.model_validate(summary) for summary in stored]


@router.get("/forecasts", tags=["demand"], responses=problems())
def list_forecasts(
    store: StoreDep,
    limit: Limit = PAGE_SIZE,
    before: Before = None,
    source: Annotated[ForecastSource | None, Query(description="Only those of this source.")] = None,
) -> Page[ForecastSummaryOut]:
    """Forecasts, the newest first."""
    found = demand.forecasts(store, limit=limit + 1, before=before, source=source)
    return page(Page[ForecastSummaryOut], found, limit, lambda each: each.id)


@router.get("/forecasts/resolved", tags=["demand"], responses=problems())
def get_resolved_forecast(
    store: StoreDep,
    since: Annotated[Instant, Query(description="Where the horizon begins.")],
    until: Annotated[Instant, Query(description="Where it ends: the last epoch reaches this instant.")],
    epoch_hours: EpochHours = 1.0,
) -> ResolvedForecastOut:
    """
    What the forecasts submitted so far come to over a horizon, and which of them speaks in every cell.

    Where they overlap, a planner's holds before an import and an import before a model's, a correction at
    least as high as what it corrects; among equals the one submitted last.
    """
    count = math.ceil((until - since).total_seconds() / 3_600 / epoch_hours - 1e-9)
    if not 1 <= count <= EPOCHS_LIMIT:
        limit = f"must be after since by 1 to {EPOCHS_LIMIT} epochs of {epoch_hours:g} h"
        raise InputInvalid("request", [Fault("until", repr(until.isoformat()), limit)])
    found = demand.resolved(store, since, count, epoch_hours)
    return ResolvedForecastOut(
        epochs=[EpochOut.model_validate(epoch) for epoch in found.epochs],
        models=[
            ResolvedModelOut(
                model=model,
                cells=[None if cell is None else ResolvedCellOut.model_validate(cell) for cell in cells],
            )
            for model, cells in found.cells.items()
        ],
    )


@router.get(
    "/forecasts/{forecast_id}",
    tags=["demand"],
    response_model=ForecastOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_forecast(
    store: StoreDep,
    forecast_id: Annotated[int, Path(ge=1, le=INTEGER_MAX)],
    request: Request,
    response: Response,
) -> Any:
    """One forecast, whole. Only `corrected_by` ever changes, and the ETag with it."""
    summary, forecast = demand.forecast(store, forecast_id)
    if unchanged := fresh(request, response, record_etag(summary)):
        return unchanged
    told = ForecastSummaryOut.model_validate(summary)
    return ForecastOut.model_validate(dict(told) | {"epochs": forecast.epochs, "models": forecast.models})
