"""The Python client against a real server: the whole way, sync and async; refusals, pages, retries, tags."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.demo.control import ApiRefused, ControlPlane
from examples.python_client import plan_and_activate, plan_two_at_once
from fermata_client import AsyncFermata, Fermata, NotModified, Refused, RunUnsuccessful, Unexpected
from fermata_client.models import (
    ModelBody,
    ModelProfileBody,
    PoolBody,
    ProfileBody,
    RunBody,
    RunState,
)
from tests.control_plane import GPU_TYPE, POOL, forecast, load_report, register_fleet, served, sqlite_url


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(sqlite_url(tmp_path_factory.mktemp("client"))) as client:
        register_fleet(client)
        profile = ModelProfileBody(gpu_type="A10", alpha_ms=0.5, beta_ms=3.0, weights_gib=1.0)
        with Fermata(str(client.base_url)) as fermata:
            fermata.submit_models([ModelBody(id="resnet50", slo_ms=60.0, profiles=[profile])])
        yield str(client.base_url)


@pytest.fixture
def fermata(url: str) -> Iterator[Fermata]:
    with Fermata(url, tries_max=2) as fermata:
        yield fermata


def test_from_forecast_to_active_plan(url: str, fermata: Fermata) -> None:
    active = plan_and_activate(url)
    assert fermata.get_current_activation().plan_version == active.plan_version
    assert fermata.get_plan(active.plan_version).state.value == "active"
    assert fermata.get_certificate(active.plan_version).passed
    again = asyncio.run(plan_two_at_once(url))
    assert len(set(again)) == 2
    assert {plan.version for plan in fermata.all_plans(limit=1)} >= {active.plan_version, *again}


def test_progress_is_watched(fermata: Fermata) -> None:
    seen: list[str] = []
    (stored,) = fermata.http.post("/v1/forecasts", json=forecast()).json()
    request = RunBody(forecast_id=stored["id"], time_limit_s=5.0)
    version = fermata.plan(request, watch=lambda run: seen.append(run.progress.stage))
    assert seen[-1] == "done"
    assert version in [plan.version for plan in fermata.list_plans(forecast_id=stored["id"]).items]


def test_the_demo_plans_by_the_client(url: str) -> None:
    control = ControlPlane(url)
    assert control.is_ready()
    (stored,) = control.post("/v1/forecasts", forecast())
    seen: list[dict[str, Any]] = []
    run = control.run({"forecast_id": stored["id"], "time_limit_s": 5.0}, progress=seen.append)
    assert control.get(f"/v1/plans/{run['plan_version']}")["state"] == "certified"
    assert seen[0]["progress"]["stage"]
    with pytest.raises(ApiRefused, match="forecast-not-found"):
        control.run({"forecast_id": 999}, progress=seen.append)


def test_a_run_that_makes_no_plan_says_why(fermata: Fermata) -> None:
    (stored,) = fermata.http.post("/v1/forecasts", json=forecast()).json()
    run = fermata.start_run(RunBody(forecast_id=stored["id"], time_limit_s=3_600.0))
    fermata.cancel_run(run.id)
    assert fermata.wait_for_run(run.id, within_s=60).state in (RunState.CANCELLED, RunState.SUCCEEDED)
    with pytest.raises(RunUnsuccessful, match="cancelled"):
        raise RunUnsuccessful(run.id, "cancelled", {})


def test_a_problem_is_raised_with_its_faults(fermata: Fermata) -> None:
    with pytest.raises(Refused) as missing:
        fermata.get_model("none")
    assert (missing.value.code, missing.value.status) == ("model-not-found", 404)
    wrong = ProfileBody(model="resnett", gpu_type="A10", weights_gib=-1.0, alpha_ms=1.0, beta_ms=1.0)
    with pytest.raises(Refused) as refused:
        fermata.submit_profiles(wrong)
    faults = refused.value.problem.faults or []
    assert {fault.pointer for fault in faults} == {"#/model", "#/weights_gib"}
    assert "did you mean 'resnet'" in str(refused.value)


def test_of_very_many_faults_the_text_shows_the_first(fermata: Fermata) -> None:
    with pytest.raises(Refused, match=r"and 50 more$") as refused:
        fermata.submit_models([ModelBody(id=f"m{i}", slo_ms=-1.0) for i in range(150)])
    assert refused.value.problem.fault_count == len(refused.value.problem.faults or []) == 150


def test_a_change_by_its_tag(fermata: Fermata) -> None:
    body = PoolBody(gpu_type="A10", zone="tagged", available=1)
    fermata.put_pool("A10", "tagged", body)
    pool, etag = fermata.tagged(fermata.get_pool, "A10", "tagged")
    with pytest.raises(NotModified):
        fermata.get_pool("A10", "tagged", if_none_match=etag)
    body.available = pool.available + 1
    fermata.put_pool("A10", "tagged", body, if_match=etag)
    with pytest.raises(Refused, match="has changed since"):
        fermata.put_pool("A10", "tagged", body, if_match=etag)
    fermata.delete_pool("A10", "tagged")


def test_all_pages_sync_and_async(url: str, fermata: Fermata) -> None:
    fermata.submit_models([ModelBody(id=f"page-{i:02d}", slo_ms=9.0) for i in range(11)])
    names = [model.id for model in fermata.all_models(name="page-", limit=4)]
    assert names == [f"page-{i:02d}" for i in range(11)]

    async def again() -> list[str]:
        async with AsyncFermata(url) as other:
            assert await other.is_ready()
            model, etag = await other.tagged(other.get_model, "page-03")
            assert model.slo_ms == 9.0
            assert etag.startswith('"')
            return [model.id async for model in other.all_models(name="page-", limit=4)]

    assert asyncio.run(again()) == names


def test_load_reports_and_nodes_go_through(fermata: Fermata) -> None:
    assert fermata.http.post("/v1/observed-load", json=load_report()).status_code == 201
    assert fermata.get_observed_load().report_count >= 1
    assert fermata.list_gpu_types(name="a10").items[0].memory_gib == GPU_TYPE["memory_gib"]
    assert fermata.get_pool("A10", "zone-a").available == POOL["available"]


class Unsteady(BaseHTTPRequestHandler):
    """Refuses or drops what it is told to, and keeps the idempotency keys it saw."""

    faults: list[str]
    keys: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.keys.append(self.headers["idempotency-key"])
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status = int(fault) if fault else 201
        body = json.dumps({"created": ["a"], "updated": []}).encode()
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def unsteady() -> Iterator[type[Unsteady]]:
    kind = type("Unsteady", (Unsteady,), {"faults": [], "keys": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kind.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield kind
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_request_is_sent_again_under_the_same_key(unsteady: type[Unsteady], is_async: bool) -> None:
    unsteady.faults[:] = ["drop", "503", "429"]
    body = PoolBody(gpu_type="A10", zone="z", available=1)

    async def submit() -> object:
        async with AsyncFermata(unsteady.url) as fermata:  # type: ignore[attr-defined]
            return (await fermata.submit_pools(body)).created

    if is_async:
        assert asyncio.run(submit()) == ["a"]
    else:
        with Fermata(unsteady.url) as fermata:  # type: ignore[attr-defined]
            assert fermata.submit_pools(body).created == ["a"]
    assert len(unsteady.keys) == 4
    assert len(set(unsteady.keys)) == 1


def test_patience_ends(unsteady: type[Unsteady]) -> None:
    body = PoolBody(gpu_type="A10", zone="z", available=1)
    with Fermata(unsteady.url, tries_max=2) as fermata:  # type: ignore[attr-defined]
        unsteady.faults[:] = ["drop", "drop"]
        with pytest.raises(httpx.TransportError):
            fermata.submit_pools(body)
        unsteady.faults[:] = ["418"]
        with pytest.raises(Unexpected, match="status 418"):
            fermata.submit_pools(body)


def test_a_server_that_is_not_there_is_not_ready(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with Fermata(f"http://127.0.0.1:{probe.getsockname()[1]}") as fermata:
            assert not fermata.is_ready()
