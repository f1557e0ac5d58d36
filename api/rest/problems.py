"""Errors as RFC 9457 problem details; every refusal of the service has its status here, once."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.rest.bodies import body_faults
from api.rest.faults import faults_of_errors, place_of, pointer_of
from planner.service.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Refusal,
)
from planner.store.errors import SchemaOutdated, StoreConflict, StoreUnavailable
from profiles.faults import Fault, InputInvalid

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:fermata:problem:"
STATUS_BY_REFUSAL: dict[type[Refusal], int] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    PreconditionFailed: 412,
    PreconditionRequired: 428,
}

# Problems that are no refusal of the service: code -> (status, title).
GENERAL_PROBLEMS = {
    "input-invalid": (422, "The input has faults"),
    "route-not-found": (404, "No such route"),
    "method-not-allowed": (405, "The route does not take this method"),
    "request-refused": (400, "The request could not be read"),
    "body-too-large": (413, "The request body is too large"),
    "idempotency-key-reused": (422, "The idempotency key was used for another request"),
    "idempotency-key-in-use": (409, "A request with this idempotency key is being carried out"),
    "idempotency-answer-not-kept": (409, "The request was carried out and its answer not kept"),
    "body-stalled": (408, "The request body stopped coming"),
    "headers-too-large": (431, "The request's headers are too large"),
    "unauthenticated": (401, "It is not known who asks"),
    "forbidden": (403, "Whoever asks may not do this"),
    "cross-site": (403, "The request comes from another site"),
    "rate-limited": (429, "Too many requests"),
    "out-of-time": (503, "The request took too long"),
    "bodies-too-large-together": (503, "There is no room for the request body now"),
    "issuer-away": (503, "The identity provider cannot be asked"),
    "store-conflict": (409, "Another change came in between"),
    "store-unavailable": (503, "The database cannot be reached"),
    "schema-outdated": (503, "The database is not at the schema of this version"),
    "internal": (500, "Something went wrong here"),
}
_CODE_BY_STATUS = {
    404: "route-not-found",
    405: "method-not-allowed",
    408: "body-stalled",
    413: "body-too-large",
    503: "bodies-too-large-together",
}

log = logging.getLogger(__name__)


class FaultOut(BaseModel):
    """One thing wrong with the input."""

    field: str = Field(description="Path of the field, as in `models[3].slo_ms`.")
    value: str = Field(description="What was found there.")
    limit: str = Field(description="What is allowed there.")
    place: Literal["body", "query", "path", "header"] = Field(
        "body", description="The part of the request that the field is in."
    )
    pointer: str | None = Field(
        None, description="In the body: the field as a JSON Pointer, as in `#/models/3/slo_ms`."
    )

    @classmethod
    def of(cls, fault: Fault, place: str) -> FaultOut:
        pointer = pointer_of(fault.field) if place == "body" else None
        values = {"field": fault.field, "value": fault.value, "limit": fault.limit}
        return cls.model_validate({**values, "place": place, "pointer": pointer})


class Problem(BaseModel):
    """A problem detail (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": f"{TYPE_PREFIX}input-invalid",
                    "title": "The input has faults",
                    "status": 422,
                    "detail": "models has 1 fault(s)",
                    "instance": "/v1/models",
                    "request_id": "5f0c2a9d1b7e4c3f",
                    "fault_count": 1,
                    "faults": [
                        {
                            "field": "[3].slo_ms",
                            "value": "-3",
                            "limit": "must be greater than 0",
                            "place": "body",
                            "pointer": "#/3/slo_ms",
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(description="Stable name of the kind of problem (docs/reference/errors.md).")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong here.")
    instance: str = Field(description="The path that was asked for.")
    request_id: str | None = Field(None, description="As in the header X-Request-ID.")
    hint: str | None = Field(None, description="What to do about it.")
    faults: list[FaultOut] | None = Field(
        None, description="With status 422: every fault of the input; of very many the first 10,000."
    )
    fault_count: int | None = Field(None, description="With status 422: how many faults there are in all.")


def problem_response(
    request: Request,
    code: str,
    status: int,
    title: str,
    detail: str,
    *,
    hint: str | None = None,
    faults: Sequence[Fault | FaultOut] | None = None,
    fault_count: int | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    problem = Problem(
        type=TYPE_PREFIX + code,
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        request_id=getattr(request.state, "request_id", None),
        hint=hint,
        faults=None if faults is None else [_shown(fault) for fault in faults],
        fault_count=fault_count,
    )
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _shown(fault: Fault | FaultOut) -> FaultOut:
    return FaultOut.of(fault, "body") if isinstance(fault, Fault) else fault


def general(request: Request, code: str, detail: str, **more: Any) -> JSONResponse:
    status, title = GENERAL_PROBLEMS[code]
    return problem_response(request, code, status, title, detail, **more)


def install(app: FastAPI) -> None:
    """Register a handler for everything that can go wrong."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(InputInvalid, _input_invalid)
    app.add_exception_handler(RequestValidationError, _request_invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StoreConflict, _store_conflict)
    app.add_exception_handler(StoreUnavailable, store_unavailable)
    app.add_exception_handler(SchemaOutdated, _schema_outdated)
    app.add_exception_handler(Exception, _internal)


def _refusal(request: Request, error: Exception) -> JSONResponse:
    refusal = cast(Refusal, error)
    status = next(status for kind, status in STATUS_BY_REFUSAL.items() if isinstance(refusal, kind))
    return problem_response(request, refusal.code, status, refusal.title, refusal.message, hint=refusal.hint)


def _input_invalid(request: Request, error: Exception) -> JSONResponse:
    invalid = cast(InputInvalid, error)
    return _input(request, invalid.subject, invalid.faults, invalid.count)


def _input(request: Request, subject: str, faults: Sequence[Fault | FaultOut], count: int) -> JSONResponse:
    listed = f", of which {len(faults)} are listed" if count > len(faults) else ""
    detail = f"{subject} has {count} fault(s){listed}"
    return general(request, "input-invalid", detail, faults=faults, fault_count=count)


def _request_invalid(request: Request, error: Exception) -> JSONResponse:
    invalid = cast(RequestValidationError, error)
    faults: list[Fault | FaultOut] = [
        FaultOut.of(fault, place_of(each)) for each in invalid.errors() for fault in faults_of_errors([each])
    ]
    of_body, unlisted = body_faults(request.scope.get("route"), invalid.body)
    faults += of_body
    return _input(request, "the request", faults, len(faults) + unlisted)


def _http(request: Request, error: Exception) -> JSONResponse:
    refused = cast(HTTPException, error)
    status = refused.status_code
    if status == HTTPStatus.BAD_REQUEST:  # the body is no JSON, not even broken JSON
        fault = Fault("(whole)", "what cannot be read", "must be valid JSON in UTF-8, not too deeply nested")
        return _input_invalid(request, InputInvalid("the request", [fault]))
    code = _CODE_BY_STATUS.get(status, "request-refused")
    details = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.url.path} does not take {request.method}",
    }
    headers = dict(refused.headers) if refused.headers else {}
    if status == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_at(request)):
        headers["Allow"] = ", ".join(methods)
    title = GENERAL_PROBLEMS[code][1] if code != "request-refused" else HTTPStatus(status).phrase
    detail = details.get(status, str(refused.detail))
    return problem_response(request, code, status, title, detail, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """All methods that the path takes: each has a route of its own, the router tells of the first only."""
    methods: set[str] = set()
    for path, operations in request.app.openapi()["paths"].items():
        pattern = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path))
        if re.fullmatch(pattern, request.url.path):
            methods |= {name.upper() for name in operations}
    return sorted(methods)


def _store_conflict(request: Request, error: Exception) -> JSONResponse:
    return general(request, "store-conflict", "nothing was stored", hint="read the state again, then retry")


def store_unavailable(request: Request, error: Exception) -> JSONResponse:
    log.error("the database cannot be reached: %s", " ".join(str(error).split()))
    detail = "the database cannot be reached or was busy for too long"
    hint = "send the request again; if it changes something, its outcome is not known: see what is stored"
    return general(request, "store-unavailable", detail, hint=hint, headers={"Retry-After": "5"})


def _schema_outdated(request: Request, error: Exception) -> JSONResponse:
    return general(request, "schema-outdated", str(error), hint="run `fermata db upgrade`")


def _internal(request: Request, error: Exception) -> JSONResponse:
    log.error("request %s failed", getattr(request.state, "request_id", "-"), exc_info=error)
    return general(request, "internal", "the server's log has the rest under this request id")
