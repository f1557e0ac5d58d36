"""Fleets, their policies, and advice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import (
    ANONYMOUS,
    FLEET_PATTERN,
    PAGE_SIZE,
    Actor,
    Limit,
    ServerStoreDep,
    problems,
)
from api.rest.schemas.common import Instant
from api.rest.schemas.fleets import (
    AdviceOut,
    AdvicesOut,
    FleetBody,
    FleetChangeBody,
    FleetOut,
    FleetsOut,
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
def list_fleets(store: ServerStoreDep) -> FleetsOut:
    """Every fleet, by name."""
    return FleetsOut(items=[FleetOut.model_validate(found) for found in fleets.fleets(store)])


@router.get("/fleets/{fleet_id}", responses=problems(404))
def get_fleet(store: ServerStoreDep, fleet_id: FleetId) -> FleetOut:
    """One fleet, its policy with every default written out."""
    return FleetOut.model_validate(fleets.fleet(store, fleet_id))


@router.patch("/fleets/{fleet_id}", responses=problems(404, 413))
def change_fleet(
    store: ServerStoreDep, fleet_id: FleetId, body: Change, actor: Actor = ANONYMOUS
) -> FleetOut:
    """Change environment or policy; what is not named stays."""
    return FleetOut.model_validate(fleets.change_fleet(store, fleet_id, body, actor=actor))


@router.get("/fleets/{fleet_id}/advice", responses=problems(404))
def get_advice(
    store: ServerStoreDep,
    fleet_id: FleetId,
    since: Annotated[Instant | None, Query(description="Only plans made at or after this instant.")] = None,
    until: Annotated[Instant | None, Query(description="Only plans made before this instant.")] = None,
    limit: Limit = PAGE_SIZE,
) -> AdvicesOut:
    """Each plan that was made beside what ran then (the active plan, else the imported one), by day."""
    fleets.require_fleet(store, fleet_id)
    found = advice(store.of_fleet(fleet_id), since=since, until=until, limit=limit)
    return AdvicesOut(items=[_advice(one) for one in found])


def _advice(found: AdviceOfDay) -> AdviceOut:
    values = {name: getattr(found.advice, name) for name in type(found.advice).__slots__}
    return AdviceOut(
        day=found.day,
        plan_state=found.plan_state,
        compared_with_origin=found.compared_with_origin,
        **values,
    )
