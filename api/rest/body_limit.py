"""
Bodies of requests: how large one may be, how long it may stall, and how much of all of them is held at once.

A body is held from its first byte until the request is answered, and what it is read into takes several times
its room. A limit to each alone would let a few large ones at once take all of the memory.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.json_shape import shape_faults
from api.rest.problems import general

SMALL_BYTES = 65_536
"""So much of each body is not counted: load reports and decisions pass beside large uploads."""
RETRY_AFTER_S = 2
CODES = {408: "body-stalled", 413: "body-too-large", 503: "bodies-too-large-together"}


class BodyBudget:
    """Bytes of bodies that may be held at a time, of all requests of this process together."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._held = 0

    def has_room_for(self, size: int) -> bool:
        """Whether a body of ``size`` bytes could be held now."""
        return self._held + _counted(size) <= self.bytes_max

    def grow(self, before: int, after: int) -> bool:
        """A body grows from ``before`` to ``after`` bytes, or False: there is no room for that."""
        more = _counted(after) - _counted(before)
        if self._held + more > self.bytes_max:
            return False
        self._held += more
        return True

    def give_back(self, size: int) -> None:
        self._held -= _counted(size)


def _counted(size: int) -> int:
    return max(0, size - SMALL_BYTES)


class BodyLimitMiddleware:
    """
    Refuses a body above ``bytes_max``, by its stated length or as soon as it exceeds it; one that stalls; and
    one for which there is no room beside those that are held already (``bytes_max_together``).

    A JSON body is read whole and refused if it is too deep or has too many values. All others go on as they
    come, for routes that read them piece by piece.
    """

    def __init__(
        self, app: ASGIApp, bytes_max: int, silence_s_max: float = 15.0, bytes_max_together: int | None = None
    ) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._silence_s_max = silence_s_max
        self._budget = BodyBudget(max(bytes_max, bytes_max_together or 2 * bytes_max))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "")
        size = int(stated) if stated.isdigit() else 0
        refused = self._too_large() if size > self._bytes_max else None
        if refused is None and not self._budget.has_room_for(size):
            refused = self._no_room()
        if refused is not None:
            await refused_body(Request(scope), refused)(scope, receive, send)
            return
        limited = _Limited(receive, self)
        try:
            await self._passed_on(scope, limited, receive, send)
        finally:
            self._budget.give_back(limited.received)

    async def _passed_on(self, scope: Scope, limited: _Limited, receive: Receive, send: Send) -> None:
        kind = Headers(scope=scope).get("content-type", "")
        if "json" not in kind or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, limited, send)
            return
        try:
            body = await _whole(limited)
        except HTTPException as refused:
            await refused_body(Request(scope), refused)(scope, receive, send)
            return
        if body is None:  # half a request is none: nobody waits for an answer, and none may be kept for it
            return
        faults = shape_faults(body)
        if faults:
            answer = general(Request(scope), "input-invalid", "the body is too complex", faults=faults)
            await answer(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    def grown(self, before: int, after: int) -> None:
        """Raises ``HTTPException`` where a body may not grow so."""
        if after > self._bytes_max:
            raise self._too_large()
        if not self._budget.grow(before, after):
            raise self._no_room()

    @property
    def silence_s_max(self) -> float:
        return self._silence_s_max

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"a request body may have at most {self._bytes_max} bytes")

    def _no_room(self) -> HTTPException:
        together = self._budget.bytes_max
        detail = f"the bodies of all requests together may have {together} bytes here; there is no room now"
        return HTTPException(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


class _Limited:
    """A request's ``receive``, counted; ``received`` bytes of it are held."""

    def __init__(self, receive: Receive, limits: BodyLimitMiddleware) -> None:
        self._receive = receive
        self._limits = limits
        self._is_whole = False
        self.received = 0

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is that the client went away, whenever that may be
            return await self._receive()
        silence_s_max = self._limits.silence_s_max
        try:
            async with asyncio.timeout(silence_s_max):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"nothing of the body came for {silence_s_max:g} s") from None
        after = self.received + len(message.get("body", b""))
        self._limits.grown(self.received, after)
        self.received = after
        self._is_whole = not message.get("more_body", False)
        return message


async def _whole(receive: Receive) -> bytes | None:
    """None where the client left before it had said all."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(parts)


def refused_body(request: Request, refused: HTTPException) -> Response:
    """The answer to a request whose body this middleware did not let through."""
    headers = dict(refused.headers) if refused.headers else {}
    return general(request, CODES[refused.status_code], str(refused.detail), headers=headers)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
