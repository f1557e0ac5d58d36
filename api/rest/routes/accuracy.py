"""Who was right about past demand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.rest.bodies import Id
from api.rest.dependencies import StoreDep, problems
from api.rest.schemas.accuracy import AccuracyListOut, AccuracyOut
from api.rest.schemas.common import Instant
from planner.service.accuracy import AccuracyRequest, comparison

router = APIRouter()


@router.get("/demand/accuracy", tags=["demand"], responses=problems())
def get_demand_accuracy(
    store: StoreDep,
    model: Annotated[
        list[Id] | None, Query(max_length=100, description="Only these models; all where left out.")
    ] = None,
    since: Annotated[
        Instant | None, Query(description="From this hour on; by default seven days before `until`.")
    ] = None,
    until: Annotated[
        Instant | None, Query(description="Until this hour; by default the newest observed.")
    ] = None,
) -> AccuracyListOut:
    """Past hours held against what planners said of them, and what the load foretold of itself by then."""
    found = comparison(store, AccuracyRequest(tuple(model or ()), since, until))
    return AccuracyListOut(
        since=found.since, until=found.until, models=[AccuracyOut.model_validate(row) for row in found.rows]
    )
