"""``fermata run``, ``schedule`` and ``replan`` against real servers, one of which is killed meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from api.cli.main import app
from planner.store.store import Store
from tests.control_plane import forecast, migrated_store, register_fleet, served, sqlite_url

SERVE = "import typer; from api.cli.serve import serve; typer.run(serve)"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with served(sqlite_url(tmp_path), run_worker=False, scheduler=False) as opened:
        register_fleet(opened)
        opened.post("/v1/forecasts", json=forecast())
        yield opened


@pytest.fixture
def run(client: httpx.Client) -> str:
    return str(client.post("/v1/runs", json={"forecast_id": 1}).json()["id"])


def fermata(client: httpx.Client, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--url", str(client.base_url)])


def test_runs_are_listed_shown_cancelled_and_watched_to_their_end(client: httpx.Client, run: str) -> None:
    assert json.loads(fermata(client, "run", "list", "--json").stdout)[0]["id"] == run
    assert run in fermata(client, "run", "list").stdout
    assert "queued" in fermata(client, "run", "show", run).stdout
    assert fermata(client, "run", "cancel", run).stdout == f"run {run} is cancelled\n"
    watched = fermata(client, "run", "watch", run, "--json")
    events = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [event["state"] for event in events] == ["queued", "cancelled"]
    assert watched.exit_code == 1


def test_what_a_server_refuses_is_said(client: httpx.Client) -> None:
    missing = fermata(client, "run", "watch", "none")
    assert missing.exit_code == 1
    assert "error: there is no run 'none'" in missing.stderr
    bad = fermata(client, "schedule", "set", "nonsense", "--time-zone", "Europe/Berln")
    assert bad.exit_code == 2
    assert "'Europe/Berlin'" in bad.stderr
    nowhere = CliRunner().invoke(app, ["run", "list", "--url", "http://127.0.0.1:9"])
    assert nowhere.exit_code == 1
    assert "hint: is `fermata serve` running there?" in nowhere.stderr


def forecast_from_now() -> dict[str, Any]:
    """Two days by the hour: what is planned on schedule begins at the slot."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    epochs = [{"start": (now + timedelta(hours=h)).isoformat(), "hours": 1.0} for h in range(48)]
    rows = [{"model": name, "demand_rps": [20.0] * 48} for name in ("resnet", "bert")]
    return {"name": "two days", "epochs": epochs, "models": rows}


def test_schedule_and_replan(client: httpx.Client) -> None:
    assert client.post("/v1/forecasts", json=forecast_from_now()).status_code == 201
    assert "no schedule" in fermata(client, "replan", "--once").stderr
    assert fermata(client, "replan").exit_code == 2
    made = fermata(client, "schedule", "set", "* * * * *", "--no-enabled", "--no-observed", "--json")
    assert json.loads(made.stdout)["enabled"] is False
    first, second = (fermata(client, "replan", "--once", "--json") for _ in range(2))  # the next minute's
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert json.loads(first.stdout)["outcome"] == "running"
    assert len(client.get("/v1/runs").json()["items"]) <= 2  # a minute may have gone by between them
    shown = fermata(client, "schedule", "show").stdout
    assert "not taken up by servers" in shown
    assert json.loads(first.stdout)["run_id"] in shown


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(url: str, port: int) -> subprocess.Popen[str]:
    environment = os.environ | {"FERMATA_RUN_WORKER": "false", "FERMATA_SCHEDULER": "false"}
    arguments = ["--port", str(port), "--json", "--database-url", url]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline()
    return server


def test_watching_goes_on_through_the_death_of_the_server(tmp_path: Path) -> None:
    store = migrated_store(sqlite_url(tmp_path))
    port = free_port()
    server = serve(store.database_url, port)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client, ThreadPoolExecutor(1) as pool:
            register_fleet(client)
            client.post("/v1/forecasts", json=forecast())
            run = client.post("/v1/runs", json={"forecast_id": 1}).json()["id"]
            watching = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "api.cli.main",
                    "run",
                    "watch",
                    run,
                    "--json",
                    "--url",
                    str(client.base_url),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert watching.stdout is not None
            first = json.loads(pool.submit(watching.stdout.readline).result(timeout=60))
            server.kill()
            server.wait()
            end(store)
            server = serve(store.database_url, port)
            rest, _ = watching.communicate(timeout=60)
    finally:
        server.kill()
        server.wait()
        store.close()
    events = [first, *map(json.loads, rest.splitlines())]
    assert [told(event) for event in events] == ["queued", "running", "solving", "certifying", "failed"]
    assert watching.returncode == 1


def end(store: Store) -> None:
    with store.writing() as work:
        claimed = work.runs.claim("tester", timedelta(minutes=5))
        assert claimed is not None
        for stage in ("solving", "certifying"):
            work.runs.report(claimed.lease, {"stage": stage})
        work.runs.fail(claimed.lease, {"code": "x", "message": "y"})


def told(event: dict[str, Any]) -> str:
    return str(event["state"] if event["event"] == "state" else event["stage"])
