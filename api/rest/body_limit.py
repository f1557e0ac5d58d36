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

from api.access.json_shape import VALUES_MAX, shape_of
from api.rest.problems import general

SMALL_BYTES = 65_536
"""So much of each is not counted: load reports and decisions pass beside large uploads."""
VALUE_BYTES = 64
"""Room that a value of JSON takes at least once it is read, beside its text."""
RETRY_AFTER_S = 2
CODES = {408: "body-stalled", 413: "body-too-large", 503: "bodies-too-large-together"}


class BodyBudget:
    """
    Bytes that bodies may take at a time, of all requests of this process together.

    Of each the bytes of its text, and of JSON ``VALUE_BYTES`` a value, known before it is read into objects.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._held = 0

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
        largest = bytes_max + VALUE_BYTES * VALUES_MAX
        self._budget = BodyBudget(max(largest, bytes_max_together or 2 * largest))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "")
        size = int(stated) if stated.isdigit() else 0
        refused = self._too_large() if size > self._bytes_max else None
        if refused is None and not self._budget.grow(0, size):
            refused = self._no_room()
        if refused is not None:
            await refused_body(Request(scope), refused)(scope, receive, send)
            return
        limited = _Limited(receive, self, held=size)
        try:
            await self._passed_on(scope, limited, receive, send)
        finally:
            self._budget.give_back(limited.held)

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
        shape = shape_of(body)
        if shape.faults:
            answer = general(Request(scope), "input-invalid", "the body is too complex", faults=shape.faults)
            await answer(scope, receive, send)
            return
        try:
            limited.weigh(VALUE_BYTES * shape.values)
        except HTTPException as refused:
            await refused_body(Request(scope), refused)(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    def grown(self, held: int, received: int) -> int:
        """What is held of a body once so much was received. Raises ``HTTPException`` where it may not be."""
        if received > self._bytes_max:
            raise self._too_large()
        if not self._budget.grow(held, max(held, received)):
            raise self._no_room()
        return max(held, received)

    def weighed(self, held: int, more: int) -> int:
        """``held`` and what the body is read into. Raises ``HTTPException`` where there is no room for it."""
        if not self._budget.grow(held, held + more):
            raise self._no_room()
        return held + more

    @property
    def silence_s_max(self) -> float:
        return self._silence_s_max

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"a request body may have at most {self._bytes_max} bytes")

    def _no_room(self) -> HTTPException:
        together = self._budget.bytes_max
        detail = f"all request bodies together may take {together} bytes here; there is no room now"
        return HTTPException(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


class _Limited:
    """A request's ``receive``, counted; room for ``held`` bytes is taken, what it stated from the start."""

    def __init__(self, receive: Receive, limits: BodyLimitMiddleware, held: int) -> None:
        self._receive = receive
        self._limits = limits
        self._is_whole = False
        self._received = 0
        self.held = held

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is that the client went away, whenever that may be
            return await self._receive()
        silence_s_max = self._limits.silence_s_max
        try:
            async with asyncio.timeout(silence_s_max):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"nothing of the body came for {silence_s_max:g} s") from None
        self._received += len(message.get("body", b""))
        self.held = self._limits.grown(self.held, self._received)
        self._is_whole = not message.get("more_body", False)
        return message

    def weigh(self, more: int) -> None:
        """It is about to be read into so many more bytes. Raises ``HTTPException`` where there is no room."""
        self.held = self._limits.weighed(self.held, more)


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
