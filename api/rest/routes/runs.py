"""Runs: start, watch, cancel."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Query, Response
from fastapi import Request as HttpRequest
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import ANONYMOUS, INTEGER_MAX, PAGE_SIZE, Actor, Limit, StoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, etag_of, fresh
from api.rest.filters import ActorFilter, BeforeRun, CreatedSince, CreatedUntil, ForecastFilter
from api.rest.run_stream import RunStream
from api.rest.schemas.runs import EVENTS_EXAMPLE, RunBody, RunOut, RunPage, RunSummaryOut
from planner.service import runs
from planner.service.runs import RunRequest
from planner.service.submission import Submission
from planner.store.records import RunState

router = APIRouter(tags=["runs"])

Request = Annotated[
    Submission[RunRequest], PlainValidator(just_one(RunBody), json_schema_input_type=RunBody), Body()
]
LastEventId = Annotated[
    int, Header(alias="Last-Event-ID", ge=0, le=INTEGER_MAX, description="The last event that was seen.")
]
RunId = Annotated[str, Path(max_length=32)]


@router.post("/runs", status_code=202, responses=problems(404, 409, 413))
def start_run(store: StoreDep, body: Request, response: Response, actor: Actor = ANONYMOUS) -> RunOut:
    """Plan a forecast. The run is queued; follow it at the address in the header Location."""
    (request,) = body.accepted({})
    started = runs.start_run(store, request, actor=actor)
    response.headers["Location"] = f"/v1/runs/{started.id}"
    return RunOut.model_validate(started)


@router.get("/runs", responses=problems())
def list_runs(
    store: StoreDep,
    limit: Limit = PAGE_SIZE,
    before: BeforeRun = None,
    state: Annotated[RunState | None, Query(description="Only runs in this state.")] = None,
    forecast_id: ForecastFilter = None,
    actor: ActorFilter = None,
    since: CreatedSince = None,
    until: CreatedUntil = None,
) -> RunPage:
    """Runs, the newest first."""
    wanted = {"state": state, "forecast_id": forecast_id, "actor": actor, "since": since, "until": until}
    found = runs.runs(store, limit=limit + 1, before=before, **wanted)
    return RunPage(
        items=[RunSummaryOut.model_validate(run) for run in found[:limit]],
        next_before=found[limit - 1].id if len(found) > limit else None,
    )


@router.get(
    "/runs/{run_id}",
    response_model=RunOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_run(store: StoreDep, run_id: RunId, request: HttpRequest, response: Response) -> Any:
    """One run: state, progress, and the plan version it made."""
    found = RunOut.model_validate(runs.run(store, run_id))
    return fresh(request, response, etag_of("run", found.model_dump_json())) or found


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events `state` and `progress`, until the run has ended.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": EVENTS_EXAMPLE,
                    "x-event-data": {"$ref": "#/components/schemas/RunEventOut"},
                }
            },
        },
        204: {"description": "The run has ended, and the listener has seen it all."},
        **problems(404),
    },
)
async def stream_run_events(
    request: HttpRequest, store: StoreDep, run_id: RunId, last_event_id: LastEventId = 0
) -> Response:
    """
    Follow a run as it goes: its changes of state, and stage, incumbent, bound and gap as they become known.

    A listener that was cut off goes on after the event that it names in Last-Event-ID, as browsers do.
    """
    stream: RunStream = request.app.state.run_stream
    run = await run_in_threadpool(runs.run, store, run_id)
    if run.state.is_final and not await stream.unseen(run_id, last_event_id):
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = stream.follow(run_id, last_event_id)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@router.delete("/runs/{run_id}", status_code=202, responses=problems(404, 409))
def cancel_run(store: StoreDep, run_id: RunId, actor: Actor = ANONYMOUS) -> RunOut:
    """Cancel a run, queued or running: it has ended when this answers, and its solver is killed."""
    return RunOut.model_validate(runs.cancel_run(store, run_id, actor=actor))
