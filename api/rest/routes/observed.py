"""Observed load: reports in; totals, series and reporters out."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from pydantic import PlainValidator

from api.rest.bodies import one_or_many
from api.rest.dependencies import INTEGER_MAX, PAGE_SIZE, Limit, StoreDep, problems
from api.rest.schemas.common import Instant
from api.rest.schemas.observed import (
    LoadReportBody,
    ObservedLoadOut,
    ObservedModelOut,
    ObservedSeriesOut,
    ReceivedOut,
    ReporterOut,
)
from dispatcher.contract.load_report import LoadReport
from planner.demand.reported_spans import Standing
from planner.service import observed
from planner.service.observed import SeriesRequest
from planner.service.submission import Submission

router = APIRouter(tags=["observed load"])

MODELS_MAX = 100

LoadReports = Annotated[
    Submission[LoadReport],
    PlainValidator(one_or_many(LoadReportBody), json_schema_input_type=LoadReportBody | list[LoadReportBody]),
    Body(),
]
NONE_NEW: dict[int | str, dict[str, Any]] = {
    200: {"model": ReceivedOut, "description": "Nothing of it was new."}
}
Since = Annotated[Instant | None, Query(description="Only intervals that start at or after this instant.")]
Until = Annotated[Instant | None, Query(description="Only intervals that start before this instant.")]


class Resolution(IntEnum):
    """Length of a series' intervals, in seconds."""

    TEN_SECONDS = 10
    MINUTE = 60
    TEN_MINUTES = 600
    HOUR = 3_600
    DAY = 86_400


@router.post("/observed-load", status_code=201, responses={**NONE_NEW, **problems(409, 413)})
def submit_load_reports(store: StoreDep, body: LoadReports, response: Response) -> ReceivedOut:
    """
    Take load reports. Each interval of each sub-cluster of a plan version counts once, late or sent again.

    A repetition with other numbers changes nothing, and neither does an interval that lies across others:
    both are counted and told.
    """
    standings = observed.submit_load_reports(store, body)
    received = ReceivedOut(**{str(standing): standings[standing] for standing in Standing})
    response.status_code = 201 if received.new else 200
    return received


@router.get("/observed-load", responses=problems())
def get_observed_load(
    store: StoreDep,
    since: Since = None,
    until: Until = None,
    plan_version: Annotated[int | None, Query(ge=0, le=INTEGER_MAX)] = None,
) -> ObservedLoadOut:
    """What dispatchers measured, put together by model. A look at too much is refused, never cut."""
    found = observed.observed_load(store, since=since, until=until, plan_version=plan_version)
    return ObservedLoadOut(
        report_count=found.report_count,
        since=found.since,
        until=found.until,
        models=[ObservedModelOut.model_validate(model) for model in found.models.values()],
    )


@router.get("/observed-load/series", responses=problems())
def get_observed_series(
    store: StoreDep,
    model: Annotated[
        list[Annotated[str, Query(max_length=200)]],
        Query(min_length=1, max_length=MODELS_MAX, description="A model; repeat it for several."),
    ],
    since: Annotated[Instant, Query(description="From the interval that holds this instant.")],
    until: Annotated[Instant, Query(description="To the interval that begins before this instant.")],
    resolution: Annotated[
        Resolution | None, Query(description="In seconds; by default the finest that is not too much.")
    ] = None,
) -> ObservedSeriesOut:
    """
    Observed load by intervals aligned to the hour: null where nobody reported, 0 where it was reported that
    none came.

    At most 20,000 points are answered; more are refused.
    """
    models = tuple(dict.fromkeys(model))
    found = observed.observed_series(store, SeriesRequest(models, since, until, resolution))
    return ObservedSeriesOut.of(found)


@router.get("/observed-load/reporters", responses=problems())
def list_reporters(store: StoreDep, limit: Limit = PAGE_SIZE) -> list[ReporterOut]:
    """Who reports, those heard of last first, and how many of their reports were new, repeated or refused."""
    return [ReporterOut.model_validate(found) for found in observed.reporters(store, limit=limit)]
