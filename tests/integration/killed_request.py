"""
One POST with an idempotency key, carried out by the real application, which is killed at a given point.

``python -m tests.integration.killed_request DATABASE_URL POINT KEY``, the forecast on stdin.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import httpx

from api.rest.app import create_app
from api.settings import Settings
from planner.store.idempotency import IdempotencyRepository
from planner.store.store import Store
from planner.store.together import Together


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(point: str) -> None:
    if point == "reserved":
        Store.begin_together = die  # type: ignore[method-assign]
    elif point == "written":
        IdempotencyRepository.finish = die  # type: ignore[method-assign]
    elif point == "answered":
        Together.commit = die  # type: ignore[method-assign]
    elif point == "committed":
        commit = Together.commit

        def commit_and_die(self: Together) -> None:
            commit(self)
            die()

        Together.commit = commit_and_die  # type: ignore[method-assign]


async def send(url: str, key: str, body: Any) -> None:
    app = create_app(Settings(database_url=url, run_worker=False, scheduler=False))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await client.post("/v1/forecasts", json=body, headers={"Idempotency-Key": key})


if __name__ == "__main__":
    die_at(sys.argv[2])
    asyncio.run(send(sys.argv[1], sys.argv[3], json.load(sys.stdin)))
