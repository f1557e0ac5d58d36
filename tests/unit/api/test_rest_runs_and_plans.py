"""Runs and plans before there is any plan: what is refused, what is queued, what is cancelled."""

from __future__ import annotations

import httpx
import pytest

from tests.control_plane import forecast
from tests.unit.api.test_rest_registry import faults


@pytest.fixture(scope="module")
def forecast_id(client: httpx.Client) -> int:
    (stored,) = client.post("/v1/forecasts", json=forecast()).json()
    return int(stored["id"])


def test_a_run_is_queued_and_its_address_given(client: httpx.Client, forecast_id: int) -> None:
    answer = client.post("/v1/runs", json={"forecast_id": forecast_id, "seed": 3}, headers={"X-Actor": "ann"})
    assert answer.status_code == 202
    run = client.get(answer.headers["location"]).json()
    assert run["state"] == "queued"
    assert run["actor"] == "ann"
    assert run["options"]["seed"] == 3
    assert run["progress"]["stage"] == "queued"
    assert run["id"] in [listed["id"] for listed in client.get("/v1/runs").json()]


def test_a_queued_run_is_cancelled_at_once_and_cancelling_again_is_harmless(
    client: httpx.Client, forecast_id: int
) -> None:
    location = client.post("/v1/runs", json={"forecast_id": forecast_id}).headers["location"]
    for _ in range(2):
        answer = client.delete(location)
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")


def test_unknown_runs_and_forecasts(client: httpx.Client) -> None:
    for answer, code in (
        (client.get("/v1/runs/none"), "run-not-found"),
        (client.delete("/v1/runs/none"), "run-not-found"),
        (client.post("/v1/runs", json={"forecast_id": 999}), "forecast-not-found"),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == f"urn:fermata:problem:{code}"


def test_faults_of_a_run(client: httpx.Client) -> None:
    body = {
        "forecast_id": 0,
        "solver": "magic",
        "time_limit_s": 0,
        "seed": -1,
        "observed_since": "2026-11-23T08:00:00Z",
        "policy": {"bad_rate_max": 2, "gpus": "some", "delays": {"ctrl_us": -1}, "x": 1},
    }
    assert set(faults(client.post("/v1/runs", json=body))) == {
        "forecast_id",
        "solver",
        "time_limit_s",
        "seed",
        "observed_since",
        "policy.bad_rate_max",
        "policy.gpus",
        "policy.delays.ctrl_us",
        "policy.x",
    }


def test_a_model_without_profile_is_named_before_anything_is_planned(client: httpx.Client) -> None:
    client.post("/v1/models", json={"id": "bare", "slo_ms": 10.0})
    rows = [{"model": "bare", "demand_rps": [1.0, 1.0]}]
    (stored,) = client.post("/v1/forecasts", json=forecast(models=rows)).json()
    found = faults(client.post("/v1/runs", json={"forecast_id": stored["id"]}))
    assert found == {"models[bare].profiles": "must hold a profile for at least one GPU type"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/plans/7"),
        ("GET", "/v1/plans/7/problem"),
        ("GET", "/v1/plans/7/certificate"),
        ("GET", "/v1/plans/7/difference"),
        ("GET", "/v1/plans/7/sub-clusters/sc-01"),
        ("GET", "/v1/plans/7/history"),
        ("POST", "/v1/plans/7/approval"),
        ("POST", "/v1/plans/7/rejection"),
    ],
)
def test_a_plan_that_is_not_there(client: httpx.Client, method: str, path: str) -> None:
    body = {"plan_id": "a" * 64, "reason": "none"} if method == "POST" else None
    answer = client.request(method, path, json=body)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:fermata:problem:plan-not-found"


def test_nothing_is_active_yet(client: httpx.Client) -> None:
    answer = client.get("/v1/activations/current")
    assert answer.json()["type"] == "urn:fermata:problem:no-active-plan"
    assert client.get("/v1/activations").json() == []
    assert client.post("/v1/activations", json={"plan_version": 7}).status_code == 404


def test_the_console_says_so_too(client: httpx.Client) -> None:
    page = client.get("/console")
    assert "No plan yet" in page.text
    assert client.get("/console", params={"plan": 7}).status_code == 404
    assert client.get("/", follow_redirects=True).text == page.text
