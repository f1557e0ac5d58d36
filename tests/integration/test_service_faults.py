"""
Short forms of ``bench.service`` and ``bench.service_faults``: nothing acknowledged is lost, nothing doubled.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.service import fleet
from bench.service.__main__ import measure
from bench.service.checker import violations
from bench.service.clients import Load
from bench.service.journal import Journal
from bench.service_faults import torture
from planner.service import demand, registry
from planner.service.submission import Submission
from planner.store.records import RegisteredModel
from planner.store.store import Store
from tests.control_plane import served

SMALL = Load(forecasters=12, dispatchers=6, reads_rps=20.0, forecasts_rps=12.0, report_interval_s=1.0)


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_under_load_every_acknowledged_write_is_stored_once(name: str) -> None:
    row = measure(name, 1, replace(SMALL, plans=False), seconds=3.0)  # plans run in the test below
    assert row["violations"] == []
    assert row["acknowledged"] > 20
    assert row["answered"] > 20


@pytest.mark.parametrize(("name", "seed"), [("sqlite", 2), ("postgresql", 4)])
def test_kill_9_at_random_loses_nothing_acknowledged(name: str, seed: int, tmp_path: Path) -> None:
    found = torture(name, seconds=10.0, seed=seed, load=SMALL, journal=tmp_path / "journal.jsonl")
    assert found["wrong"] == []
    assert sum(found["faults"].values()) >= 1
    assert found["journal"]["forecast"]["acknowledged"] > 5


def acknowledged(client: Any, journal: Journal, key: str) -> int:
    """A forecast and a load report, submitted and on record; the forecast's id."""
    write = journal.open("forecast", key, None)
    write.answer = client.post("/v1/forecasts", json=fleet.forecast(key)).json()
    report = journal.open("load report", f"sc-{key}/0", None)
    body = fleet.load_report(f"sc-{key}", 0, 5.0)
    report.answer = client.post("/v1/observed-load", json=body).json()
    return int(write.answer[0]["id"])


def test_the_checker_finds_what_was_lost_doubled_changed_or_never_asked_for(migrated_url: str) -> None:
    journal = Journal()
    with served(migrated_url, run_worker=False) as client:
        for path, body in fleet.REGISTRY:
            client.post(f"/v1/{path}", json=body).raise_for_status()
        acknowledged(client, journal, "kept")
        assert violations(journal, migrated_url) == []
        client.post("/v1/forecasts", json=fleet.forecast("kept")).raise_for_status()
        client.post("/v1/forecasts", json=fleet.forecast("stranger")).raise_for_status()
        client.post("/v1/observed-load", json=fleet.load_report("stranger", 0, 5.0)).raise_for_status()
        changed = journal.open("forecast", "changed", None)
        body = fleet.forecast("changed")
        body["models"][0]["demand_rps"][0] += 1
        changed.answer = client.post("/v1/forecasts", json=body).json()
    lost = journal.open("forecast", "lost", None)
    lost.answer = [{"id": 4_711}]
    journal.open("load report", "sc-lost/0", None).answer = {"new": 1}
    journal.open("forecast", "unknown", None)
    run = journal.open("run", "run", 7)
    run.answer = {"id": "none"}
    journal.open("activation", "a", 1).answer = {"id": 1}
    found = violations(journal, migrated_url)
    for expected in (
        "forecast kept is stored 2 times",
        "forecast stranger is stored and was never asked for",
        "forecast changed is stored with other numbers",
        "forecast lost was acknowledged as 4711 and is not stored",
        "load report sc-lost/0 was acknowledged and is not stored",
        "run was acknowledged as none and is not stored",
        "the activation of plan 1 was acknowledged and is not stored",
    ):
        assert expected in found
    assert any(one.startswith("load report ('stranger'") for one in found)
    assert len(found) == 8


def test_a_lost_commit_would_be_noticed(migrated_url: str) -> None:
    """The checker reads the database itself: what only a server's memory knows does not count."""
    store = Store(migrated_url)
    journal = Journal()
    registry.submit_models(
        store,
        Submission(
            "models", tuple(registry.ModelEntry(RegisteredModel(name, 50.0), ()) for name in fleet.MODELS)
        ),
        actor="tester",
    )
    journal.open("forecast", "never committed", None).answer = [{"id": 1}]
    assert demand.forecasts(store, limit=1) == []
    store.close()
    assert violations(journal, migrated_url) == [
        "forecast never committed was acknowledged as 1 and is not stored"
    ]
