"""SQLite has one writer: who waits for it takes up no thread that the writer needs to come to its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from anyio import to_thread

from api.rest.app import create_app
from api.settings import Settings
from planner.store import migrate
from planner.store.store import Store
from tests.control_plane import GPU_TYPE, MODELS, POOL, PROFILES, forecast, sqlite_url

THREADS = 2
SENDERS = 12


async def submitted_at_once(url: str) -> list[int]:
    """The statuses of so many forecasts under keys of their own, on a server of few threads."""
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    store = Store(url)
    app = create_app(Settings(database_url=url, run_worker=False, scheduler=False), store)
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        facts = {"gpu-types": GPU_TYPE, "pools": POOL, "models": MODELS, "profiles": PROFILES}
        for path, body in facts.items():
            (await client.post(f"/v1/{path}", json=body)).raise_for_status()
        answers = await asyncio.gather(
            *(
                client.post("/v1/forecasts", json=forecast(), headers={"Idempotency-Key": f"{number}"})
                for number in range(SENDERS)
            )
        )
        listed = (await client.get("/v1/forecasts")).json()["items"]
    store.close()
    assert len(listed) == sum(answer.status_code == 201 for answer in answers)
    return [answer.status_code for answer in answers]


def test_writers_that_wait_for_each_other_leave_threads_to_the_one_that_writes(tmp_path: Path) -> None:
    """
    A writer under a key holds the lock from its route to the end of its answer. When every thread waited for
    that lock, none was left to end it, and all were refused after ten seconds.
    """
    url = sqlite_url(tmp_path)
    migrate.upgrade(url)
    assert asyncio.run(submitted_at_once(url)) == [201] * SENDERS
