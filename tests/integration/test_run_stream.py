"""Progress as server-sent events: complete, in order, resumable, to many listeners at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from planner.store.records import Lease
from planner.store.store import Store
from tests.control_plane import forecast, register_fleet, served, sqlite_url, wait_until

LISTENERS = 200
SERVE = "import typer; from api.cli.serve import serve; typer.run(serve)"


@pytest.fixture
def client(migrated_url: str) -> Iterator[httpx.Client]:
    with served(migrated_url, run_worker=False, scheduler=False) as opened:
        register_fleet(opened)
        opened.post("/v1/forecasts", json=forecast())
        yield opened


@pytest.fixture
def run(client: httpx.Client) -> str:
    return str(client.post("/v1/runs", json={"forecast_id": 1}).json()["id"])


def claimed(store: Store) -> Lease:
    with store.writing() as work:
        found = work.runs.claim("tester", timedelta(minutes=5))
    assert found is not None
    return found.lease


def report(store: Store, lease: Lease, count: int) -> None:
    for index in range(count):
        with store.writing() as work:
            assert work.runs.report(lease, {"stage": "solving", "incumbent": 50.0 - index})


def listen(
    client: httpx.Client, run: str, *, after: int = 0, count: int | None = None
) -> list[dict[str, Any]]:
    """Events until the stream ends, or ``count`` of them."""
    found: list[dict[str, Any]] = []
    headers = {"Last-Event-ID": str(after)} if after else {}
    with client.stream("GET", f"/v1/runs/{run}/events", headers=headers) as answer:
        if answer.status_code == 204:
            return found
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if not line and "data" in event:
                found.append(event)
                event = {}
                if len(found) == count:
                    return found
            elif name == "id":
                event["id"] = int(value)
            elif name == "event":
                event["event"] = value
            elif name == "data":
                event["data"] = json.loads(value)
    return found


def test_a_listener_hears_everything_in_order_and_the_stream_ends_with_the_run(
    client: httpx.Client, store: Store, run: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        hearing = pool.submit(listen, client, run)
        lease = claimed(store)
        report(store, lease, 30)
        with store.writing() as work:
            work.runs.fail(lease, {"code": "x", "message": "y"})
        heard = hearing.result(timeout=30)
    assert [event["id"] for event in heard] == list(range(1, 34))
    assert [event["event"] for event in heard] == ["state", "state", *["progress"] * 30, "state"]
    assert heard[-1]["data"]["state"] == "failed"
    assert heard[2]["data"]["incumbent"] == 50.0
    assert {event["data"]["run"] for event in heard} == {run}


def test_cut_off_it_goes_on_where_it_was(client: httpx.Client, store: Store, run: str) -> None:
    lease = claimed(store)
    report(store, lease, 10)
    first = listen(client, run, count=4)
    with store.writing() as work:
        work.runs.fail(lease, {"code": "x"})
    rest = listen(client, run, after=first[-1]["id"])
    assert [event["id"] for event in first + rest] == list(range(1, 14))
    assert listen(client, run, after=rest[-1]["id"]) == []


def test_a_cancelled_run_ends_its_streams(client: httpx.Client, run: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        hearing = pool.submit(listen, client, run)
        client.delete(f"/v1/runs/{run}")
        assert hearing.result(timeout=30)[-1]["data"]["state"] == "cancelled"


def test_what_cannot_be_followed(client: httpx.Client, run: str) -> None:
    assert client.get("/v1/runs/none/events").status_code == 404
    refused = client.get(f"/v1/runs/{run}/events", headers={"Last-Event-ID": "last"})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == ["Last-Event-ID"]


def test_many_listeners_hold_neither_threads_nor_connections(
    client: httpx.Client, store: Store, run: str
) -> None:
    """More than the pool has connections and the server has threads, all at once; others are still served."""
    lease = claimed(store)

    async def everyone() -> list[list[int]]:
        limits = httpx.Limits(max_connections=LISTENERS + 10)
        async with httpx.AsyncClient(base_url=client.base_url, timeout=60, limits=limits) as many:
            arrived = asyncio.Semaphore(0)
            tasks = [asyncio.create_task(hear(many, arrived)) for _ in range(LISTENERS)]
            for _ in range(LISTENERS):
                await arrived.acquire()
            before = threading.active_count()
            await asyncio.to_thread(report, store, lease, 3)
            assert (await many.get(f"/v1/runs/{run}")).json()["state"] == "running"
            assert threading.active_count() - before <= 50
            await asyncio.to_thread(end)
            return await asyncio.gather(*tasks)

    async def hear(many: httpx.AsyncClient, arrived: asyncio.Semaphore) -> list[int]:
        ids = []
        async with many.stream("GET", f"/v1/runs/{run}/events") as answer:
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    ids.append(int(line.removeprefix("id: ")))
                    if ids == [1]:
                        arrived.release()
        return ids

    def end() -> None:
        with store.writing() as work:
            work.runs.fail(lease, {"code": "x"})

    heard = asyncio.run(everyone())
    assert heard == [list(range(1, 7))] * LISTENERS


def test_a_server_that_stops_lets_its_listeners_go(tmp_path: Path) -> None:
    """In good order, without waiting until its patience is at an end."""
    url = sqlite_url(tmp_path)
    command = [sys.executable, "-c", SERVE, "--port", "0", "--upgrade", "--json", "--database-url", url]
    environment = os.environ | {"FERMATA_RUN_WORKER": "false"}
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    with httpx.Client(base_url=json.loads(server.stdout.readline())["url"], timeout=60) as client:
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        run = client.post("/v1/runs", json={"forecast_id": 1}).json()["id"]
        with client.stream("GET", f"/v1/runs/{run}/events") as answer:
            lines = answer.iter_lines()
            wait_until(lambda: next(lines).startswith("id: 1"))
            server.send_signal(signal.SIGTERM)
            assert not any(line.startswith("id: ") for line in lines)
    _, stderr = server.communicate(timeout=60)
    assert server.returncode == 0
    assert "Cancel" not in stderr
    assert "Traceback" not in stderr
