"""
Two fleets on one server: nothing of one is seen or changed through the other; every change is in the log.

Both tests walk over the routes of the application itself: a new route must say here what it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.rest.schemas.nodes import STATUS_EXAMPLE
from tests.control_plane import (
    GPU_TYPE,
    MODELS,
    POOL,
    PROFILES,
    START,
    activated,
    finished_run,
    forecast,
    load_report,
    register_fleet,
    served,
    sqlite_url,
    wait_until,
)

SOLVE = {"solver": "greedy", "time_limit_s": 60.0, "seed": 1}
A, B = {"fleet": "fleet-a"}, {"fleet": "fleet-b"}
# Only what machines measured makes a proposal: tests/integration/test_profile_drift.py has fleets and log.
# Tokens, and replans of a horizon that begins now: tests/integration/test_tokens.py and test_schedules.py.
MADE_ELSEWHERE = ("/v1/profile-proposals", "/v1/tokens", "/v1/replans")
SHARED = ("/v1/me", "/v1/models", "/v1/gpu-types", "/v1/profiles", "/v1/fleets", "/v1/openapi.json")
HORIZON = {"since": START.isoformat(), "until": (START + timedelta(hours=2)).isoformat()}
NEEDED = {
    "/v1/forecasts/resolved": HORIZON,
    "/v1/plans/{version}/explanation": {"time_limit_s": "0.5"},
    "/v1/observed-load/series": {
        "model": "resnet",
        "since": START.isoformat(),
        "until": (START + timedelta(hours=1)).isoformat(),
    },
}
SCHEDULE = {"cron": "0 0 1 1 *"}
WEBHOOK = {"url": "http://127.0.0.1:9/hook-of-a", "events": ["replan.waiting"]}
CHANGES = ("post", "put", "patch", "delete")
RUNNING = {
    "sub_clusters": [
        {"id": "all", "gpu_type": "A10", "zone": "zone-of-a", "gpus": [6], "models": []},
    ]
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(sqlite_url(tmp_path_factory.mktemp("apart")), webhook_loopback=True) as client:
        register_fleet(client)
        for fleet in (A, B):
            assert client.post("/v1/fleets", json={"id": fleet["fleet"]}).status_code == 201
        yield client


@pytest.fixture(scope="module")
def ids(client: httpx.Client) -> dict[str, str]:
    """What fleet A has, by the names of path parameters; names of its own wherever it may choose."""
    client.post("/v1/pools", json=POOL | {"zone": "zone-of-a"}, params=A)
    (stored,) = client.post("/v1/forecasts", json=forecast(name="forecast-of-a"), params=A).json()
    (kept,) = client.post("/v1/forecasts", json=forecast(name="forecast-of-a"), params=A).json()
    run = planned(client, kept["id"])
    activated(client, run["plan_version"], **A)
    client.post("/v1/observed-load", json=load_report(sub_cluster="sub-cluster-of-a"), params=A)
    client.put("/v1/nodes/node-of-a", json=STATUS_EXAMPLE, params=A)
    plan = client.get(f"/v1/plans/{run['plan_version']}", params=A).json()
    client.put("/v1/schedule", json=SCHEDULE, params=A)
    rollout = wait_until(lambda: ordered(client))
    return {
        "activation_id": str(rollout["activation_id"]),
        "wave": str(rollout["wave"]),
        "webhook_id": client.post("/v1/webhooks", json=WEBHOOK, params=A).json()["id"],
        "version": str(run["plan_version"]),
        "sub_cluster": plan["plan"]["sub_clusters"][0]["id"],
        "run_id": run["id"],
        "forecast_id": str(stored["id"]),
        "node_id": "node-of-a",
        "gpu_type": "A10",
        "zone": "zone-of-a",
    }


def ordered(client: httpx.Client) -> dict[str, Any] | None:
    """How fleet A gets to its plan, once that is known."""
    found: dict[str, Any] = client.get("/v1/activations/current/rollout", params=A).json()
    return None if found["state"] == "ordering" else found


def planned(client: httpx.Client, forecast_id: int) -> dict[str, Any]:
    answer = client.post(
        "/v1/runs", json={**SOLVE, "forecast_id": forecast_id}, params=A, headers={"X-Actor": "actor-of-a"}
    )
    run = finished_run(client, f"/v1/runs/{answer.json()['id']}?fleet=fleet-a")
    assert run["state"] == "succeeded", run
    return run


def routes(client: httpx.Client, *methods: str) -> list[tuple[str, str]]:
    paths = client.get("/v1/openapi.json").json()["paths"]
    return [(m, path) for path, item in paths.items() for m in methods if m in item and "/v1" in path]


def test_nothing_of_one_fleet_is_seen_through_another(client: httpx.Client, ids: dict[str, str]) -> None:
    looked_at = 0
    for _, path in routes(client, "get"):
        if path.startswith((*SHARED, *MADE_ELSEWHERE)):
            continue
        asked = NEEDED.get(path, {})
        mine, theirs = (client.get(path.format(**ids), params=fleet | asked) for fleet in (A, B))
        assert mine.status_code == 200, f"{path}: {mine.text}"
        if "{" in path or path.startswith("/v1/activations/current"):
            assert theirs.status_code == 404, path
        else:
            assert "-of-a" not in theirs.text, path
            assert ids["run_id"] not in theirs.text, path
            assert not asked or theirs.json() != mine.json(), path
        looked_at += 1
    assert looked_at >= 15
    page = client.get("/console", params=B).text
    assert "No plan yet" in page
    assert [client.get("/console/rollout", params=fleet).text == "" for fleet in (A, B)] == [False, True]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/plans/{version}/approval", {"plan_id": "a" * 64}),
        ("POST", "/v1/plans/{version}/rejection", {"plan_id": "a" * 64, "reason": "x"}),
        ("POST", "/v1/activations", {"plan_version": "version"}),
        ("POST", "/v1/activations", {"plan_version": "version", "certify": "skip", "reason": "x"}),
        ("DELETE", "/v1/runs/{run_id}", None),
        ("POST", "/v1/runs", {"forecast_id": "forecast_id"}),
        ("POST", "/v1/plans/imported", {"plan": RUNNING, "forecast_id": "forecast_id"}),
    ],
)
def test_nothing_of_one_fleet_is_changed_through_another(
    client: httpx.Client, ids: dict[str, str], method: str, path: str, body: dict[str, Any] | None
) -> None:
    before = client.get("/v1/audit", params=A).json()["items"][0]
    named = {k: int(ids[v]) if isinstance(v, str) and v in ids else v for k, v in (body or {}).items()}
    answer = client.request(method, path.format(**ids), json=named if body else None, params=B)
    assert answer.status_code == 404, answer.text
    assert client.get("/v1/audit", params=A).json()["items"][0] == before


MEASURED = {"/v1/observed-load", "/v1/nodes/{node_id}"}  # what machines report is no decision of anybody
STORES_NOTHING = {"/v1/replays"}


def changes(client: httpx.Client, ids: dict[str, str]) -> dict[str, Any]:
    """Every route that changes something, with a way to make it do so, in an order that works."""
    version = int(ids["version"])
    run = planned(client, int(ids["forecast_id"]))
    other = planned(client, int(ids["forecast_id"]))
    queued: list[str] = []

    def webhook() -> str:
        return str(client.post("/v1/webhooks", json=WEBHOOK, params=A).json()["id"])

    spare = webhook()

    def decide(way: str, made: dict[str, Any]) -> httpx.Response:
        plan_id = client.get(f"/v1/plans/{made['plan_version']}", params=A).json()["plan_id"]
        body = {"plan_id": plan_id, "reason": "because"}
        return client.post(f"/v1/plans/{made['plan_version']}/{way}", json=body, params=A)

    def start() -> httpx.Response:
        answer = client.post("/v1/runs", json={**SOLVE, "forecast_id": int(ids["forecast_id"])}, params=A)
        queued.append(answer.json()["id"])
        return answer

    return {
        "post /v1/gpu-types": lambda: client.post("/v1/gpu-types", json=GPU_TYPE, params=A),
        "post /v1/pools": lambda: client.post("/v1/pools", json=POOL | {"zone": "zone-of-a"}, params=A),
        "post /v1/models": lambda: client.post("/v1/models", json=MODELS, params=A),
        "post /v1/profiles": lambda: client.post("/v1/profiles", json=PROFILES, params=A),
        **registered_one_by_one(client),
        "post /v1/forecasts": lambda: client.post("/v1/forecasts", json=forecast(), params=A),
        "post /v1/runs": start,
        "delete /v1/runs/{run_id}": lambda: client.delete(f"/v1/runs/{queued[0]}", params=A),
        "post /v1/plans/imported": lambda: client.post(
            "/v1/plans/imported", json={"plan": RUNNING, "as_it_is": True}, params=A
        ),
        "post /v1/plans/{version}/approval": lambda: decide("approval", run),
        "post /v1/plans/{version}/rejection": lambda: decide("rejection", other),
        "post /v1/activations": lambda: client.post(
            "/v1/activations", json={"plan_version": run["plan_version"]}, params=A
        ),
        "put /v1/schedule": lambda: client.put(
            "/v1/schedule", json=SCHEDULE | {"horizon_hours": 7}, params=A
        ),
        "delete /v1/schedule": lambda: client.delete("/v1/schedule", params=A),
        "post /v1/webhooks": lambda: client.post("/v1/webhooks", json=WEBHOOK, params=A),
        "post /v1/webhooks/{webhook_id}/test": lambda: client.post(f"/v1/webhooks/{spare}/test", params=A),
        "delete /v1/webhooks/{webhook_id}": lambda: client.delete(f"/v1/webhooks/{spare}", params=A),
        "patch /v1/fleets/{fleet_id}": lambda: client.patch(
            "/v1/fleets/fleet-a", json={"environment": f"staging-{version}"}
        ),
    }


def registered_one_by_one(client: httpx.Client) -> dict[str, Any]:
    """PUT, then DELETE, of one thing of each kind that is registered."""
    profile = PROFILES[0] | {"model": "lone", "gpu_type": "lone"}
    things = {
        "/v1/gpu-types/{gpu_type}": ("/v1/gpu-types/lone", GPU_TYPE | {"id": "lone"}),
        "/v1/pools/{gpu_type}/{zone}": (
            "/v1/pools/lone/z",
            {"gpu_type": "lone", "zone": "z", "available": 1},
        ),
        "/v1/models/{model}": ("/v1/models/lone", {"id": "lone", "slo_ms": 50.0}),
        "/v1/profiles/{model}/{gpu_type}": ("/v1/profiles/lone/lone", profile),
    }

    def put(path: str, body: dict[str, Any]) -> Any:
        return lambda: client.put(path, json=body, params=A)

    def delete(path: str) -> Any:
        return lambda: client.delete(path, params=A)

    made = {f"put {name}": put(path, body) for name, (path, body) in things.items()}
    gone = {f"delete {name}": delete(path) for name, (path, _) in reversed(things.items())}
    return made | gone


def test_every_change_is_in_the_log_with_who_and_from_where(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    told = changes(client, ids)
    known = {*told, "post /v1/fleets"}
    expected = {f"{method} {path}" for method, path in routes(client, *CHANGES)}
    exempt = {name for name in expected if name.partition(" ")[2] in MEASURED | STORES_NOTHING}
    exempt |= {name for name in expected if name.partition(" ")[2].startswith(MADE_ELSEWHERE)}
    assert expected - exempt == known
    for name, change in told.items():
        before = client.get("/v1/audit", params=A).json()["items"][0]["number"]
        client.headers["X-Actor"], client.headers["X-Request-ID"] = "walker", "walk-1"
        answer = change()
        del client.headers["X-Actor"], client.headers["X-Request-ID"]
        assert answer.status_code < 300, f"{name}: {answer.text}"
        entries = client.get("/v1/audit", params=A).json()["items"]
        new = [entry for entry in entries if entry["number"] > before and entry["request_id"] == "walk-1"]
        assert new, name
        assert {(entry["actor"], entry["client_address"]) for entry in new} == {("walker", "127.0.0.1")}, name


def test_a_fleet_is_made_once_and_its_faults_are_all_named(client: httpx.Client) -> None:
    again = client.post("/v1/fleets", json={"id": "fleet-a"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:fermata:problem:fleet-exists")
    body = {"id": "a b", "environment": "", "policy": {"modus": "live", "four_eyes": 1}}
    refused = client.post("/v1/fleets", json=body).json()
    assert {fault["field"] for fault in refused["faults"]} == {
        "id",
        "environment",
        "policy.modus",
        "policy.four_eyes",
    }
    unknown = client.patch("/v1/fleets/none", json={"environment": "x"})
    assert unknown.json()["type"] == "urn:fermata:problem:fleet-not-found"
    names = [fleet["id"] for fleet in client.get("/v1/fleets").json()["items"]]
    assert names == ["default", "fleet-a", "fleet-b"]


def test_a_policy_changes_key_by_key(client: httpx.Client) -> None:
    client.patch("/v1/fleets/fleet-b", json={"policy": {"four_eyes": True}})
    found = client.patch("/v1/fleets/fleet-b", json={"policy": {"plan_valid_hours": 36}}).json()
    assert (found["policy"]["four_eyes"], found["policy"]["plan_valid_hours"]) == (True, 36.0)
    entry = client.get("/v1/audit", params=B).json()["items"][0]
    assert entry["action"] == "fleet.changed"
    assert entry["details"]["before"]["plan_valid_hours"] is None
    assert entry["details"]["after"]["plan_valid_hours"] == 36.0
