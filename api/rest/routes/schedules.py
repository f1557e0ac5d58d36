"""The fleet's schedule, its slots, and the door for external schedulers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import ANONYMOUS, PAGE_SIZE, Actor, Limit, StoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Wished, fresh, record_etag, tagged
from api.rest.schemas.common import Instant
from api.rest.schemas.schedules import ScheduleBody, ScheduleOut, SlotOut, SlotPage
from planner.service import replans, schedules
from planner.service.schedules import ScheduleRequest
from planner.service.submission import Submission

router = APIRouter(tags=["schedules"])

Schedule = Annotated[
    Submission[ScheduleRequest],
    PlainValidator(just_one(ScheduleBody), json_schema_input_type=ScheduleBody),
    Body(),
]
BeforeSlot = Annotated[
    Instant | None, Query(description="Only slots before this instant: `next_before` of a page.")
]
KNOWN: dict[int | str, dict[str, Any]] = {
    200: {"model": SlotOut, "description": "The slot had been taken up before; this is what became of it."}
}


@router.put("/schedule", responses=problems(404, 412, 413))
def put_schedule(
    store: StoreDep, body: Schedule, given: Wished, response: Response, actor: Actor = ANONYMOUS
) -> ScheduleOut:
    """Set when the fleet is planned again by itself; slots count from now on, unless times stay the same."""
    (request,) = body.accepted({})
    done = schedules.put_schedule(store, request, actor=actor, given=given)
    return ScheduleOut.model_validate(tagged(response, done))


@router.get(
    "/schedule",
    response_model=ScheduleOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_schedule(store: StoreDep, request: Request, response: Response) -> Any:
    """The fleet's schedule and its next slot."""
    found = schedules.schedule(store)
    return fresh(request, response, record_etag(found)) or found


@router.delete("/schedule", status_code=204, responses=problems(404, 412), response_model=None)
def remove_schedule(store: StoreDep, given: Wished, actor: Actor = ANONYMOUS) -> None:
    """The fleet is no longer planned by itself; slots taken up stay on record."""
    schedules.remove_schedule(store, actor=actor, given=given)


@router.get("/schedule/slots", responses=problems(404))
def list_slots(store: StoreDep, limit: Limit = PAGE_SIZE, before: BeforeSlot = None) -> SlotPage:
    """Slots that were taken up, the newest first."""
    found = schedules.slots(store, limit=limit + 1, before=before)
    return SlotPage(
        items=[SlotOut.model_validate(slot) for slot in found[:limit]],
        next_before=found[limit - 1].slot if len(found) > limit else None,
    )


@router.post("/replans", status_code=201, responses={**KNOWN, **problems(404, 409)})
def replan(store: StoreDep, response: Response, actor: Actor = ANONYMOUS) -> SlotOut:
    """
    Take up the schedule's latest due slot, for schedulers outside; a slot is taken up once, whoever asks.

    A slot within the next minute counts as due.
    """
    found = replans.replan_once(store, started_by=actor)
    response.status_code = 201 if found.is_new else 200
    return SlotOut.model_validate(found.slot)
