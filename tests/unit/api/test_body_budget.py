"""Bodies of all requests together: what is counted, and that all of it is given back."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message

from api.rest.body_limit import SMALL_BYTES, BodyBudget, BodyLimitMiddleware

MEBIBYTE = 2**20
LARGEST = 300 * MEBIBYTE  # above what the values of one body may be weighed with: two find no room


def test_small_bodies_are_not_counted_and_large_ones_beyond_that() -> None:
    budget = BodyBudget(100)
    assert all(budget.grow(0, SMALL_BYTES) for _ in range(1_000))
    assert budget.grow(0, SMALL_BYTES + 60)
    assert not budget.grow(0, SMALL_BYTES + 41)
    assert budget.grow(0, SMALL_BYTES + 40)
    budget.give_back(SMALL_BYTES + 60)
    assert budget.grow(0, SMALL_BYTES + 60)


class Asked:
    """A request that states a length, or none, and comes in the parts given."""

    def __init__(self, parts: list[bytes], *, stated: int | None = None, kind: bytes = b"text/csv") -> None:
        length = [] if stated is None else [(b"content-length", str(stated).encode())]
        self.scope: Any = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "state": {},
            "headers": [(b"content-type", kind), *length],
        }
        self._messages: list[Message] = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts
        ]
        self.status: int | None = None

    async def hear(self) -> Message:
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}

    async def say(self, message: Message) -> None:
        self.status = message.get("status", self.status)


def test_room_is_taken_by_the_length_that_is_stated_and_given_back_at_the_end() -> None:
    seen: list[int | None] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        if seen:
            return
        beside = Asked([], stated=LARGEST)
        seen.append(None)
        await limited(beside.scope, beside.hear, beside.say)
        seen.append(beside.status)
        small = Asked([], stated=SMALL_BYTES)
        await limited(small.scope, small.hear, small.say)
        seen.append(small.status)

    limited = BodyLimitMiddleware(app, bytes_max=LARGEST, bytes_max_together=LARGEST)
    first = Asked([], stated=LARGEST)
    asyncio.run(limited(first.scope, first.hear, first.say))
    assert seen == [None, 503, None]
    again = Asked([], stated=LARGEST)
    asyncio.run(limited(again.scope, again.hear, again.say))
    assert again.status is None


def test_half_a_json_body_reaches_nobody() -> None:
    reached = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(True)

    limited = BodyLimitMiddleware(app, bytes_max=MEBIBYTE)
    cut = Asked([b'{"name": '], stated=100, kind=b"application/json")
    asyncio.run(limited(cut.scope, cut.hear, cut.say))
    assert reached == []
    assert cut.status is None
