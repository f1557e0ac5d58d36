"""From the plan before to the active one: how far, what a sub-cluster holds, where requests go."""

from __future__ import annotations

import dataclasses
import time
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.rest.dependencies import INTEGER_MAX, SettingsDep, StoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, etag_of, is_current, not_modified
from api.rest.schemas.rollouts import RolloutProgressOut, RoutesOut
from api.rest.schemas.sub_cluster import SubClusterSpecOut
from api.rest.waiting import WaitS, until_news
from planner.service.rollouts import view
from planner.store.store import Store

router = APIRouter(tags=["activations"])

SHARES_GOOD_S = 300.0

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
    found, etag = await until_news(request, wait_s, partial(_look, store))
    if found is None:
        return not_modified(etag)
    response.headers["ETag"] = etag
    details = await run_in_threadpool(view.details, store, found.activation_id)
    return RolloutProgressOut.model_validate({**dataclasses.asdict(found), **dataclasses.asdict(details)})


@router.get(
    "/activations/current/routes",
    response_model=RoutesOut,
    dependencies=[CONDITIONAL],
    responses=NOT_MODIFIED | problems(404),
)
async def get_current_routes(
    store: StoreDep, request: Request, response: Response, wait_s: WaitS = 0.0
) -> Any:
    """Which sub-clusters serve each model now, wave by wave; callers ask with If-None-Match and wait."""
    found, etag = await until_news(request, wait_s, partial(_look_at_routes, store))
    if found is None:
        return not_modified(etag)
    response.headers["ETag"] = etag
    version, models = await run_in_threadpool(view.routes_now, store)
    return RoutesOut(plan_version=version, models=models)


@router.get(
    "/activations/{activation_id}/waves/{wave}/sub-clusters/{sub_cluster:path}",
    response_model=SubClusterSpecOut,
    dependencies=[CONDITIONAL],
    responses=NOT_MODIFIED | problems(404),
)
def get_wave_sub_cluster(
    store: StoreDep,
    settings: SettingsDep,
    activation_id: Number,
    wave: Number,
    sub_cluster: Annotated[str, Path(max_length=200)],
    request: Request,
    response: Response,
) -> Any:
    """A sub-cluster as it is to be from the opening of a wave on; after the last one as the plan has it."""
    url = settings.public_url or str(request.base_url).rstrip("/")
    spec = view.spec_at(store, activation_id, wave, sub_cluster, reporting_url=url)
    content = msgspec.to_builtins(spec)
    etag = etag_of("wave", content)
    if is_current(request, etag):
        return not_modified(etag)
    response.headers["ETag"] = etag
    return content


def _look(store: Store) -> tuple[view.Progress, str]:
    found = view.progress(store)
    return found, etag_of("rollout", found)


def _look_at_routes(store: Store) -> tuple[view.Progress, str]:
    """Shares change with the plan's epochs too: nobody is left with those of the epoch before for long."""
    found = view.progress(store)
    return found, etag_of("routes", found, int(time.time() / SHARES_GOOD_S))
