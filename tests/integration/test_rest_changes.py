"""Changing and deleting what is registered: nobody overwrites what they have not seen, what is used stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from planner.store import migrate
from tests.control_plane import GPU_TYPE, MODELS, POOL, PROFILES, forecast, register_fleet, served, sqlite_url

THINGS: dict[str, dict[str, Any]] = {
    "/v1/gpu-types/A10": GPU_TYPE,
    "/v1/pools/A10/zone-a": POOL,
    "/v1/models/resnet": MODELS[0],
    "/v1/profiles/resnet/A10": PROFILES[0],
}
CHANGES: dict[str, dict[str, Any]] = {
    "/v1/gpu-types/A10": {"price_usd_per_hour": 9.0},
    "/v1/pools/A10/zone-a": {"available": 99},
    "/v1/models/resnet": {"slo_ms": 99.0},
    "/v1/profiles/resnet/A10": {"beta_ms": 9.0},
}


@pytest.fixture
def client(migrated_url: str) -> Iterator[httpx.Client]:
    with served(migrated_url, run_worker=False) as client:
        register_fleet(client)
        yield client


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["type"]).removeprefix("urn:fermata:problem:")


@pytest.mark.parametrize("path", THINGS)
def test_a_change_names_the_state_it_changes(client: httpx.Client, path: str) -> None:
    seen = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": seen}).status_code == 304
    changed = client.put(path, json=THINGS[path] | CHANGES[path], headers={"If-Match": seen})
    assert changed.status_code == 200
    assert changed.headers["etag"] == client.get(path).headers["etag"] != seen
    assert {name: client.get(path).json()[name] for name in CHANGES[path]} == CHANGES[path]
    stale = client.put(path, json=THINGS[path], headers={"If-Match": seen})
    assert code(stale, 412) == "precondition-failed"
    weak = client.put(path, json=THINGS[path], headers={"If-Match": f"W/{changed.headers['etag']}"})
    assert code(weak, 412) == "precondition-failed"
    assert code(client.delete(path, headers={"If-Match": seen}), 412) == "precondition-failed"
    assert client.get(path).headers["etag"] == changed.headers["etag"]


@pytest.mark.parametrize("path", THINGS)
def test_a_creation_may_demand_that_there_be_nothing(client: httpx.Client, path: str) -> None:
    taken = client.put(path, json=THINGS[path], headers={"If-None-Match": "*"})
    assert code(taken, 412) == "precondition-failed"
    parts = path.split("/")
    new = "/".join([*parts[:-1], "new"])
    body = {name: "new" if value == parts[-1] else value for name, value in THINGS[path].items()}
    if "/profiles/" in path:
        client.put("/v1/gpu-types/new", json=GPU_TYPE | {"id": "new"})
    assert client.put(new, json=body, headers={"If-None-Match": "*"}).status_code == 201
    assert code(
        client.put("/v1/models/none", json={"id": "none", "slo_ms": 1.0}, headers={"If-Match": "*"}), 412
    )
    assert client.delete(new).status_code == 204
    assert client.get(new).status_code == 404
    assert client.delete(new).status_code == 404


def test_what_the_body_names_is_what_the_path_names(client: httpx.Client) -> None:
    answer = client.put("/v1/models/resnet", json={"id": "bert", "slo_ms": -1.0})
    assert code(answer, 422) == "input-invalid"
    assert {fault["field"]: fault["limit"] for fault in answer.json()["faults"]} == {
        "id": "must be 'resnet', as in the path",
        "slo_ms": "must be greater than 0",
    }


def test_nothing_in_use_is_deleted(client: httpx.Client) -> None:
    client.post("/v1/forecasts", json=forecast())
    in_use = client.delete("/v1/gpu-types/A10")
    assert code(in_use, 409) == "still-used"
    for user in ("pool A10/zone-a of fleet default", "profile bert/A10", "profile resnet/A10"):
        assert user in in_use.json()["detail"]
    model = client.delete("/v1/models/resnet")
    assert code(model, 409) == "still-used"
    assert "profile resnet/A10, forecast 1 of fleet default" in model.json()["detail"]
    assert client.delete("/v1/profiles/resnet/A10").status_code == 204
    assert client.delete("/v1/pools/A10/zone-a").status_code == 204


def test_of_many_who_change_the_same_state_one_succeeds(client: httpx.Client) -> None:
    """Each adds one to the pool it has seen; no addition is lost."""
    path, writers = "/v1/pools/A10/zone-a", 8

    def add_one(_: int) -> int:
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            refusals = 0
            while True:
                seen = own.get(path)
                body = seen.json() | {"available": seen.json()["available"] + 1}
                answer = own.put(path, json=body, headers={"If-Match": seen.headers["etag"]})
                if answer.status_code == 200:
                    return refusals
                assert answer.status_code == 412, answer.text
                refusals += 1

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(add_one, range(writers)))
    assert client.get(path).json()["available"] == POOL["available"] + writers


def test_a_server_may_ask_for_if_match(tmp_path: Any) -> None:
    url = sqlite_url(tmp_path)
    migrate.upgrade(url)
    with served(url, run_worker=False, if_match_required=True) as client:
        register_fleet(client)
        assert code(client.post("/v1/models", json=MODELS), 428) == "precondition-required"
        assert code(client.put("/v1/models/bert", json=MODELS[1]), 428) == "precondition-required"
        assert code(client.delete("/v1/profiles/bert/A10"), 428) == "precondition-required"
        assert client.delete("/v1/profiles/bert/A10", headers={"If-Match": "*"}).status_code == 204


def nested(count: int) -> list[dict[str, Any]]:
    own = {name: value for name, value in PROFILES[0].items() if name != "model"}
    return [{"id": f"bulk-{i:05d}", "slo_ms": 40.0, "profiles": [dict(own)]} for i in range(count)]


def test_models_bring_their_profiles_all_or_nothing(client: httpx.Client) -> None:
    answer = client.post("/v1/models", json=nested(2_000))
    assert answer.status_code == 201
    assert len(answer.json()["created"]) == len(answer.json()["profiles_created"]) == 2_000
    again = client.post("/v1/models", json=nested(2_001)).json()
    assert [len(again[name]) for name in again] == [1, 2_000, 1, 2_000]
    assert client.get("/v1/profiles/bulk-00007/A10").json()["alpha_ms"] == 0.5
    broken = nested(5)
    broken[0]["slo_ms"] = 1.0
    broken[3]["profiles"][0] |= {"alpha_ms": -1}
    broken[3]["profiles"].append({"gpu_type": "A11", "weights_gib": 1.0, "latency_ms": [[2, 2.0], [2, 1.0]]})
    answer = client.post("/v1/models", json=broken)
    assert {fault["pointer"] for fault in answer.json()["faults"]} == {
        "#/3/profiles/0/alpha_ms",
        "#/3/profiles/1/gpu_type",
        "#/3/profiles/1/latency_ms/1/0",
        "#/3/profiles/1/latency_ms/1/1",
    }
    assert client.get("/v1/models/bulk-00000").json()["slo_ms"] == 40.0


def test_faults_of_all_parts_of_a_request_are_listed_together(client: httpx.Client) -> None:
    body = [{"id": "a b", "slo_ms": -1, "odd.name": 1}, {"id": "fine", "slo_ms": 1.0}]
    answer = client.post("/v1/models?colour=red", json=body, headers={"X-Actor": "a" * 101})
    found = {(fault["place"], fault["field"], fault.get("pointer")) for fault in answer.json()["faults"]}
    assert found == {
        ("query", "colour", None),
        ("header", "X-Actor", None),
        ("body", "[0].id", "#/0/id"),
        ("body", "[0].slo_ms", "#/0/slo_ms"),
        ("body", '[0]["odd.name"]', "#/0/odd.name"),
    }
    parameters = client.get("/v1/runs?limit=0&limt=3&since=yesterday").json()["faults"]
    assert [fault["field"] for fault in parameters] == ["limt", "limit", "since"]
