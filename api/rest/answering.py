"""
Answers are written on the thread that found them.

FastAPI takes what a route returns to a second thread to be checked, and back to the loop of events to be
written: under load each change of threads waits behind every other request.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute

JSON = "application/json"


def answer_where_found(router: APIRouter) -> None:
    """Has every route of ``router`` that runs on a thread check and write its answer there."""
    for route in router.routes:
        if isinstance(route, APIRoute) and not inspect.iscoroutinefunction(route.endpoint):
            route.endpoint = _answering(route, route.endpoint)
            route.dependant.call = route.endpoint


def _answering(route: APIRoute, endpoint: Callable[..., Any]) -> Callable[..., Any]:
    if hasattr(endpoint, "is_answering"):
        return endpoint

    @functools.wraps(endpoint)
    def answering(*args: Any, **kwargs: Any) -> Any:
        found = endpoint(*args, **kwargs)
        field = route.response_field
        if field is None or isinstance(found, Response):
            return found
        value, errors = field.validate(found, {}, loc=("response",))
        if errors:
            return found  # FastAPI finds them again, and says so as it does
        content = field.serialize_json(
            value,
            include=route.response_model_include,
            exclude=route.response_model_exclude,
            by_alias=route.response_model_by_alias,
            exclude_unset=route.response_model_exclude_unset,
            exclude_defaults=route.response_model_exclude_defaults,
            exclude_none=route.response_model_exclude_none,
        )
        return _response(route, content, kwargs)

    answering.is_answering = True  # type: ignore[attr-defined]
    return answering


def _response(route: APIRoute, content: bytes, arguments: dict[str, Any]) -> Response:
    """With the status and the headers that the route gave to the response it was handed."""
    given = next((each for each in arguments.values() if isinstance(each, Response)), None)
    status = (given.status_code if given else None) or route.status_code or 200
    answer = Response(content, status, media_type=JSON)
    if given:
        answer.headers.raw.extend(given.headers.raw)
    return answer
