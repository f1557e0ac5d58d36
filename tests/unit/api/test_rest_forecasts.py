"""Forecasts with intervals over REST: JSON and CSV, corrections, the resolved one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.control_plane import START, forecast
from tests.unit.api.test_rest_registry import faults

HEADER = "model,start,hours,demand_rps,low_rps,high_rps"


def row(model: str = "resnet", hour: int = 0, numbers: str = "120,100,150") -> str:
    return f"{model},{(START + timedelta(hours=hour)).isoformat()},1,{numbers}"


def post_csv(client: httpx.Client, *lines: str, **query: Any) -> httpx.Response:
    text = "\n".join(lines)
    return client.post("/v1/forecasts", content=text, headers={"Content-Type": "text/csv"}, params=query)


def test_an_interval_and_its_origin_come_back(client: httpx.Client) -> None:
    body = forecast(note="a sale", source="model")
    body["models"][0] |= {"low_rps": [150, 200], "high_rps": [300, 450.5]}
    answer = client.post("/v1/forecasts", json=body, headers={"X-Actor": "pat"})
    assert answer.status_code == 201, answer.text
    found = client.get(f"/v1/forecasts/{answer.json()[0]['id']}").json()
    (resnet,) = [m for m in found["models"] if m["model"] == "resnet"]
    assert (resnet["low_rps"], resnet["high_rps"]) == ([150.0, 200.0], [300.0, 450.5])
    assert (found["author"], found["note"], found["source"]) == ("pat", "a sale", "model")
    assert found["starts_at"] == "2026-11-23T08:00:00Z"
    assert found["ends_at"] == "2026-11-23T10:00:00Z"


def test_an_interval_has_its_ends_around_the_middle(client: httpx.Client) -> None:
    body = forecast()
    body["models"][0] |= {"low_rps": [201, 1], "high_rps": [200, 299]}
    body["models"][1] |= {"low_rps": [1]}
    found = faults(client.post("/v1/forecasts", json=body))
    assert set(found) == {"models[0].low_rps[0]", "models[0].high_rps[1]", "models[1].low_rps"}


def test_csv_becomes_a_forecast(client: httpx.Client) -> None:
    answer = post_csv(
        client, HEADER, row(), row(hour=1), row("bert", 1, "7,,"), row("bert"), name="from a sheet", note="n"
    )
    assert answer.status_code == 201, answer.text
    (summary,) = answer.json()
    assert (summary["name"], summary["source"], summary["note"]) == ("from a sheet", "import", "n")
    found = client.get(f"/v1/forecasts/{summary['id']}").json()
    assert found["models"][0] == {
        "model": "bert",
        "demand_rps": [120.0, 7.0],
        "arrival_cv": [1.0, 1.0],
        "low_rps": [100.0, 7.0],
        "high_rps": [150.0, 7.0],
        "spoken_by": None,
    }


def test_every_fault_of_a_csv_has_its_line_and_column(client: httpx.Client) -> None:
    found = faults(
        post_csv(
            client,
            HEADER,
            row(numbers="nan,1,2"),
            row(numbers="1e308,inf,-1"),
            row(numbers="10,11,9"),
            "resnet,yesterday,0,1,,",
            "too,few",
        )
    )
    assert set(found) >= {
        "line 2, demand_rps",
        "line 3, demand_rps",
        "line 3, low_rps",
        "line 3, high_rps",
        "line 4, low_rps",
        "line 4, high_rps",
        "line 5, start",
        "line 5, hours",
        "line 6",
    }


def test_unknown_models_of_a_csv_are_named_by_line(client: httpx.Client) -> None:
    assert set(faults(post_csv(client, HEADER, row(), row("resnot")))) == {"line 3, model"}


def test_only_what_says_it_is_csv_is_read_as_csv(client: httpx.Client) -> None:
    answer = client.post("/v1/forecasts", content=HEADER, headers={"Content-Type": "text/plain"})
    assert set(faults(answer)) == {"(whole)"}


def test_a_correction_stands_in_the_place_of_what_it_corrects(client: httpx.Client) -> None:
    later = START + timedelta(days=30)
    epochs = [{"start": later.isoformat(), "hours": 2.0}]
    rows = [{"model": "resnet", "demand_rps": [100]}]
    (first,) = client.post("/v1/forecasts", json=forecast(epochs=epochs, models=rows)).json()
    rows = [{"model": "resnet", "demand_rps": [70]}]
    client.post("/v1/forecasts", json=forecast(epochs=epochs, models=rows, source="model"))
    query = {"since": later.isoformat(), "until": (later + timedelta(hours=3)).isoformat()}

    def cells() -> list[Any]:
        found = client.get("/v1/forecasts/resolved", params=query).json()["models"]
        return [cell for model in found if model["model"] == "resnet" for cell in model["cells"]]

    assert [cell and cell["demand_rps"] for cell in cells()] == [100.0, 100.0, None]
    rows = [{"model": "resnet", "demand_rps": [120]}]
    answer = client.post(
        "/v1/forecasts", json=forecast(epochs=epochs, models=rows, source="model", corrects=first["id"])
    )
    assert answer.status_code == 201
    assert [cell and cell["demand_rps"] for cell in cells()] == [120.0, 120.0, None]
    assert cells()[0]["forecast_ids"] == [answer.json()[0]["id"]]
    assert client.get(f"/v1/forecasts/{first['id']}").json()["models"][0]["demand_rps"] == [100.0]


def test_what_is_corrected_must_be_there(client: httpx.Client) -> None:
    assert set(faults(client.post("/v1/forecasts", json=forecast(corrects=10_000)))) == {"corrects"}


@pytest.mark.parametrize("hours", [-1, 0, 2_000])
def test_a_horizon_has_a_sensible_length(client: httpx.Client, hours: int) -> None:
    query = {"since": START.isoformat(), "until": (START + timedelta(hours=hours)).isoformat()}
    assert set(faults(client.get("/v1/forecasts/resolved", params=query))) == {"until"}


def test_forecasts_can_be_listed_by_source(client: httpx.Client) -> None:
    client.post("/v1/forecasts", json=forecast(source="model"))
    found = client.get("/v1/forecasts", params={"source": "model"}).json()["items"]
    assert found
    assert {item["source"] for item in found} == {"model"}
