"""Decisions by the state that was looked at: of two who decide at once one succeeds, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from planner.service.access import Scope
from planner.store.store import Store
from tests.access import issue
from tests.control_plane import forecast, register_fleet, served
from tests.planning import document, model, one_at_a_time
from tests.stored_plans import stored_plan

SCHEDULE = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin", "horizon_hours": 2}
WEBHOOK = {"url": "http://127.0.0.1:9/", "events": ["replan.waiting"]}
PROBLEM = document([model("m", [100.0], {"a": one_at_a_time()})])


@pytest.fixture
def client(migrated_url: str) -> Iterator[httpx.Client]:
    with served(migrated_url, run_worker=False, scheduler=False, webhook_loopback=True) as client:
        yield client


@pytest.fixture
def versions(migrated_url: str) -> list[int]:
    """Two certified plans."""
    store = Store(migrated_url)
    made = [stored_plan(store, PROBLEM) for _ in range(2)]
    store.close()
    return made


def tag(client: httpx.Client, path: str) -> str:
    """The thing's ETag, by which a second look finds nothing new."""
    etag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    return etag


def names_both(refused: httpx.Response, now: str, named: str) -> None:
    problem = refused.json()
    assert refused.status_code == 412, problem
    assert problem["type"] == "urn:fermata:problem:precondition-failed"
    assert f"ETag is {now}" in problem["detail"]
    assert f"If-Match named {named}" in problem["detail"]


def decide(client: httpx.Client, version: int, what: str, etag: str, actor: str = "ann") -> httpx.Response:
    seen = client.get(f"/v1/plans/{version}").json()
    body = {"plan_id": seen["plan_id"], "reason": "looked at it"}
    headers = {"If-Match": etag, "X-Actor": actor}
    return client.post(f"/v1/plans/{version}/{what}", json=body, headers=headers)


def together(client: httpx.Client, asked: list[tuple[str, str, dict[str, Any], str]]) -> list[int]:
    """The statuses of requests sent at once; each is method, path, body and the tag for If-Match."""

    def send(one: tuple[str, str, dict[str, Any], str]) -> int:
        method, path, body, etag = one
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            return own.request(method, path, json=body, headers={"If-Match": etag}).status_code

    with ThreadPoolExecutor(len(asked)) as pool:
        return sorted(pool.map(send, asked))


def test_a_plan_is_decided_on_in_the_state_that_was_looked_at(
    client: httpx.Client, versions: list[int]
) -> None:
    path = f"/v1/plans/{versions[0]}"
    seen = tag(client, path)
    approved = decide(client, versions[0], "approval", seen)
    assert approved.status_code == 200
    assert approved.headers["etag"] == tag(client, path) != seen
    names_both(decide(client, versions[0], "rejection", seen, "bob"), approved.headers["etag"], seen)
    assert client.get(path).json()["state"] == "approved"
    rejected = decide(client, versions[0], "rejection", approved.headers["etag"], "bob")
    assert rejected.headers["etag"] == tag(client, path)


def test_of_an_approval_and_a_rejection_at_once_one_is_refused(
    client: httpx.Client, versions: list[int]
) -> None:
    for version in versions:
        path = f"/v1/plans/{version}"
        seen, body = tag(client, path), {"plan_id": client.get(path).json()["plan_id"], "reason": "so"}
        asked = [("POST", f"{path}/{what}", body, seen) for what in ("approval", "rejection")]
        assert together(client, asked) == [200, 412]


def test_an_activation_names_the_one_it_follows(client: httpx.Client, versions: list[int]) -> None:
    current, (first, second) = "/v1/activations/current", versions
    for version in versions:
        decide(client, version, "approval", "*")
    new = client.post("/v1/activations", json={"plan_version": first}, headers={"If-Match": '"none"'})
    assert new.status_code == 412
    assert "it has no ETag now" in new.json()["detail"]
    only_first = {"If-None-Match": "*"}
    done = client.post("/v1/activations", json={"plan_version": first}, headers=only_first)
    assert done.headers["etag"] == tag(client, current)
    taken = client.post("/v1/activations", json={"plan_version": second}, headers=only_first)
    assert "exists already" in taken.json()["detail"]
    then = client.post(
        "/v1/activations", json={"plan_version": second}, headers={"If-Match": done.headers["etag"]}
    )
    assert then.status_code == 201
    back = {"plan_version": first, "certify": "skip", "reason": "it was better"}
    late = client.post("/v1/activations", json=back, headers={"If-Match": done.headers["etag"]})
    names_both(late, then.headers["etag"], done.headers["etag"])
    assert client.get(current).json()["plan_version"] == second


def test_of_two_activations_at_once_one_succeeds(client: httpx.Client, versions: list[int]) -> None:
    for version in versions:
        decide(client, version, "approval", "*")
    client.post("/v1/activations", json={"plan_version": versions[0]})
    seen = tag(client, "/v1/activations/current")
    back = {"plan_version": versions[0], "certify": "skip", "reason": "back"}
    client.post("/v1/activations", json={"plan_version": versions[1]}, headers={"If-Match": seen})
    seen = tag(client, "/v1/activations/current")
    assert together(client, [("POST", "/v1/activations", back, seen)] * 3) == [201, 412, 412]


def test_a_schedule_is_changed_as_it_was_seen(client: httpx.Client) -> None:
    path = "/v1/schedule"
    made = client.put(path, json=SCHEDULE, headers={"If-None-Match": "*"})
    assert made.headers["etag"] == tag(client, path)
    assert client.put(path, json=SCHEDULE, headers={"If-None-Match": "*"}).status_code == 412
    seen = made.headers["etag"]
    changed = client.put(path, json=SCHEDULE | {"seed": 3}, headers={"If-Match": seen})
    assert changed.headers["etag"] == tag(client, path) != seen
    names_both(client.put(path, json=SCHEDULE, headers={"If-Match": seen}), changed.headers["etag"], seen)
    names_both(client.delete(path, headers={"If-Match": seen}), changed.headers["etag"], seen)
    writers = [("PUT", path, SCHEDULE | {"seed": 10 + i}, changed.headers["etag"]) for i in range(4)]
    assert together(client, writers) == [200, 412, 412, 412]
    assert client.delete(path, headers={"If-Match": tag(client, path)}).status_code == 204
    gone = client.put(path, json=SCHEDULE, headers={"If-Match": seen})
    assert "is not there" in gone.json()["detail"]


def test_of_many_who_make_the_first_schedule_one_does(client: httpx.Client) -> None:
    def make(seed: int) -> int:
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            body, headers = SCHEDULE | {"seed": seed}, {"If-None-Match": "*"}
            return own.put("/v1/schedule", json=body, headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(make, range(6))) == [200, 412, 412, 412, 412, 412]


def test_a_webhook_is_removed_as_it_was_seen(client: httpx.Client) -> None:
    made = client.post("/v1/webhooks", json=WEBHOOK).json()
    path = f"/v1/webhooks/{made['id']}"
    seen = tag(client, path)
    names_both(client.delete(path, headers={"If-Match": '"other"'}), seen, '"other"')
    asked = [("DELETE", path, {}, seen)] * 2
    assert together(client, asked) in ([204, 404], [204, 412])


def test_of_two_who_correct_a_forecast_one_learns_of_the_other(client: httpx.Client) -> None:
    register_fleet(client)
    (first,) = client.post("/v1/forecasts", json=forecast()).json()
    assert first["corrected_by"] is None
    path = f"/v1/forecasts/{first['id']}"
    seen = tag(client, path)
    correction = forecast(corrects=first["id"])
    assert together(client, [("POST", "/v1/forecasts", correction, seen)] * 3) == [201, 412, 412]
    corrected_by = client.get(path).json()["corrected_by"]
    assert [each["corrected_by"] for each in client.get("/v1/forecasts").json()["items"]] == [
        None,
        corrected_by,
    ]
    late = client.post("/v1/forecasts", json=correction, headers={"If-Match": seen})
    names_both(late, tag(client, path), seen)
    csv = "model,start,hours,demand_rps\nresnet,2026-11-23T08:00:00Z,1,7\n"
    query = {"corrects": str(first["id"])}
    headers = {"If-Match": seen, "Content-Type": "text/csv"}
    assert client.post("/v1/forecasts", content=csv, params=query, headers=headers).status_code == 412
    headers["If-Match"] = tag(client, path)
    assert client.post("/v1/forecasts", content=csv, params=query, headers=headers).status_code == 201
    none = client.post("/v1/forecasts", json=forecast(), headers={"If-Match": seen})
    assert "a forecast that corrects none" in none.json()["detail"]


def test_of_two_who_rotate_a_token_one_is_refused(client: httpx.Client, migrated_url: str) -> None:
    store = Store(migrated_url)
    admin = issue(store, "admin", Scope.ADMIN).token
    store.close()
    client.headers["Authorization"] = f"Bearer {admin}"
    made = client.post("/v1/tokens", json={"name": "reports", "scopes": ["dispatcher"]}).json()
    path = f"/v1/tokens/{made['id']}"
    seen = tag(client, path)
    assert "token" not in client.get(path).json()
    rotated = client.post(f"{path}/rotation", json={}, headers={"If-Match": seen})
    assert rotated.headers["etag"] == tag(client, path) != seen
    now = rotated.headers["etag"]
    names_both(client.post(f"{path}/rotation", json={}, headers={"If-Match": seen}), now, seen)
    names_both(client.delete(path, headers={"If-Match": seen}), now, seen)
    revoked = client.delete(path, headers={"If-Match": now})
    assert revoked.headers["etag"] == tag(client, path)
    assert client.get("/v1/tokens/aaaaaaaaaa").status_code == 404
