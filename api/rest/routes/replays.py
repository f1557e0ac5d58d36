"""Replays of past days."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import StoreDep, problems
from api.rest.schemas.replays import ReplayBody, ReplayedDayOut
from planner.service.replay_request import ReplayRequest, replay
from planner.service.submission import Submission

router = APIRouter(tags=["replays"])

Request = Annotated[
    Submission[ReplayRequest], PlainValidator(just_one(ReplayBody), json_schema_input_type=ReplayBody), Body()
]


@router.post("/replays", responses=problems(409, 413))
def replay_day(store: StoreDep, body: Request) -> ReplayedDayOut:
    """
    What would have been on a past day, beside what was.

    The day is planned from what was known when it began, and that plan and the active one are simulated at
    the load observed on the day. Nothing is stored. It takes as long as a run: seconds to minutes.
    """
    (request,) = body.accepted({})
    return ReplayedDayOut.model_validate(replay(store, request))
