"""Around every request: an id, a limit to its time, headers that tell browsers to be careful."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
