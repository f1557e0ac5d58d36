"""GPUs that are slower than their profile: measured, found, accepted, and planned with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from dispatcher.contract.sub_cluster_file import decode_sub_cluster
from dispatcher.runtime.load_meter import LoadMeter
from tests.control_plane import finished_run, forecast, register_fleet, served, sqlite_url

SLOWER = 1.25
HOURS = 4


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(sqlite_url(tmp_path_factory.mktemp("drift"))) as client:
        register_fleet(client)
        yield client


def planned(client: httpx.Client, forecast_id: int) -> int:
    options = {"forecast_id": forecast_id, "time_limit_s": 10.0, "seed": 1}
    run = finished_run(client, client.post("/v1/runs", json=options).headers["location"])
    assert run["state"] == "succeeded", run
    return int(run["plan_version"])


def serve_slowly(client: httpx.Client, version: int, sub_cluster: str) -> None:
    """What a dispatcher's own meter reports of emulated GPUs a quarter slower than their curve."""
    spec = decode_sub_cluster(client.get(f"/v1/plans/{version}/sub-clusters/{sub_cluster}").content)
    random = np.random.default_rng(3)
    start = datetime.now(UTC) + timedelta(seconds=1)
    meter = LoadMeter([model.id for model in spec.models], 0, start.timestamp())
    reports = []
    for ten_minutes in range(1, HOURS * 6 + 1):
        for index, model in enumerate(spec.models):
            for size in random.integers(1, len(model.latency_us), 200):
                took_us = model.latency_us[size] * SLOWER * random.normal(1, 0.02)
                meter.batch_executed(index, int(size), round(took_us))
                meter.arrived(index, ten_minutes * 1_000_000, int(size))
        now_us = ten_minutes * 600_000_000
        report = meter.take_report(
            now_us,
            start.timestamp() + now_us / 1e6,
            sub_cluster=spec.id,
            plan_version=spec.plan_version,
            gpus=spec.gpus,
        )
        reports.append(msgspec.to_builtins(report))
    answer = client.post("/v1/observed-load", json=reports)
    assert answer.json()["new"] == len(reports), answer.text


def curve(profile: dict[str, Any]) -> tuple[float, float]:
    return profile["alpha_ms"], profile["beta_ms"]


def test_a_slower_gpu_is_measured_accepted_and_planned_with(client: httpx.Client) -> None:
    (stored,) = client.post("/v1/forecasts", json=forecast()).json()
    first = planned(client, stored["id"])
    plan = client.get(f"/v1/plans/{first}").json()
    for cluster in plan["plan"]["sub_clusters"]:
        serve_slowly(client, first, cluster["id"])

    found = client.post("/v1/profile-proposals/search").json()
    assert sorted(proposal["model"] for proposal in found) == ["bert", "resnet"]
    assert client.post("/v1/profile-proposals/search").json() == []
    listed = client.get("/v1/profile-proposals", params={"state": "proposed"}).json()["items"]
    by_model = {proposal["model"]: proposal for proposal in listed}
    resnet, bert = by_model["resnet"], by_model["bert"]
    assert curve(resnet) == pytest.approx((0.5 * SLOWER, 3.0 * SLOWER), rel=0.05)
    assert resnet["evidence"]["overall"]["ratio"] == pytest.approx(SLOWER, rel=0.02)

    path = f"/v1/profile-proposals/{resnet['id']}"
    accepted = client.post(f"{path}/acceptance", json={"note": "it is so"}, headers={"X-Actor": "ann"})
    assert (accepted.status_code, accepted.json()["decided_by"]) == (200, "ann")
    again = client.post(f"{path}/acceptance", json={})
    assert (again.status_code, again.json()["type"]) == (409, "urn:fermata:problem:proposal-decided")
    rejected = client.post(f"/v1/profile-proposals/{bert['id']}/rejection", json={})
    assert rejected.json()["state"] == "rejected"
    assert client.get(path).json()["note"] == "it is so"

    second = planned(client, stored["id"])
    problem = client.get(f"/v1/plans/{second}/problem").json()
    profiles = {model["id"]: model["profiles"]["A10"] for model in problem["models"]}
    assert curve(profiles["resnet"]) == pytest.approx(curve(resnet))
    assert curve(profiles["bert"]) == (0.5, 3.0)
    versions = {p["model"]: p["version"] for p in client.get(f"/v1/plans/{second}/profiles").json()}
    assert versions == {"resnet": 2, "bert": 1}
    before = {p["model"]: p["version"] for p in client.get(f"/v1/plans/{first}/profiles").json()}
    assert before == {"resnet": 1, "bert": 1}
    history = client.get("/v1/profiles/resnet/A10/versions").json()
    assert [(v["version"], v.get("proposal_id")) for v in history] == [(2, resnet["id"]), (1, None)]


def test_what_does_not_exist_is_a_problem(client: httpx.Client) -> None:
    for path in ("/v1/profile-proposals/999", "/v1/profiles/none/A10/versions", "/v1/plans/999/profiles"):
        assert client.get(path).status_code == 404
    assert client.post("/v1/profile-proposals/999/rejection", json={}).status_code == 404
    bad = client.post("/v1/profile-proposals/1/acceptance", json={"note": ""})
    assert bad.status_code == 422
