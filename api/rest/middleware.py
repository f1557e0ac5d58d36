"""Around every request: an id, limits to its body and its time, headers that tell browsers to be careful."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.json_shape import shape_faults
from api.rest.problems import general

REQUEST_ID = "X-Request-ID"
_REQUEST_ID_FORM = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
TRANSPORT_SECURITY = "max-age=31536000"


class RequestIdMiddleware:
    """Every answer carries ``X-Request-ID``: the client's own where it sent a sane one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _REQUEST_ID_FORM.match(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        more = {"Strict-Transport-Security": TRANSPORT_SECURITY} if scope["scheme"] == "https" else {}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in (SECURITY_HEADERS | more).items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


class TimeLimitMiddleware:
    """
    A request that has no answer after ``seconds`` gets status 503; routes that stream are left alone.

    What it was about goes on to its end: a thread cannot be stopped, nor a transaction in it.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = scope.get("state", {}).get("rule")
        if scope["type"] != "http" or rule is None or rule.streams:
            await self._app(scope, receive, send)
            return
        started = asyncio.Event()
        is_over = False

        async def send_in_time(message: Message) -> None:
            if is_over:
                return
            started.set()
            await send(message)

        work: asyncio.Task[None] = asyncio.create_task(_run(self._app(scope, receive, send_in_time)))
        try:
            await asyncio.wait({work}, timeout=self._seconds)
            if work.done() or started.is_set():
                await work
                return
        except asyncio.CancelledError:
            work.cancel()
            raise
        is_over = True
        work.cancel()
        work.add_done_callback(_forget)
        detail = f"no answer within {self._seconds:g} s; whether anything was stored is not known"
        await general(Request(scope), "out-of-time", detail, headers={"Retry-After": "5"})(
            scope, receive, send
        )


async def _run(work: Awaitable[None]) -> None:
    await work


def _forget(work: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError, Exception):
        work.result()


class BodyLimitMiddleware:
    """
    Refuses a body above ``bytes_max``, by its stated length or as soon as it exceeds it, and one that stalls.

    A JSON body is read whole and refused if it is too deep or has too many values. All others go on as they
    come, for routes that read them piece by piece.
    """

    def __init__(self, app: ASGIApp, bytes_max: int, silence_s_max: float = 15.0) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._silence_s_max = silence_s_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stated = headers.get("content-length", "")
        if stated.isdigit() and int(stated) > self._bytes_max:
            refusal = general(Request(scope), "body-too-large", self._too_large())
            await refusal(scope, receive, send)
            return
        limited = self._limited(receive)
        if "json" not in headers.get("content-type", "") or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, limited, send)
            return
        body = await _whole(limited, Request(scope))
        if isinstance(body, Response):
            await body(scope, receive, send)
            return
        faults = shape_faults(body)
        if faults:
            answer = general(Request(scope), "input-invalid", "the body is too complex", faults=faults)
            await answer(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    def _limited(self, receive: Receive) -> Receive:
        received = 0
        is_whole = False

        async def receive_limited() -> Message:
            nonlocal received, is_whole
            if is_whole:  # what comes now is that the client went away, whenever that may be
                return await receive()
            try:
                async with asyncio.timeout(self._silence_s_max):
                    message = await receive()
            except TimeoutError:
                detail = f"nothing of the body came for {self._silence_s_max:g} s"
                raise HTTPException(408, detail) from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > self._bytes_max:
                raise HTTPException(413, self._too_large())
            return message

        return receive_limited

    def _too_large(self) -> str:
        return f"a request body may have at most {self._bytes_max} bytes"


async def _whole(receive: Receive, request: Request) -> bytes | Response:
    parts = bytearray()
    try:
        while True:
            message = await receive()
            parts += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body", False):
                return bytes(parts)
    except HTTPException as error:
        code = "body-too-large" if error.status_code == 413 else "body-stalled"
        return general(request, code, str(error.detail))


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
