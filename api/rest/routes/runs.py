"""Runs: start, watch, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import ANONYMOUS, PAGE_SIZE, Actor, Limit, StoreDep, problems
from api.rest.schemas.runs import RunBody, RunOut, RunSummaryOut
from planner.service import runs
from planner.service.runs import RunRequest
from planner.service.submission import Submission

router = APIRouter(tags=["runs"])

Request = Annotated[
    Submission[RunRequest], PlainValidator(just_one(RunBody), json_schema_input_type=RunBody), Body()
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
def list_runs(store: StoreDep, limit: Limit = PAGE_SIZE) -> list[RunSummaryOut]:
    """Runs, the newest first."""
    return [RunSummaryOut.model_validate(run) for run in runs.runs(store, limit=limit)]


@router.get("/runs/{run_id}", responses=problems(404))
def get_run(store: StoreDep, run_id: RunId) -> RunOut:
    """One run: state, progress, and the plan version it made."""
    return RunOut.model_validate(runs.run(store, run_id))


@router.delete("/runs/{run_id}", status_code=202, responses=problems(404, 409))
def cancel_run(store: StoreDep, run_id: RunId, actor: Actor = ANONYMOUS) -> RunOut:
    """Cancel a run: a queued one at once, a running one within seconds."""
    return RunOut.model_validate(runs.cancel_run(store, run_id, actor=actor))
