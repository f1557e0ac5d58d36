"""
The HTTP door: Open Inference Protocol v2 as a bare ASGI application.

A request's deadline counts from the moment its headers were read. A fault of the client is a
4xx with ``{"error": ...}``; a refusal of the scheduler is a 429, 503 or 504 with
``{"error": ..., "reason": ...}``; a result is a 200, and only when it is in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

import structlog

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.frontend import descriptions
from dispatcher.frontend.http_body import ClientGone, Message, Receive, Scope, read_body
from dispatcher.frontend.http_coding import answer_coding, content_coding, decoded, encoded
from dispatcher.frontend.infer_request import RequestInvalid, body_bytes_max, parse_infer
from dispatcher.frontend.infer_response import (
    MODEL_VERSION,
    Response,
    error_response,
    infer_response,
    json_response,
    refusal_response,
)
from dispatcher.frontend.repository import ModelNotHere, Repository
from dispatcher.frontend.service import Answer, Completed, InferenceService
from dispatcher.frontend.submission import submit
from dispatcher.frontend.tenancy import Tenancy

Send: TypeAlias = Callable[[Message], Awaitable[None]]

WATCH_AFTER_S = 0.01
"""A request that waits longer has its client watched; most are answered before, and spared the cost."""

REPOSITORY_BYTES_MAX = 64 * 2**10

METRICS_TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")

_log = structlog.get_logger()


_Answers: TypeAlias = dict[tuple[bytes, ...], Callable[[], Response]]


class HttpDoor:
    """An ASGI application in front of one ``InferenceService``."""

    def __init__(self, service: InferenceService) -> None:
        self._service = service
        self._repository = Repository(service)
        self._tenancy = Tenancy(service.tenants)
        self._index = {model.id.encode(): index for index, model in enumerate(service.models)}
        self._body_bytes_max = [body_bytes_max(model) for model in service.models]
        self._answers: _Answers = {
            (b"v2",): lambda: json_response(200, descriptions.server_metadata()),
            (b"v2", b"health", b"live"): lambda: json_response(200, {"live": True}),
            (b"v2", b"health", b"ready"): self._readiness,
            (b"v2", b"models", b"stats"): lambda: self._statistics(range(len(service.models))),
            (b"metrics",): lambda: Response(200, service.metrics_text().encode(), (METRICS_TYPE,)),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"scope type: must be http, got {scope['type']!r}")
        arrived_us = self._service.now_us()
        try:
            response = await self._answer(scope, receive, arrived_us)
        except RequestInvalid as error:
            response = error_response(error.status, str(error), error.reason)
        except ClientGone:
            return
        except Exception:
            _log.exception("request_failed", path=scope["path"])
            response = error_response(500, "internal error; the log of the dispatcher tells more", "bug")
        await _send(send, response)

    async def _answer(self, scope: Scope, receive: Receive, arrived_us: int) -> Response:
        method = scope["method"]
        parts = tuple(
            unquote_to_bytes(part) for part in scope["raw_path"].split(b"?")[0].strip(b"/").split(b"/")
        )
        if len(parts) >= 3 and parts[:2] == (b"v2", b"models"):
            index = self._index.get(parts[2])
            if index is not None:
                return await self._model(index, method, _versionless(parts[3:]), scope, receive, arrived_us)
            if parts != (b"v2", b"models", b"stats"):
                raise ModelNotHere(parts[2].decode(errors="replace"))
        if parts[:2] == (b"v2", b"repository"):
            return await self._repository_request(parts[2:], method, scope, receive)
        answer = self._answers.get(parts)
        if answer is None:
            return error_response(404, f"path: unknown, got {scope['path'][:200]!r}")
        return answer() if method in ("GET", "HEAD") else _method_refused(method, "GET")

    async def _repository_request(
        self, parts: tuple[bytes, ...], method: str, scope: Scope, receive: Receive
    ) -> Response:
        is_index = parts == (b"index",)
        changes = len(parts) == 3 and parts[0] == b"models" and parts[2] in (b"load", b"unload")
        if not is_index and not changes:
            return error_response(404, f"path: unknown, got {scope['path'][:200]!r}")
        if method != "POST":
            return _method_refused(method, "POST")
        body = await read_body(scope, receive, REPOSITORY_BYTES_MAX)
        if is_index:
            return json_response(200, self._repository.index(body))
        self._repository.change(parts[1].decode(errors="replace"), body, load=parts[2] == b"load")
        return json_response(200, {})

    def _readiness(self) -> Response:
        ready = self._service.ready
        return json_response(200 if ready else 503, {"ready": ready})

    async def _model(
        self,
        index: int,
        method: str,
        rest: tuple[bytes, ...],
        scope: Scope,
        receive: Receive,
        arrived_us: int,
    ) -> Response:
        model = self._service.models[index]
        if rest == (b"infer",):
            if method != "POST":
                return _method_refused(method, "POST")
            return await self._infer(index, model, scope, receive, arrived_us)
        answers: _Answers = {
            (): lambda: json_response(200, descriptions.model_metadata(model)),
            (b"ready",): lambda: self._model_readiness(index),
            (b"config",): lambda: json_response(200, descriptions.model_config(model, self._tenancy)),
            (b"stats",): lambda: self._statistics(range(index, index + 1)),
        }
        answer = answers.get(rest)
        if answer is None:
            return error_response(404, f"path: unknown, got {scope['path'][:200]!r}")
        return answer() if method in ("GET", "HEAD") else _method_refused(method, "GET")

    def _model_readiness(self, index: int) -> Response:
        ready = descriptions.model_is_ready(self._service, index)
        return json_response(200 if ready else 503, {"name": self._service.models[index].id, "ready": ready})

    def _statistics(self, indices: range) -> Response:
        return json_response(200, descriptions.statistics(self._service, indices))

    async def _infer(
        self, index: int, model: ServedModel, scope: Scope, receive: Receive, arrived_us: int
    ) -> Response:
        try:
            header_length, coding = _header_length(scope), content_coding(scope)
            bytes_max = self._body_bytes_max[index]
            body = await read_body(scope, receive, bytes_max)
            if coding is not None:
                body = await decoded(body, coding, bytes_max)
            request = parse_infer(model, body, header_length, self._tenancy)
        except RequestInvalid:
            self._service.note_invalid(index)
            raise
        answer = await _unless_gone(submit(self._service, index, request, arrived_us), receive)
        if isinstance(answer, Completed):
            response, wanted = infer_response(model, request, answer), answer_coding(scope)
            return response if wanted is None else await encoded(response, wanted)
        return refusal_response(answer)


async def _unless_gone(answer: asyncio.Future[Answer], receive: Receive) -> Answer:
    """The answer; cancelled, and ``ClientGone`` raised, when its client hangs up before."""
    if answer.done():
        return answer.result()
    loop = answer.get_loop()
    watches: list[asyncio.Task[None]] = []

    async def watch() -> None:
        message = await receive()
        while message["type"] != "http.disconnect":
            message = await receive()
        answer.cancel()

    timer = loop.call_later(WATCH_AFTER_S, lambda: watches.append(loop.create_task(watch())))
    try:
        return await answer
    except asyncio.CancelledError:
        if watches and watches[0].done():
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        for task in watches:
            task.cancel()


def _versionless(rest: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Every model has the one version, so a path that names it means the same."""
    if rest[:2] == (b"versions", MODEL_VERSION.encode()):
        return rest[2:]
    return rest


def _header_length(scope: Scope) -> int | None:
    """The JSON part's length of a request with binary tensors; None for JSON alone."""
    for name, value in scope["headers"]:
        if name == b"inference-header-content-length":
            if not value.isdigit() or len(value) > 12:
                raise RequestInvalid(f"Inference-Header-Content-Length: must be a number, got {value[:40]!r}")
            return int(value)
    return None


def _method_refused(method: str, allowed: str) -> Response:
    response = error_response(405, f"method: must be {allowed}, got {method}")
    return Response(405, response.body, [*response.headers, (b"allow", allowed.encode())])


async def _send(send: Send, response: Response) -> None:
    headers = [*response.headers, (b"content-length", str(len(response.body)).encode())]
    if response.status in (408, 413):  # the rest of the body is not worth reading
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
