"""Going back to an earlier plan over REST: certified again against today's demand, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from planner.plan.codec import parse_plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from tests.control_plane import activated, finished_run, forecast, register_fleet, served, sqlite_url

SOLVE = {"solver": "greedy", "time_limit_s": 60.0, "seed": 1}


def rates(resnet: float, bert: float = 40.0) -> dict[str, Any]:
    rows = [
        {"model": "resnet", "demand_rps": [resnet, resnet]},
        {"model": "bert", "demand_rps": [bert, bert]},
    ]
    return forecast(models=rows)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(sqlite_url(tmp_path_factory.mktemp("recertify"))) as client:
        register_fleet(client)
        two_plans(client)
        yield client


def two_plans(client: httpx.Client) -> None:
    """One superseded by the other."""
    for resnet in (300.0, 900.0):
        (stored,) = client.post("/v1/forecasts", json=rates(resnet)).json()
        location = client.post("/v1/runs", json={**SOLVE, "forecast_id": stored["id"]}).headers["location"]
        run = finished_run(client, location)
        assert run["state"] == "succeeded", run["error"]
        activated(client, run["plan_version"])


def went_back(client: httpx.Client, version: int) -> dict[str, Any]:
    body = {"plan_version": version, "reason": "the newer one drops requests"}
    answer = client.post("/v1/activations", json=body, headers={"X-Actor": "bob"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["options"]["kind"] == "recertify"
    return finished_run(client, answer.headers["location"])


def test_an_earlier_plan_that_holds_today_runs_again_as_a_new_version(client: httpx.Client) -> None:
    client.post("/v1/forecasts", json=rates(250.0))
    run = went_back(client, 1)
    assert run["state"] == "succeeded", run["error"]
    again = client.get(f"/v1/plans/{run['plan_version']}").json()
    first = client.get("/v1/plans/1").json()
    assert (again["state"], again["origin"], again["recertifies"]) == ("active", "recertified", 1)
    assert again["plan"]["sub_clusters"] == first["plan"]["sub_clusters"]
    problem = parse_problem(client.get(f"/v1/plans/{again['version']}/problem").json())
    assert problem.models["resnet"].demand_rps == pytest.approx((250.0, 250.0), rel=0.02), "and headroom"
    assert verify(problem, parse_plan(again["plan"])) == []
    assert client.get(f"/v1/plans/{again['version']}/certificate").json()["passed"]
    current = client.get("/v1/activations/current").json()
    assert (current["kind"], current["plan_version"], current["actor"]) == (
        "roll_back",
        again["version"],
        "bob",
    )
    states = {plan["version"]: plan["state"] for plan in client.get("/v1/plans").json()["items"]}
    assert states == {1: "superseded", 2: "superseded", again["version"]: "active"}
    history = client.get(f"/v1/plans/{again['version']}/history").json()
    assert [entry["action"] for entry in history["audit"]] == ["plan.made", "plan.roll_back"]
    assert history["audit"][1]["details"]["repeats"] == 1
    assert history["decisions"][0]["reason"] == "the newer one drops requests"


def test_one_that_does_not_hold_today_changes_nothing_and_says_why(client: httpx.Client) -> None:
    before = client.get("/v1/activations/current").json()
    client.post("/v1/forecasts", json=rates(3_000.0))
    run = went_back(client, 1)
    assert run["state"] == "failed"
    assert run["error"]["code"] == "recertification-failed"
    assert "does not hold against today's demand" in run["error"]["message"]
    assert run["error"]["violations"]
    assert client.get("/v1/activations/current").json() == before


def test_one_without_place_for_a_new_model_is_refused_by_name(client: httpx.Client) -> None:
    client.post("/v1/models", json={"id": "late-comer", "slo_ms": 100.0})
    profile = {"model": "late-comer", "gpu_type": "A10", "alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0}
    client.post("/v1/profiles", json=profile)
    rows = [{"model": "late-comer", "demand_rps": [5.0, 5.0]}]
    client.post("/v1/forecasts", json=forecast(models=rows))
    run = went_back(client, 2)
    assert run["error"]["code"] == "recertification-failed"
    assert "late-comer" in run["error"]["message"]


def test_the_whole_way_from_the_command_line(client: httpx.Client) -> None:
    (stored,) = client.post("/v1/forecasts", json=rates(260.0)).json()
    made = []
    for _ in range(2):
        location = client.post("/v1/runs", json={**SOLVE, "forecast_id": stored["id"]}).headers["location"]
        made.append(str(finished_run(client, location)["plan_version"]))
    first, second = made
    assert "is rejected" in fermata(client, "plan", "reject", first, "--reason", "the other is like it")
    refused = fermata(client, "plan", "approve", first, status=1)
    assert "was rejected by" in refused
    assert "is approved" in fermata(client, "plan", "approve", second, "--actor", "ann")
    assert f"plan {second} is active" in fermata(client, "plan", "activate", second)
    assert f"plan {second}: " in fermata(client, "plan", "progress")
    assert f"hint: fermata plan rollback {first}" not in refused
    assert "hint: fermata plan rollback 1" in fermata(client, "plan", "activate", "1", status=1)
    back = fermata(client, "plan", "rollback", "1", "--reason", "a drill")
    assert "certifying plan 1 against today's demand" in back
    assert f"plan {int(second) + 1} is active" in back
    skipped = fermata(
        client, "plan", "rollback", second, "--skip-certification", "--reason", "the drill is over"
    )
    assert f"plan {second} is active" in skipped
    listed = fermata(client, "audit", "list", "--action", "plan.roll_back")
    assert "the drill is over" in listed
    client.post("/v1/forecasts", json=rates(3_000.0))
    assert "does not hold against today's demand" in fermata(client, "plan", "rollback", "1", status=1)
    assert "--url must be an address" in CliRunner().invoke(app, ["fleet", "list", "--url", "x:y:z"]).output


def fermata(client: httpx.Client, *words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*words, "--url", str(client.base_url)])
    assert result.exit_code == status, result.output
    return result.output


def test_what_became_active_meanwhile_stays(tmp_path: Path) -> None:
    """The run was asked for beside the plan that ran then; its worker comes later."""
    url = sqlite_url(tmp_path)
    with served(url) as client:
        register_fleet(client)
        two_plans(client)
    with served(url, run_worker=False) as client:
        asked = client.post("/v1/activations", json={"plan_version": 1}).json()
        skip = {"certify": "skip", "reason": "at once"}
        assert client.post("/v1/activations", json={"plan_version": 1, **skip}).status_code == 201
    with served(url) as client:
        run = finished_run(client, f"/v1/runs/{asked['id']}")
        assert (run["state"], run["error"]["code"]) == ("failed", "plan-stale")
        assert client.get("/v1/activations/current").json()["plan_version"] == 1
        assert len(client.get("/v1/plans").json()["items"]) == 2
