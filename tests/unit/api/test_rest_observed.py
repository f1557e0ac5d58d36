"""Load reports, totals, series and reporters over REST."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.control_plane import START, load_report, model_load
from tests.unit.api.test_rest_registry import faults

FAR = START + timedelta(days=30)


def at(**past: float) -> str:
    return (FAR + timedelta(**past)).isoformat()


def test_a_load_report_counts_once(client: httpx.Client) -> None:
    first = client.post("/v1/observed-load", json=load_report())
    assert first.status_code == 201
    assert first.json() == {"new": 1, "known": 0, "differing": 0, "overlapping": 0}
    again = client.post("/v1/observed-load", json=[load_report(), load_report(sub_cluster="two")])
    assert (again.status_code, again.json()["new"], again.json()["known"]) == (201, 1, 1)
    last = client.post("/v1/observed-load", json=load_report())
    assert (last.status_code, last.json()["known"]) == (200, 1)
    found = client.get("/v1/observed-load", params={"plan_version": 1}).json()
    assert found["report_count"] == 2
    (model,) = found["models"]
    assert model["arrived"] == 6_000
    assert model["rate_rps"] == pytest.approx(600)
    assert model["latencies"][0] == {"batch_size": 4, "batches": 600, "latency_ms_mean": 5.1}


def test_what_was_not_taken_is_told(client: httpx.Client) -> None:
    mine = {"sub_cluster": "told", "plan_version": 5}
    client.post("/v1/observed-load", json=load_report(**mine))
    other = load_report(**mine, models=[model_load(arrived=1)])
    across = load_report(**mine, interval_start=(START + timedelta(seconds=5)).isoformat())
    answer = client.post("/v1/observed-load", json=[other, across])
    assert answer.json() == {"new": 0, "known": 0, "differing": 1, "overlapping": 1}
    listed = client.get("/v1/observed-load/reporters", params={"limit": 500}).json()["items"]
    (reporter,) = (r for r in listed if r["sub_cluster"] == "told")
    assert (reporter["new"], reporter["differing"], reporter["overlapping"]) == (1, 1, 1)
    assert reporter["plan_version"] == 5


def test_observed_load_of_a_time(client: httpx.Client) -> None:
    later = START + timedelta(days=3)
    report = load_report(interval_start=later.isoformat(), plan_version=77)
    client.post("/v1/observed-load", json=report)
    query = {"since": later.isoformat(), "until": (later + timedelta(seconds=1)).isoformat()}
    assert client.get("/v1/observed-load", params=query).json()["report_count"] == 1
    assert client.get("/v1/observed-load", params={"until": "2020-01-01T00:00:00Z"}).json()["models"] == []


def test_series_say_where_nothing_was_reported(client: httpx.Client) -> None:
    silent = model_load(arrived=0, served_in_time=0, late=0, dropped=0, arrival_cv=None)
    client.post(
        "/v1/observed-load",
        json=[
            load_report(sub_cluster="s", interval_start=at(), plan_version=9),
            load_report(sub_cluster="s", interval_start=at(minutes=1), plan_version=9, models=[silent]),
        ],
    )
    query = {"model": ["resnet", "none"], "since": at(), "until": at(minutes=3), "resolution": 60}
    found = client.get("/v1/observed-load/series", params=query).json()
    assert found["resolution_s"] == 60
    resnet, none = found["series"]
    assert [point["arrived"] for point in resnet["points"]] == [3_000, 0, None]
    assert [point["rate_rps"] for point in resnet["points"]] == [pytest.approx(300), 0, None]
    assert [round(point["coverage"], 3) for point in resnet["points"]] == [0.167, 0.167, 0]
    assert [point["arrived"] for point in none["points"]] == [None] * 3
    finest = client.get("/v1/observed-load/series", params={**query, "resolution": []}).json()
    assert finest["resolution_s"] == 10


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": at()}, "until"),
        ({"until": at(days=30), "resolution": 10}, "resolution"),
        ({"resolution": 7}, "resolution"),
        ({"since": "yesterday"}, "since"),
        ({"model": None}, "model"),
    ],
)
def test_series_that_cannot_be_are_refused(
    client: httpx.Client, changes: dict[str, object], field: str
) -> None:
    query = {"model": "resnet", "since": at(), "until": at(minutes=3)} | changes
    asked = {name: value for name, value in query.items() if value is not None}
    assert list(faults(client.get("/v1/observed-load/series", params=asked))) == [field]  # type: ignore[arg-type]


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


def test_an_interval_of_more_than_an_hour_is_refused(client: httpx.Client) -> None:
    assert list(faults(client.post("/v1/observed-load", json=load_report(interval_s=3_601)))) == [
        "interval_s"
    ]


def test_a_report_of_a_model_nobody_registered_is_taken(client: httpx.Client) -> None:
    body = load_report(sub_cluster="three", models=[model_load(model="surprise")])
    assert client.post("/v1/observed-load", json=body).status_code == 201


def test_the_accuracy_of_a_model_that_was_never_observed_is_an_empty_answer(client: httpx.Client) -> None:
    assert client.post("/v1/observed-load", json=load_report(sub_cluster="accurate")).status_code == 201
    answer = client.get("/v1/demand/accuracy", params={"model": "nobody"})
    assert answer.status_code == 200, answer.text
