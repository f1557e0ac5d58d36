"""
The HTTP door: Open Inference Protocol v2 as a bare ASGI application.

One request is one item. Its deadline counts from the moment its headers were read. A fault
of the client is a 4xx with ``{"error": ...}``; a refusal of the scheduler is a 429, 503 or
504 with ``{"error": ..., "reason": ...}``; a result is a 200, and only when it is in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

import structlog

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.frontend.descriptions import model_config, model_metadata, server_metadata
from dispatcher.frontend.infer_request import RequestInvalid, body_bytes_max, parse_infer
from dispatcher.frontend.infer_response import (
    MODEL_VERSION,
    Response,
    error_response,
    infer_response,
    json_response,
    refusal_response,
)
from dispatcher.frontend.service import Completed, InferenceService

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

BODY_WAIT_S = 30.0
"""A client that sends its body slower than this is let go."""

METRICS_TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")

_log = structlog.get_logger()


_Answers: TypeAlias = dict[tuple[bytes, ...], Callable[[], Response]]


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class HttpDoor:
    """An ASGI application in front of one ``InferenceService``."""

    def __init__(self, service: InferenceService) -> None:
        self._service = service
        self._index = {model.id.encode(): index for index, model in enumerate(service.models)}
        self._tenants = {tenant.id: index for index, tenant in enumerate(service.tenants)}
        self._body_bytes_max = [body_bytes_max(model) for model in service.models]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"scope type: must be http, got {scope['type']!r}")
        arrived_us = self._service.now_us()
        try:
            response = await self._answer(scope, receive, arrived_us)
        except RequestInvalid as error:
            response = error_response(error.status, str(error))
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
            if index is None:
                return error_response(404, f"model: unknown, got {parts[2].decode(errors='replace')[:200]!r}")
            return await self._model(index, method, _versionless(parts[3:]), scope, receive, arrived_us)
        answers: _Answers = {
            (b"v2",): lambda: json_response(200, server_metadata()),
            (b"v2", b"health", b"live"): lambda: json_response(200, {"live": True}),
            (b"v2", b"health", b"ready"): self._readiness,
            (b"metrics",): lambda: Response(200, self._service.metrics_text().encode(), (METRICS_TYPE,)),
        }
        answer = answers.get(parts)
        if answer is None:
            return error_response(404, f"path: unknown, got {scope['path'][:200]!r}")
        return answer() if method == "GET" else _method_refused(method, "GET")

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
            (): lambda: json_response(200, model_metadata(model)),
            (b"ready",): lambda: self._model_readiness(model),
            (b"config",): lambda: json_response(200, model_config(model)),
        }
        answer = answers.get(rest)
        if answer is None:
            return error_response(404, f"path: unknown, got {scope['path'][:200]!r}")
        return answer() if method == "GET" else _method_refused(method, "GET")

    def _model_readiness(self, model: ServedModel) -> Response:
        ready = self._service.ready
        return json_response(200 if ready else 503, {"name": model.id, "ready": ready})

    async def _infer(
        self, index: int, model: ServedModel, scope: Scope, receive: Receive, arrived_us: int
    ) -> Response:
        try:
            header_length = _header_length(scope)
            body = await _body(scope, receive, self._body_bytes_max[index])
            request = parse_infer(model, body, header_length, self._tenants)
        except RequestInvalid:
            self._service.note_invalid(index)
            raise
        answer = await self._service.submit(
            index, request.inputs, arrived_us, request.timeout_us, request.tenant_index
        )
        if isinstance(answer, Completed):
            return infer_response(model, request, answer)
        return refusal_response(answer)


def _versionless(rest: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Every model has the one version, so a path that names it means the same."""
    if rest[:2] == (b"versions", MODEL_VERSION.encode()):
        return rest[2:]
    return rest


def _header_length(scope: Scope) -> int | None:
    """The JSON part's length of a request with binary tensors; None for JSON alone."""
    length: int | None = None
    for name, value in scope["headers"]:
        if name == b"inference-header-content-length":
            if not value.isdigit() or len(value) > 12:
                raise RequestInvalid(f"Inference-Header-Content-Length: must be a number, got {value[:40]!r}")
            length = int(value)
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            raise RequestInvalid(
                f"Content-Encoding: must be identity, got {value[:40].decode(errors='replace')}", 415
            )
    return length


async def _body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > bytes_max:
            raise _too_large(bytes_max, declared.decode())
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                body += await _rest_of_body(receive, bytes_max - len(body), bytes_max)
        except TimeoutError:
            raise RequestInvalid(f"body: must be sent within {BODY_WAIT_S:g} s", 408) from None
    if len(body) > bytes_max:
        raise _too_large(bytes_max, str(len(body)))
    return body


async def _rest_of_body(receive: Receive, bytes_left: int, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        bytes_left -= len(parts[-1])
        if bytes_left < 0:
            raise _too_large(bytes_max, f"more than {bytes_max}")
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(bytes_max: int, found: str) -> RequestInvalid:
    return RequestInvalid(f"body: must be at most {bytes_max} bytes, got {found}", 413)


def _method_refused(method: str, allowed: str) -> Response:
    response = error_response(405, f"method: must be {allowed}, got {method}")
    return Response(405, response.body, [*response.headers, (b"allow", allowed.encode())])


async def _send(send: Send, response: Response) -> None:
    headers = [*response.headers, (b"content-length", str(len(response.body)).encode())]
    if response.status in (408, 413):  # the rest of the body is not worth reading
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
