"""From the plan before to the active one: how far, what a sub-cluster holds, where requests go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.rest.dependencies import INTEGER_MAX, SettingsDep, StoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, etag_of, is_current, not_modified
from api.rest.schemas.rollouts import RolloutProgressOut, RoutesOut
from api.rest.schemas.sub_cluster import SubClusterSpecOut
from api.rest.waiting import WaitS, until_news
from planner.service.rollouts import view

router = APIRouter(tags=["activations"])

Number = Annotated[int, Path(ge=0, le=INTEGER_MAX)]


@router.get(
    "/activations/current/rollout",
    response_model=RolloutProgressOut,
    dependencies=[CONDITIONAL],
    responses=NOT_MODIFIED | problems(404),
)
async def get_current_rollout(
    store: StoreDep, request: Request, response: Response, wait_s: WaitS = 0.0
) -> Any:
    """How far the fleet is on its way to the active plan; nodes ask with If-None-Match and wait."""
    found, etag = await until_news(request, wait_s, lambda: view.progress(store), _progress_etag)
    if found is None:
        return not_modified(etag)
    response.headers["ETag"] = etag
    waits_for = await run_in_threadpool(view.waits_for, store)
    return RolloutProgressOut.model_validate(dataclasses.asdict(found) | {"waits_for": waits_for})
