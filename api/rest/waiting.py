"""Long polls: answer when there is something new, or when the time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool

from api.rest.etags import is_current

WAIT_S_MAX = 60.0
LOOK_AGAIN_S = 0.25
"""Between two looks at the database for one that waits: how late it may learn of news."""

Found = TypeVar("Found")
WaitS = Annotated[
    float, Query(ge=0, le=WAIT_S_MAX, description="With If-None-Match: how long to wait for news.")
]


async def until_news(
    request: Request, wait_s: float, look: Callable[[], tuple[Found, str]]
) -> tuple[Found | None, str]:
    """What ``look`` finds with its tag, once that is another than the client has; None after ``wait_s``."""
    end_s = time.monotonic() + wait_s
    while True:
        found, etag = await run_in_threadpool(look)
        if not is_current(request, etag):
            return found, etag
        left_s = end_s - time.monotonic()
        if left_s <= 0 or request.app.state.stopping.is_set() or await request.is_disconnected():
            return None, etag
        await asyncio.sleep(min(LOOK_AGAIN_S, left_s))
