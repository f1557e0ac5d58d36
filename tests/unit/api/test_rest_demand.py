"""Forecasts and load reports over REST."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.control_plane import START, forecast, load_report, model_load
from tests.unit.api.test_rest_registry import faults, post_text

NO_INTERVAL = {"low_rps": None, "high_rps": None}


def test_a_forecast_comes_back_whole(client: httpx.Client) -> None:
    (stored,) = client.post("/v1/forecasts", json=forecast()).json()
    found = client.get(f"/v1/forecasts/{stored['id']}").json()
    assert found["models"] == [
        {"model": "bert", "demand_rps": [50.0, 40.0], "arrival_cv": [1.0, 1.0], **NO_INTERVAL},
        {"model": "resnet", "demand_rps": [200.0, 300.0], "arrival_cv": [1.0, 1.2], **NO_INTERVAL},
    ]
    assert [epoch["hours"] for epoch in found["epochs"]] == [1.0, 1.0]


def test_forecasts_are_paged(client: httpx.Client) -> None:
    client.post("/v1/forecasts", json=[forecast(name=f"f{i}") for i in range(3)])
    first = client.get("/v1/forecasts", params={"limit": 2}).json()
    assert [item["name"] for item in first["items"]] == ["f2", "f1"]
    rest = client.get("/v1/forecasts", params={"limit": 2, "before": first["next_before"]}).json()
    assert rest["items"][0]["name"] == "f0"


def test_every_fault_of_a_forecast_is_listed(client: httpx.Client) -> None:
    text = """{
        "name": "f",
        "epochs": [{"start": "2026-11-23T08:00:00Z", "hours": 1},
                   {"start": "2026-11-23T08:30:00Z", "hours": -1},
                   {"start": "2026-11-23T08:30:00Z", "hours": 1}],
        "models": [
            {"model": "resnet", "demand_rps": [NaN, -1, 3]},
            {"model": "resnet", "demand_rps": [1, 2], "arrival_cv": [1, 1, Infinity]},
            {"model": "unknown", "demand_rps": 7}
        ]
    }"""
    found = faults(post_text(client, "/v1/forecasts", text))
    assert set(found) == {
        "epochs[1].hours",
        "epochs[2].start",
        "models[0].demand_rps[0]",
        "models[0].demand_rps[1]",
        "models[1].demand_rps",
        "models[1].arrival_cv[2]",
        "models[1].model",
        "models[2].demand_rps",
        "models[2].model",
    }


@pytest.mark.parametrize(
    "changes", [{"epochs": []}, {"models": []}, {"epochs": 5}, {"name": ""}, {"name": 3}]
)
def test_a_forecast_says_something(client: httpx.Client, changes: dict[str, object]) -> None:
    assert list(faults(client.post("/v1/forecasts", json=forecast(**changes)))) == list(changes)


def test_an_unknown_forecast_is_a_problem(client: httpx.Client) -> None:
    assert client.get("/v1/forecasts/999").json()["type"] == "urn:fermata:problem:forecast-not-found"


def test_a_load_report_counts_once(client: httpx.Client) -> None:
    first = client.post("/v1/observed-load", json=load_report())
    assert (first.status_code, first.json()) == (201, {"new": 1, "known": 0})
    again = client.post("/v1/observed-load", json=[load_report(), load_report(sub_cluster="two")])
    assert (again.status_code, again.json()) == (201, {"new": 1, "known": 1})
    last = client.post("/v1/observed-load", json=load_report())
    assert (last.status_code, last.json()) == (200, {"new": 0, "known": 1})
    found = client.get("/v1/observed-load", params={"plan_version": 1}).json()
    assert found["report_count"] == 2
    (model,) = found["models"]
    assert model["arrived"] == 6_000
    assert model["rate_rps"] == pytest.approx(600)
    assert model["latencies"][0] == {"batch_size": 4, "batches": 600, "latency_ms_mean": 5.1}


def test_observed_load_of_a_time(client: httpx.Client) -> None:
    later = START + timedelta(days=3)
    report = load_report(interval_start=later.isoformat(), plan_version=77)
    client.post("/v1/observed-load", json=report)
    query = {"since": later.isoformat(), "until": (later + timedelta(seconds=1)).isoformat()}
    assert client.get("/v1/observed-load", params=query).json()["report_count"] == 1
    assert client.get("/v1/observed-load", params={"until": "2020-01-01T00:00:00Z"}).json()["models"] == []


def test_faults_of_a_load_report(client: httpx.Client) -> None:
    models = [
        model_load(),
        model_load(arrived=-1, latency_ms_by_batch=[[1, 2]]),
        model_load(model="x", late=1.5),
    ]
    found = faults(client.post("/v1/observed-load", json=load_report(interval_s=0, models=models)))
    assert {field.split(".late")[0] for field in found} >= {
        "interval_s",
        "models[1].arrived",
        "models[1].model",
        "models[2]",
    }
    assert any(field.startswith("models[1].latency_ms_by_batch[0]") for field in found)


def test_a_report_of_a_model_nobody_registered_is_taken(client: httpx.Client) -> None:
    body = load_report(sub_cluster="three", models=[model_load(model="surprise")])
    assert client.post("/v1/observed-load", json=body).status_code == 201
