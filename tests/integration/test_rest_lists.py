"""Every list of the API: pages are bounded and join to the whole while rows are added; filters narrow it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.rest.schemas.nodes import STATUS_EXAMPLE
from planner.store.records import Advice, NewPlan, NewProposal
from planner.store.store import Store
from tests.control_plane import GPU_TYPE, POOL, forecast, register_fleet, served

PLAN = {
    "status": "optimal",
    **dict.fromkeys(("objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour"), 0.0),
    **{"sub_clusters": [], "unserved": [], "excuses": [], "solver": "highs", "seed": 7},
}
RATIO = {
    **{"batch_size": None, "batches": 300, "intervals": 9, "measured_ms": 2.0, "profiled_ms": 1.0},
    **{"ratio": 2.0, "ratio_low": 1.9, "ratio_high": 2.1},
}
EVIDENCE = {
    **{"since": "2026-11-22T08:00:00Z", "until": "2026-11-23T08:00:00Z", "overall": RATIO},
    **{"by_batch_size": [RATIO | {"batch_size": 8}], "error_before": 0.5, "error_after": 0.1},
}
ROWS = 7
PAGE = 3


@pytest.fixture
def client(migrated_url: str) -> Iterator[httpx.Client]:
    with served(migrated_url, run_worker=False) as client:
        register_fleet(client)
        yield client


def add_named(client: httpx.Client, number: int) -> None:
    """One more of everything that has a name; the names do not come in their order."""
    name = f"{(number * 5) % 11:02d}-{number:02d}"
    one = {"model": f"m{name}", "gpu_type": "A10", "alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0}
    for path, body in (
        ("gpu-types", {**GPU_TYPE, "id": f"g{name}"}),
        ("pools", {**POOL, "zone": f"z{name}"}),
        ("models", {"id": f"m{name}", "slo_ms": 50.0}),
        ("profiles", one),
    ):
        assert client.post(f"/v1/{path}", json=body).status_code == 201
    assert client.put(f"/v1/nodes/n{name}", json=STATUS_EXAMPLE).status_code == 200


def add_numbered(client: httpx.Client, url: str, number: int) -> None:
    """One more of everything that comes newest first."""
    stored = client.post("/v1/forecasts", json=forecast(name=f"forecast {number}")).json()
    run = client.post("/v1/runs", json={"forecast_id": stored[0]["id"]}).json()
    add_plan(url, run)


def add_plan(url: str, run: dict[str, Any]) -> None:
    """A plan of the run, active in place of the one before."""
    digest = run["problem_digest"]
    document = PLAN | {"problem_digest": digest, "seed": int(run["id"], 16) % 1_000}
    certificate = {"passed": True}
    new = NewPlan(run["id"], run["forecast_id"], digest, document, 0, 0, {}, certificate, True, 0.0)
    store = Store(url)
    with store.writing() as work:
        version = work.plans.add(new).version
        work.plans.activate(version, kind="activate", actor="ann")
        work.decisions.add_advice(Advice(version, work.now, None, 1, None, 1.0, None, 0.0, None, 0))
        work.profiles.propose(NewProposal("resnet", "A10", 1, {"alpha_ms": 1.0, "beta_ms": 2.0}, EVIDENCE))
        work.audit.add(actor="ann", action="plan.looked-at", subject=str(version))
    store.close()


def add(client: httpx.Client, url: str, number: int) -> None:
    add_named(client, number)
    add_numbered(client, url, number)


def list_paths(client: httpx.Client) -> dict[str, list[str]]:
    """Paths of the operations that give pages, with the names of their parameters."""
    document = client.get("/v1/openapi.json").json()
    found = {}
    for path, item in document["paths"].items():
        answer = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = answer.get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").endswith("Page"):
            found[path] = [parameter["name"] for parameter in item["get"]["parameters"]]
    return found


def bare_arrays(client: httpx.Client) -> list[str]:
    document = client.get("/v1/openapi.json").json()
    return [
        path
        for path, item in document["paths"].items()
        for content in item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).values()
        if content.get("schema", {}).get("type") == "array"
    ]


def key(item: dict[str, Any]) -> Any:
    """What tells items of a list apart."""
    names = ("id", "plan_version", "model", "gpu_type", "zone", "sub_cluster", "version")
    return tuple(item[name] for name in names if name in item and not isinstance(item[name], dict))


def walk(client: httpx.Client, path: str, cursor: str, between: Any, **query: Any) -> list[dict[str, Any]]:
    """All pages; ``between`` is called after each of the first two: what it adds makes later lists longer."""
    items: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = client.get(path, params={"limit": PAGE, **query, **after}).json()
        assert len(page["items"]) <= PAGE
        items += page["items"]
        if page[f"next_{cursor}"] is None:
            return items
        assert len(page["items"]) == PAGE
        after = {cursor: page[f"next_{cursor}"]}
        if len(items) <= 2 * PAGE:
            between()


def test_every_list_comes_in_pages(client: httpx.Client) -> None:
    assert bare_arrays(client) == []
    for path, parameters in list_paths(client).items():
        assert "limit" in parameters, path
        assert {"before", "after"} & set(parameters), path


def test_pages_join_to_the_whole_while_rows_are_added(client: httpx.Client, migrated_url: str) -> None:
    for number in range(ROWS):
        add(client, migrated_url, number)
    added = iter(range(ROWS, 1_000))
    lists = {
        path.replace("{fleet_id}", "default").replace("{model}/{gpu_type}", "resnet/A10"): names
        for path, names in list_paths(client).items()
    }
    lists = {path: names for path, names in lists.items() if "{" not in path}
    assert {"/v1/fleets/default/advice", "/v1/profile-proposals", "/v1/audit"} <= set(lists)
    for path, parameters in lists.items():
        cursor = "after" if "after" in parameters else "before"
        before = [key(item) for item in client.get(path, params={"limit": 500}).json()["items"]]
        found = walk(client, path, cursor, lambda: add(client, migrated_url, next(added)))
        keys = [key(item) for item in found]
        assert len(set(keys)) == len(keys), path
        assert [each for each in keys if each in set(before)] == before, path


def test_filters_narrow_a_list(client: httpx.Client, migrated_url: str) -> None:
    for number in range(3):
        add(client, migrated_url, number)

    def found(path: str, **query: Any) -> list[Any]:
        return [key(item)[0] for item in client.get(path, params=query).json()["items"]]

    assert found("/v1/models", name="RES") == ["resnet"]
    assert found("/v1/models", name="%") == []
    assert found("/v1/pools", zone="zone-a") == ["A10"]
    assert found("/v1/profiles", model="bert") == ["bert"]
    runs = found("/v1/runs")
    assert found("/v1/runs", state="queued") == runs
    assert found("/v1/runs", state="failed") == []
    assert len(found("/v1/runs", forecast_id=1)) == 1
    assert found("/v1/runs", actor="nobody") == []
    assert found("/v1/runs", until="2020-01-01T00:00:00Z") == []
    assert found("/v1/runs", since="2020-01-01T00:00:00Z") == runs
    assert len(found("/v1/plans", forecast_id=2)) == 1
    assert len(found("/v1/plans", state="active")) == 1
    assert len(found("/v1/activations", actor="ann", kind="activate")) == 3
    assert found("/v1/activations", kind="roll_back") == []
    unknown = client.get("/v1/runs", params={"stat": "failed"})
    assert unknown.status_code == 422
    assert unknown.json()["faults"][0]["limit"] == "unknown parameter; did you mean 'state'?"


def test_a_null_that_the_description_names_is_in_the_answer(client: httpx.Client, migrated_url: str) -> None:
    add_numbered(client, migrated_url, 0)
    versions = client.get("/v1/profiles/resnet/A10/versions").json()
    assert versions["next_before"] is None
    assert versions["items"][0]["proposal_id"] is None
    assert "latency_ms" not in versions["items"][0]
    proposals = client.get("/v1/profile-proposals").json()
    assert proposals["next_before"] is None
    assert proposals["items"][0]["decided_by"] is None
    assert proposals["items"][0]["evidence"]["overall"]["batch_size"] is None


def test_the_last_page_says_that_it_is_the_last(client: httpx.Client) -> None:
    """Also where it is full."""
    count = len(client.get("/v1/audit", params={"limit": 500}).json()["items"])
    assert client.get("/v1/audit", params={"limit": count}).json()["next_before"] is None


def test_examples_have_every_field_that_is_required(client: httpx.Client) -> None:
    """FastAPI leaves nulls out of what it describes; a heartbeat sent as in the example would be refused."""
    schemas = client.get("/v1/openapi.json").json()["components"]["schemas"]
    shown = {name: schema for name, schema in schemas.items() if "examples" in schema}
    assert shown["HeartbeatBody"]["examples"][0]["cache_fault"] is None
    for name, schema in shown.items():
        for example in schema["examples"]:
            assert set(schema.get("required", [])) <= set(example), name
    heartbeat = shown["HeartbeatBody"]["examples"][0]
    assert client.put("/v1/nodes/as-shown", json=heartbeat).status_code == 200


def test_very_many_faults_are_counted_and_the_first_are_listed(client: httpx.Client) -> None:
    entries = [{"id": f"m{i}", "slo_ms": -1, "priority": "high"} for i in range(8_000)]
    entries += [{"id": "twice", "slo_ms": 1.0}] * 2
    problem = client.post("/v1/models", json=entries).json()
    assert problem["fault_count"] == 16_002
    assert len(problem["faults"]) == 10_000
    assert problem["detail"] == "models has 16002 fault(s), of which 10000 are listed"
    nowhere = [{**POOL, "gpu_type": "none", "zone": f"z{i}"} for i in range(10_500)]
    unknown = client.post("/v1/pools", json=nowhere).json()
    assert (unknown["fault_count"], len(unknown["faults"])) == (10_500, 10_000)
    few = client.post("/v1/models?odd=1", json=entries[:2]).json()
    assert few["fault_count"] == len(few["faults"]) == 5
    forecast_of_many = forecast(models=[{"model": 1}] * 6_000)
    one = client.post("/v1/forecasts", json=forecast_of_many).json()
    assert one["fault_count"] >= 12_000
    assert any(fault["value"] == "12000 faults" for fault in one["faults"])
