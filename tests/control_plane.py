"""Factories for the control plane: a tiny fleet, its forecast, load reports, databases, servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.rest.app import create_app
from api.settings import Settings
from planner.store import migrate
from planner.store.store import Store

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
GPU_TYPE = {"id": "A10", "memory_gib": 24.0, "reserve_gib": 1.0, "price_usd_per_hour": 1.2}
POOL = {"gpu_type": "A10", "zone": "zone-a", "available": 8}
MODELS = [{"id": "resnet", "slo_ms": 60.0}, {"id": "bert", "slo_ms": 120.0, "priority": 2}]
PROFILES = [
    {
        "model": model["id"],
        "gpu_type": "A10",
        "alpha_ms": 0.5,
        "beta_ms": 3.0,
        "weights_gib": 1.0,
        "workspace_gib_per_item": 0.05,
        "batch_size_max": 32,
    }
    for model in MODELS
]


def forecast(**changes: Any) -> dict[str, Any]:
    """Two models over two hours."""
    epochs = [{"start": (START + timedelta(hours=h)).isoformat(), "hours": 1.0} for h in range(2)]
    rows = [
        {"model": "resnet", "demand_rps": [200.0, 300.0], "arrival_cv": [1.0, 1.2]},
        {"model": "bert", "demand_rps": [50.0, 40.0]},
    ]
    return {"name": "two hours", "epochs": epochs, "models": rows, **changes}


def model_load(**changes: Any) -> dict[str, Any]:
    return {
        "model": "resnet",
        "arrived": 3_000,
        "served_in_time": 2_990,
        "late": 4,
        "dropped": 6,
        "rejected": 0,
        "arrival_cv": 1.1,
        "batches": 600,
        "batch_size_mean": 5.0,
        "busy_s": 3.3,
        "latency_ms_by_batch": [[4, 300, 5.1], [6, 300, 6.2]],
        **changes,
    }


def load_report(**changes: Any) -> dict[str, Any]:
    """Ten seconds of the first epoch at 300 requests/s of the one model, half as much again as forecast."""
    return {
        "sub_cluster": "one",
        "plan_version": 1,
        "interval_start": START.isoformat(),
        "interval_s": 10.0,
        "gpus": 1,
        "gpu_busy_share": 0.33,
        "models": [model_load()],
        **changes,
    }


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'fermata.db'}"


def migrated_store(url: str, **options: Any) -> Store:
    migrate.upgrade(url)
    return Store(url, **options)


@contextmanager
def served(url: str, *, http: Any = "auto", **settings: Any) -> Iterator[httpx.Client]:
    """A client of a real server on a free loopback port; the database at ``url`` is migrated."""
    migrate.upgrade(url)
    app = create_app(Settings(database_url=url, **settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", http=http))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def register_fleet(client: httpx.Client) -> None:
    for path, body in (
        ("gpu-types", GPU_TYPE),
        ("pools", POOL),
        ("models", MODELS),
        ("profiles", PROFILES),
    ):
        answer = client.post(f"/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text


def approved(client: httpx.Client, version: int, *, actor: str = "ann", **query: str) -> httpx.Response:
    """The answer to approving the plan as it is now."""
    plan = client.get(f"/v1/plans/{version}", params=query).json()
    body = {"plan_id": plan["plan_id"]}
    return client.post(f"/v1/plans/{version}/approval", json=body, headers={"X-Actor": actor}, params=query)


def activated(client: httpx.Client, version: int, **query: str) -> dict[str, Any]:
    """The activation of the plan, approved first."""
    assert approved(client, version, **query).status_code == 200
    answer = client.post("/v1/activations", json={"plan_version": version}, params=query)
    assert answer.status_code == 201, answer.text
    activation: dict[str, Any] = answer.json()
    return activation


def wait_until(is_so: Any, *, within_s: float = 60.0) -> Any:
    """The first true value of ``is_so()``."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        value = is_so()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")


def finished_run(client: httpx.Client, location: str, *, within_s: float = 90.0) -> dict[str, Any]:
    """The run at ``location``, once it has ended."""

    def ended() -> dict[str, Any] | None:
        run: dict[str, Any] = client.get(location).json()
        return run if run["state"] in ("succeeded", "failed", "cancelled") else None

    run: dict[str, Any] = wait_until(ended, within_s=within_s)
    return run
