"""A fleet in advisory mode: what runs is imported, plans are compared with it, past days are replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from dispatcher.contract.load_report import LoadReport, ModelLoad
from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.service import plans
from planner.store.store import Store
from tests.control_plane import (
    POOL,
    finished_run,
    forecast,
    register_fleet,
    served,
    sqlite_url,
)

DAY = datetime(2026, 11, 23, tzinfo=UTC)
SOLVE = {"solver": "greedy", "time_limit_s": 60.0, "seed": 1}
FLEET = {"fleet": "emea"}
RUNNING = {
    "sub_clusters": [
        {
            "id": "all",
            "gpu_type": "A10",
            "zone": "zone-a",
            "gpus": [6],
            "models": [
                {"id": "resnet", "share": [1.0], "batch_size": 8},
                {"id": "bert", "share": [1.0], "batch_size": 8},
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sqlite_url(tmp_path_factory.mktemp("advice"))


@pytest.fixture(scope="module")
def client(database: str) -> Iterator[httpx.Client]:
    with served(database) as client:
        register_fleet(client)
        made = fermata(client, "fleet", "create", "emea", "--environment", "staging")
        assert made["policy"]["mode"] == "live"
        assert client.post("/v1/pools", json=POOL, params=FLEET).status_code == 201
        yield client


def fermata(client: httpx.Client, *words: str, status: int = 0) -> Any:
    """The JSON of a command that speaks to the server."""
    result = CliRunner().invoke(app, [*words, "--url", str(client.base_url), "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout) if status == 0 else result.output


def planned(client: httpx.Client, forecast_id: int) -> int:
    answer = client.post("/v1/runs", json={**SOLVE, "forecast_id": forecast_id}, params=FLEET)
    run = finished_run(client, f"/v1/runs/{answer.json()['id']}?fleet=emea")
    assert run["state"] == "succeeded", run
    return int(run["plan_version"])


@pytest.fixture(scope="module")
def imported(client: httpx.Client) -> dict[str, Any]:
    client.post("/v1/forecasts", json=forecast(), params=FLEET)
    answer = client.post(
        "/v1/plans/imported",
        json={"plan": RUNNING, "note": "as of Monday"},
        params=FLEET,
        headers={"X-Actor": "ann"},
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_imported_plan_is_priced_and_judged(client: httpx.Client, imported: dict[str, Any]) -> None:
    plan = imported["plan"]
    assert (plan["state"], plan["origin"], plan["run_id"]) == ("imported", "imported", None)
    assert plan["cost_usd_per_hour"] == pytest.approx(6 * 1.2)
    assert imported["violations"] == []
    whole = client.get(f"/v1/plans/{plan['version']}", params=FLEET).json()
    assert whole["plan"]["sub_clusters"][0]["gpus"] == [6, 6]
    assert client.get("/console", params={**FLEET, "plan": plan["version"]}).status_code == 200


def test_one_that_breaks_rules_is_refused_or_taken_as_it_is(
    client: httpx.Client, imported: dict[str, Any]
) -> None:
    short = json.loads(json.dumps(RUNNING))
    short["sub_clusters"][0]["gpus"] = [9]
    refused = client.post("/v1/plans/imported", json={"plan": short}, params=FLEET)
    assert refused.status_code == 422
    assert "inventory" in [fault["field"] for fault in refused.json()["faults"]]
    taken = client.post("/v1/plans/imported", json={"plan": short, "as_it_is": True}, params=FLEET)
    assert any("inventory" in violation for violation in taken.json()["violations"])
    client.post(
        "/v1/plans/imported", json={"plan": RUNNING}, params=FLEET
    )  # the one that runs, for what follows


def test_faults_of_an_imported_plan_are_all_named(client: httpx.Client, imported: dict[str, Any]) -> None:
    odd = json.loads(json.dumps(RUNNING))
    odd["sub_clusters"][0]["gpus"] = [6, 6, 6]
    odd["sub_clusters"][0]["zone"] = "nowhere"
    odd["sub_clusters"][0]["models"][0]["id"] = "resnot"
    refused = client.post("/v1/plans/imported", json={"plan": odd}, params=FLEET).json()
    path = "plan.sub_clusters[0]"
    assert {fault["field"] for fault in refused["faults"]} == {
        f"{path}.gpu_type",
        f"{path}.gpus",
        f"{path}.models[0].id",
    }


def test_an_advisory_fleet_compares_and_touches_nothing(
    client: httpx.Client, imported: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("policy") / "policy.json"
    file.write_text('{"mode": "advisory"}')
    changed = fermata(client, "fleet", "policy", "emea", str(file), "--reason", "a trial")
    assert changed["policy"]["mode"] == "advisory"
    version = planned(client, 1)
    fermata(client, "plan", "approve", str(version), "--fleet", "emea", "--actor", "ann")
    refused = client.post("/v1/activations", json={"plan_version": version}, params=FLEET)
    assert refused.json()["type"] == "urn:fermata:problem:fleet-advisory"
    (advice,) = client.get("/v1/fleets/emea/advice").json()["items"]
    plan = client.get(f"/v1/plans/{version}", params=FLEET).json()
    assert advice["plan_version"] == version
    assert advice["day"] == plan["created_at"][:10]
    assert (advice["compared_with_origin"], advice["gpus_running"]) == ("imported", 6)
    assert advice["cost_usd_per_hour_running"] == pytest.approx(7.2)
    assert advice["cost_usd_per_hour"] == plan["cost_usd_per_hour"] < 7.2
    assert advice["gpus"] < 6
    assert advice["bad_rate"] == plan["certificate_bad_rate"]
    assert client.get("/v1/fleets/default/advice").json()["items"] == []


@pytest.fixture(scope="module")
def past(client: httpx.Client, database: str, imported: dict[str, Any]) -> None:
    """A forecast of the 23rd, its plan active since 8 in the morning, and half as much again on the 24th."""
    morning = Store(database, clock=lambda: DAY + timedelta(hours=8)).of_fleet("past")
    with morning.writing() as work:
        work.fleets.add("past", "production", {})
    client.post("/v1/pools", json=POOL, params={"fleet": "past"})
    epochs = tuple(ForecastEpoch(DAY + timedelta(hours=h), 1.0) for h in range(24))
    rows = tuple(ModelForecast(name, (200.0,) * 24, (1.0,) * 24) for name in ("resnet", "bert"))
    with morning.writing() as work:
        forecast_id = work.forecasts.add(Forecast("the 23rd", epochs, rows)).id
    answer = client.post("/v1/runs", json={**SOLVE, "forecast_id": forecast_id}, params={"fleet": "past"})
    version = finished_run(client, f"/v1/runs/{answer.json()['id']}?fleet=past")["plan_version"]
    plans.approve(morning, version, actor="ann")
    plans.activate(morning, version, actor="ann")
    with morning.writing() as work:
        work.observed.take([seen(DAY + timedelta(days=1, hours=hour), version) for hour in range(6)])
    morning.close()


def seen(start: datetime, version: int) -> LoadReport:
    def load(model: str) -> ModelLoad:
        return ModelLoad(model, 1_080_000, 1_079_000, 500, 500, 0, 1.0, 100_000, 10.8, 900.0, ())

    return LoadReport("sc", version, start.isoformat(), 3_600.0, 2, 0.5, (load("resnet"), load("bert")))


def test_a_past_day_is_replayed_beside_what_was(client: httpx.Client, past: None) -> None:
    words = ["replay", "--since", "2026-11-23", "--until", "2026-11-26", "--time-limit-s", "60"]
    first, day, last = fermata(client, *words, "--solver", "greedy", "--fleet", "past")
    assert (first["excuse"], last["excuse"]) == ("no load was observed on this day",) * 2
    assert (day["day"], day["hours_observed"], day["excuse"]) == ("2026-11-24", 6, None)
    assert day["bad_rate_measured"] == pytest.approx(1_000 / 1_080_000)
    assert day["active"]["version"] is not None
    assert day["replayed"]["version"] is None
    for plan in (day["active"], day["replayed"]):
        assert plan["unserved_share"] == 0
        assert plan["cost_usd_per_hour"] == pytest.approx(1.2 * plan["gpus"])
    assert day["active"]["gpus"] == day["replayed"]["gpus"]  # both of the forecast of the 23rd
    assert day["active"]["bad_rate"] == day["replayed"]["bad_rate"]


def test_a_replay_as_a_table(client: httpx.Client, past: None) -> None:
    words = ["replay", "--since", "2026-11-22", "--fleet", "past", "--url", str(client.base_url)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0
    assert "2026-11-22: no load was observed on this day" in result.stdout
    odd = CliRunner().invoke(app, ["replay", "--since", "Monday"])
    assert (odd.exit_code, "--since must be a day" in odd.output) == (2, True)
