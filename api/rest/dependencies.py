"""What endpoints are given: the store, who asks, and which problems an operation may answer with."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from api.rest.problems import GENERAL_PROBLEMS, MEDIA_TYPE, STATUS_BY_REFUSAL, TYPE_PREFIX
from api.settings import Settings
from planner.service.errors import PreconditionFailed, PreconditionRequired
from planner.service.fleets import require_fleet
from planner.store.records import DEFAULT_FLEET
from planner.store.store import Store

PAGE_SIZE = 50
PAGE_SIZE_MAX = 500
INTEGER_MAX = 2**31 - 1
FLEET_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$"


FleetQuery = Annotated[
    str, Query(min_length=1, max_length=100, pattern=FLEET_PATTERN, description="Whose data: a fleet's id.")
]


async def _server_store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _store(request: Request, fleet: FleetQuery = DEFAULT_FLEET) -> Store:
    """The store bound to the fleet asked for."""
    store = await _server_store(request)
    if fleet == DEFAULT_FLEET:  # always there
        return store
    await run_in_threadpool(require_fleet, store, fleet)
    return store.of_fleet(fleet)


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


StoreDep = Annotated[Store, Depends(_store)]
ServerStoreDep = Annotated[Store, Depends(_server_store)]
"""For what is no fleet's: bound to none that was asked for."""
SettingsDep = Annotated[Settings, Depends(_settings)]
Actor = Annotated[
    str,
    Header(
        alias="X-Actor",
        max_length=100,
        pattern=r"^[\x21-\x7e][\x20-\x7e]*$",
        description="Who asks, for the audit log; where tokens are needed, the token's name counts instead.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="How many to return at most.")]
Before = Annotated[int | None, Query(ge=1, le=INTEGER_MAX, description="Only what is older than this.")]
After = Annotated[
    str | None, Query(max_length=200, description="Only what comes after this name: `next_after` of a page.")
]
AfterPair = Annotated[
    str | None,
    Query(
        max_length=401,
        pattern="^[^/]*/[^/]*$",
        description="Only what comes after this pair of names: `next_after` of a page.",
    ),
]
NameFilter = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="Only those with this in their id, in capitals or not."),
]
Version = Annotated[int, Path(ge=1, le=INTEGER_MAX, description="The plan's version.")]

ANONYMOUS = "anonymous"


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of an operation's error answers; 404 (unknown fleet), 422, 503 and 500 come with all."""
    descriptions = {
        404: "What was asked for does not exist.",
        409: "Its state forbids the request.",
        412: "The state is another than If-Match or If-None-Match demands.",
        413: "The request body is too large.",
        422: "The input has faults; every one is listed.",
        428: "If-Match must say which state is changed: this server asks for it.",
        500: "Something went wrong here.",
        503: "The database cannot be reached.",
    }
    return {
        status: problem_answer(status, descriptions[status])
        for status in sorted({*codes, 404, 422, 500, 503})
    }


def problem_answer(status: int, description: str) -> dict[str, Any]:
    known = {number: (code, title) for code, (number, title) in reversed(GENERAL_PROBLEMS.items())}
    for refusal in (PreconditionFailed, PreconditionRequired):
        known[STATUS_BY_REFUSAL[refusal]] = (refusal.code, refusal.title)
    code, title = known[status]
    shown = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": description,
        "instance": "/v1",
        "request_id": "5f0c2a9d1b7e4c3f",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": shown}}}
