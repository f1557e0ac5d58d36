"""Once around the loop over REST: forecast, plan, certificate, activation, observed load, replan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.rest.schemas.nodes import STATUS_EXAMPLE
from dispatcher.contract.node_plan import NodePlan
from dispatcher.contract.sub_cluster_file import decode_sub_cluster
from dispatcher.runtime.node.plan_source import Home, PlanSource
from planner.plan.codec import parse_plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from tests.control_plane import (
    activated,
    approved,
    finished_run,
    forecast,
    load_report,
    model_load,
    register_fleet,
    served,
    sqlite_url,
)

SOLVE = {"solver": "auto", "time_limit_s": 10.0, "seed": 1}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(sqlite_url(tmp_path_factory.mktemp("loop"))) as client:
        yield client


def planned(client: httpx.Client, **options: Any) -> dict[str, Any]:
    """A run that must succeed."""
    answer = client.post("/v1/runs", json={**SOLVE, **options})
    assert answer.status_code == 202, answer.text
    run = finished_run(client, answer.headers["location"])
    assert run["state"] == "succeeded", run
    return run


def test_once_around(client: httpx.Client) -> None:
    register_fleet(client)
    rows = [
        {"model": "resnet", "demand_rps": [1_300.0, 1_600.0], "arrival_cv": [1.0, 1.2]},
        {"model": "bert", "demand_rps": [300.0, 200.0]},
    ]
    (stored,) = client.post("/v1/forecasts", json=forecast(models=rows)).json()
    run = planned(client, forecast_id=stored["id"])
    version = run["plan_version"]
    assert run["progress"]["stage"] == "done"
    assert run["demand"] is None

    plan_is_sound(client, version)
    plan_is_activated_only_when_approved(client, version)
    dispatchers_get_their_sub_cluster(client, version)
    nodes_learn_who_serves_the_plan(client, version)
    second = replan_takes_observed_load_in(client, stored["id"], version)
    roll_back_and_forth(client, version, second)


def plan_is_sound(client: httpx.Client, version: int) -> None:
    found = client.get(f"/v1/plans/{version}").json()
    problem = parse_problem(client.get(f"/v1/plans/{version}/problem").json())
    assert found["state"] == "certified"
    assert found["problem_digest"] == problem.digest
    assert verify(problem, parse_plan(found["plan"])) == []
    assert 0 <= found["gap"] <= found["physical_gap"] < 1
    certificate = client.get(f"/v1/plans/{version}/certificate").json()
    assert certificate["passed"]
    assert certificate["bad_rate"] <= problem.policy.bad_rate_max
    assert len(certificate["certificate"]["sub_clusters"]) == found["sub_cluster_count"]
    assert client.get("/v1/plans").json()["items"][0]["version"] == version


def plan_is_activated_only_when_approved(client: httpx.Client, version: int) -> None:
    refused = client.post("/v1/activations", json={"plan_version": version})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fermata:problem:plan-not-approved")
    for _ in range(2):
        answer = approved(client, version, actor="ann")
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    other = approved(client, version, actor="bob")
    assert other.json()["type"] == "urn:fermata:problem:plan-already-approved"
    activated = client.post("/v1/activations", json={"plan_version": version}, headers={"X-Actor": "bob"})
    assert activated.status_code == 201
    assert activated.json()["actor"] == "bob"
    again = client.post("/v1/activations", json={"plan_version": version})
    assert again.json()["type"] == "urn:fermata:problem:plan-already-active"
    late = approved(client, version)
    assert late.json()["type"] == "urn:fermata:problem:plan-not-approvable"


def dispatchers_get_their_sub_cluster(client: httpx.Client, version: int) -> None:
    answer = client.get(f"/v1/plans/{version}")
    assert (
        client.get(f"/v1/plans/{version}", headers={"If-None-Match": answer.headers["etag"]}).status_code
        == 304
    )
    (sub_cluster, *_) = answer.json()["plan"]["sub_clusters"]
    path = f"/v1/plans/{version}/sub-clusters/{sub_cluster['id']}"
    found = client.get(path)
    spec = decode_sub_cluster(found.text)
    assert (spec.plan_version, spec.gpus) == (version, max(sub_cluster["gpus"]))
    assert {model.id for model in spec.models} == {model["id"] for model in sub_cluster["models"]}
    batch_sizes = {model["id"]: model["batch_size"] for model in sub_cluster["models"]}
    assert all(len(model.latency_us) == batch_sizes[model.id] + 1 for model in spec.models)
    assert spec.reporting is not None
    assert spec.reporting.url == str(client.base_url).rstrip("/")
    assert client.get(path, headers={"If-None-Match": found.headers["etag"]}).status_code == 304
    assert client.get(path, params={"epoch": 1}).json()["gpus"] == sub_cluster["gpus"][1]
    assert client.get(path, params={"epoch": 2}).json()["faults"][0]["field"] == "epoch"
    assert client.get(f"/v1/plans/{version}/sub-clusters/none").status_code == 404


def nodes_learn_who_serves_the_plan(client: httpx.Client, version: int) -> None:
    """Nobody, until its dispatcher has changed over and a GPU holds all of its models."""
    (sub_cluster, *_) = client.get(f"/v1/plans/{version}").json()["plan"]["sub_clusters"]
    models = [model["id"] for model in sub_cluster["models"]]
    (gpu,) = STATUS_EXAMPLE["sub_clusters"][0]["gpus"]
    dispatcher = STATUS_EXAMPLE["sub_clusters"][0]["dispatcher"]

    def serving(of: int | None, held: list[str], state: str = "running") -> tuple[int, bool]:
        """As told by two nodes: one runs the dispatcher, another has the GPU."""
        runs = {"id": sub_cluster["id"], "plan_version": version, "fault": None, "gpus": []}
        for node, part in (
            ("door", {"dispatcher": dispatcher | {"plan_version": of}}),
            ("gpus", {"dispatcher": None, "gpus": [gpu | {"models": held, "state": state}]}),
        ):
            heartbeat = STATUS_EXAMPLE | {"sub_clusters": [runs | part]}
            assert client.put(f"/v1/nodes/{node}", json=heartbeat).status_code == 200
        (found, *others) = client.get(f"/v1/plans/{version}/serving").json()["sub_clusters"]
        assert (found["id"], found["models"]) == (sub_cluster["id"], models)
        assert found["gpus"] == max(sub_cluster["gpus"])
        assert not any(other["is_serving"] for other in others)
        return found["gpus_serving"], found["is_serving"]

    assert serving(version - 1, models) == (1, False)
    assert serving(version, models[:-1]) == (0, False)
    assert serving(version, models, "waiting") == (0, False)
    assert serving(version, [*models, "another"]) == (1, True)
    homes = asyncio.run(homes_of(client, version))
    assert [home.is_serving for home in homes if home.id == sub_cluster["id"]] == [True]
    assert client.get("/v1/plans/999/serving").status_code == 404


async def homes_of(client: httpx.Client, version: int) -> tuple[Home, ...]:
    async with httpx.AsyncClient() as asking:
        return await PlanSource(str(client.base_url), [], asking).serving(version)


def replan_takes_observed_load_in(client: httpx.Client, forecast_id: int, version: int) -> int:
    report = load_report(
        plan_version=version, models=[model_load(arrived=39_000), model_load(model="surprise")]
    )
    assert client.post("/v1/observed-load", json=report).status_code == 201
    run = planned(client, forecast_id=forecast_id, use_observed=True)
    demand = run["demand"]
    rows = {row["model"]: row for row in demand["models"]}
    assert demand["models_unforecast"] == ["surprise"]
    assert rows["resnet"]["ratio"] == pytest.approx(3.0)
    assert rows["resnet"]["forecast_rps"] == [1_300.0, 1_600.0]
    assert rows["resnet"]["demand_rps"][0] > 2_500
    assert rows["bert"]["middle_rps"] == rows["bert"]["forecast_rps"]
    assert rows["bert"]["demand_rps"] == rows["bert"]["middle_rps"], "nothing is known of it: no headroom"

    second = int(run["plan_version"])
    difference = client.get(f"/v1/plans/{second}/difference").json()
    assert (difference["before"], difference["after"]) == (version, second)
    assert difference["difference"]["cost_usd_per_hour"] > 0
    changed = {change["model"] for change in difference["difference"]["demand"]}
    assert changed == {"resnet"}
    backwards = client.get(f"/v1/plans/{version}/difference", params={"against": second}).json()
    assert backwards["difference"]["cost_usd_per_hour"] < 0
    return second


def roll_back_and_forth(client: httpx.Client, first: int, second: int) -> None:
    activated(client, second)
    states = {plan["version"]: plan["state"] for plan in client.get("/v1/plans").json()["items"]}
    assert states == {first: "superseded", second: "active"}
    skipped = {"plan_version": first, "certify": "skip", "reason": "plan 2 is on fire"}
    back = client.post("/v1/activations", json=skipped).json()
    assert back["kind"] == "roll_back"
    current = client.get("/v1/activations/current")
    assert current.json()["plan_version"] == first
    named = {"If-None-Match": current.headers["etag"]}
    assert client.get("/v1/activations/current", headers=named).status_code == 304
    assert [a["plan_version"] for a in client.get("/v1/activations").json()["items"]] == [
        first,
        second,
        first,
    ]
    who_waits_is_told_of_the_next_activation(client, named, second)
    a_node_reads_its_part(client, second)


def who_waits_is_told_of_the_next_activation(
    client: httpx.Client, named: dict[str, str], version: int
) -> None:
    path = "/v1/activations/current"
    assert client.get(path, headers=named, params={"wait_s": 0.2}).status_code == 304
    assert client.get(path, headers=named, params={"wait_s": 61}).status_code == 422
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.get, path, headers=named, params={"wait_s": 25})
        client.post("/v1/activations", json={"plan_version": version, "certify": "skip", "reason": "back"})
        assert waiting.result().json()["plan_version"] == version


def a_node_reads_its_part(client: httpx.Client, version: int) -> None:
    plan = client.get(f"/v1/plans/{version}").json()["plan"]
    ids = [sub_cluster["id"] for sub_cluster in plan["sub_clusters"]]

    async def read() -> NodePlan | None:
        async with httpx.AsyncClient() as asking:
            source = PlanSource(str(client.base_url), [*ids, "not-in-the-plan"], asking)
            found = None
            while found is None:  # until the way to it is ordered
                found = await source.news(None, 20.0)
            assert await source.news(found.etag, 0) is None
            return found

    found = asyncio.run(read())
    assert found is not None
    assert found.plan_version == version
    assert [spec.id for spec in found.sub_clusters] == ids


def test_demand_that_cannot_be_served_is_an_answer(client: httpx.Client, tmp_path: Path) -> None:
    client.post("/v1/models", json={"id": "hasty", "slo_ms": 3.0})
    profile = {"model": "hasty", "gpu_type": "A10", "alpha_ms": 5.0, "beta_ms": 9.0, "weights_gib": 1.0}
    client.post("/v1/profiles", json=profile)
    rows = [{"model": "hasty", "demand_rps": [5.0, 5.0]}, {"model": "bert", "demand_rps": [5.0, 5.0]}]
    (stored,) = client.post("/v1/forecasts", json=forecast(models=rows)).json()
    run = planned(client, forecast_id=stored["id"])
    plan = client.get(f"/v1/plans/{run['plan_version']}").json()
    assert plan["status"] == "partial"
    assert plan["plan"]["unserved"] == [{"model": "hasty", "share": [1.0, 1.0]}]
    assert plan["plan"]["excuses"][0]["bottleneck"] == "latency"
    page = client.get("/console", params={"plan": run["plan_version"]}).text
    assert "Unserved demand" in page
    assert "hasty" in page
