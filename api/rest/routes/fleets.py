"""Fleets, their policies, and advice."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import (
    ANONYMOUS,
    FLEET_PATTERN,
    INTEGER_MAX,
    PAGE_SIZE,
    Actor,
    After,
    Limit,
    NameFilter,
    ServerStoreDep,
    problems,
)
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Given, fresh, record_etag, tagged
from api.rest.paging import named_page, page
from api.rest.schemas.common import Instant, NamedPage, Page
from api.rest.schemas.fleets import (
    AdviceOut,
    FleetBody,
    FleetChangeBody,
    FleetOut,
)
from planner.service import fleets
from planner.service.advice import AdviceOfDay, advice
from planner.service.fleets import FleetChange, NewFleet
from planner.service.submission import Submission

router = APIRouter(tags=["fleets"])

New = Annotated[
    Submission[NewFleet], PlainValidator(just_one(FleetBody), json_schema_input_type=FleetBody), Body()
]
Change = Annotated[
    Submission[FleetChange],
    PlainValidator(just_one(FleetChangeBody), json_schema_input_type=FleetChangeBody),
    Body(),
]
FleetId = Annotated[str, Path(max_length=100, pattern=FLEET_PATTERN, description="The fleet's name.")]


@router.post("/fleets", status_code=201, responses=problems(409, 413))
def create_fleet(store: ServerStoreDep, body: New, actor: Actor = ANONYMOUS) -> FleetOut:
    """Make a fleet; nothing of another one is seen or changed through it."""
    return FleetOut.model_validate(fleets.create_fleet(store, body, actor=actor))


@router.get("/fleets", responses=problems())
def list_fleets(
    store: ServerStoreDep, name: NameFilter = None, limit: Limit = PAGE_SIZE, after: After = None
) -> NamedPage[FleetOut]:
    """Fleets, by name."""
    found = fleets.fleets(store, name=name, after=after, limit=limit + 1)
    return named_page(NamedPage[FleetOut], found, limit, lambda each: each.id)


@router.get(
    "/fleets/{fleet_id}",
    response_model=FleetOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_fleet(store: ServerStoreDep, fleet_id: FleetId, request: Request, response: Response) -> Any:
    """One fleet, its policy with every default written out."""
    found = fleets.fleet(store, fleet_id)
    return fresh(request, response, record_etag(found)) or found


@router.patch("/fleets/{fleet_id}", responses=problems(404, 412, 413, 428))
def change_fleet(
    store: ServerStoreDep,
    fleet_id: FleetId,
    body: Change,
    given: Given,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> FleetOut:
    """Change environment or policy; what is not named stays."""
    changed = fleets.change_fleet(store, fleet_id, body, actor=actor, given=given)
    return FleetOut.model_validate(tagged(response, changed))


@router.get("/fleets/{fleet_id}/advice", responses=problems(404))
def get_advice(
    store: ServerStoreDep,
    fleet_id: FleetId,
    since: Annotated[Instant | None, Query(description="Only plans made at or after this instant.")] = None,
    until: Annotated[Instant | None, Query(description="Only plans made before this instant.")] = None,
    limit: Limit = PAGE_SIZE,
    before: Annotated[
        int | None,
        Query(ge=1, le=INTEGER_MAX, description="Only plan versions below this: `next_before` of a page."),
    ] = None,
) -> Page[AdviceOut]:
    """Each plan that was made beside what ran then (the active plan, else the imported one), by day."""
    fleets.require_fleet(store, fleet_id)
    wanted = {"since": since, "until": until, "before": before}
    found = [_advice(one) for one in advice(store.of_fleet(fleet_id), limit=limit + 1, **wanted)]
    return page(Page[AdviceOut], found, limit, lambda each: each.plan_version)


def _advice(found: AdviceOfDay) -> AdviceOut:
    values = {name: getattr(found.advice, name) for name in type(found.advice).__slots__}
    return AdviceOut(
        day=found.day,
        plan_state=found.plan_state,
        compared_with_origin=found.compared_with_origin,
        **values,
    )
