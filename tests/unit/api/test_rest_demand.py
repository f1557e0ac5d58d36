"""Forecasts over REST."""

from __future__ import annotations

import httpx
import pytest

from tests.control_plane import forecast
from tests.unit.api.test_rest_registry import faults, post_text

NO_INTERVAL = {"low_rps": None, "high_rps": None, "spoken_by": None}


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
