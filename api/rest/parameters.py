"""A query parameter that an operation does not know is a fault: a filter with a slip would filter nothing."""

from __future__ import annotations

from typing import Any

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from planner.problem.names import nearest

ANYWHERE = {"fleet"}  # clients set it once for all they ask; the gate looks at it wherever it stands


async def only_known_parameters(request: Request) -> None:
    """Raises ``RequestValidationError`` with every fault of the request's parameters and its body."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    fields = get_flat_params(route.dependant)
    known = {field.alias for field in fields if isinstance(field.field_info, params.Query)} | ANYWHERE
    errors: list[Any] = [
        {
            "type": "extra_forbidden",
            "loc": ("query", name),
            "msg": f"unknown parameter{nearest(name, known)}",
            "input": request.query_params[name],
        }
        for name in dict.fromkeys(request.query_params)
        if name not in known
    ]
    if not errors:
        return
    for kind, received in (
        (params.Path, request.path_params),
        (params.Query, request.query_params),
        (params.Header, request.headers),
    ):
        placed = [field for field in fields if isinstance(field.field_info, kind)]
        errors += request_params_to_args(placed, received)[1]
    raise RequestValidationError(errors, body=await _body(request))


async def _body(request: Request) -> Any:
    """Read a second time, from memory; the first reader has found it sound."""
    is_json = "json" in request.headers.get("content-type", "")
    return await request.json() if is_json and await request.body() else None
