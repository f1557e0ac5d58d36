"""The run worker: cancels for real, survives crashes of either side, stops in good order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.service.run_child import (
    DATABASE_URL,
    RUN_FLEET,
    RUN_LEASE_NUMBER,
    RUN_OWNER,
    SERVER_GONE,
    STORE_AWAY,
)
from planner.service.run_worker import RunWorker
from planner.store.records import RunRecord, RunState
from planner.store.store import Store
from tests.control_plane import GPU_TYPE, START, migrated_store, sqlite_url, wait_until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = migrated_store(sqlite_url(tmp_path))
    with opened.writing() as work:
        work.forecasts.add(Forecast("f", (ForecastEpoch(START, 1.0),), ()))
    yield opened
    opened.close()


@pytest.fixture
def worker(store: Store) -> Iterator[RunWorker]:
    started = RunWorker(store, lease_s=5.0, poll_s=0.1)
    started.start()
    yield started
    started.stop()


def hard_problem() -> dict[str, Any]:
    """One that no solver proves optimal in a minute: many different models, many epochs, little memory."""
    epochs = [{"start": f"hour {hour}", "hours": 1.0} for hour in range(24)]
    models = [
        {
            "id": f"m{index:02d}",
            "slo_ms": 40.0 + 7 * (index % 9),
            "demand_rps": [20.0 + 13 * ((index * 7 + hour * (index % 5 + 1)) % 17) for hour in range(24)],
            "profiles": {
                "A10": {
                    "alpha_ms": 0.4 + 0.07 * (index % 11),
                    "beta_ms": 2.0 + index % 7,
                    "weights_gib": 1.0 + 0.7 * (index % 6),
                }
            },
        }
        for index in range(40)
    ]
    pools = [{"gpu_type": "A10", "zone": zone, "available": 200} for zone in ("a", "b")]
    return {"epochs": epochs, "gpu_types": [GPU_TYPE], "pools": pools, "models": models}


def add_run(store: Store, *, document: dict[str, Any] | None = None, **options: Any) -> str:
    problem = parse_problem(hard_problem())
    run_id = "run"
    given = {"solver": "highs", "time_limit_s": 600.0, "seed": 0} | options
    with store.writing() as work:
        work.plans.put_problem(problem.digest, document or problem_to_json(problem))
        work.runs.add(RunRecord(run_id, RunState.QUEUED, 1, problem.digest, given, None, "tester", work.now))
    return run_id


def get(store: Store, run_id: str) -> RunRecord:
    with store.reading() as work:
        found = work.runs.get(run_id)
    assert found is not None
    return found


def environment_of_child(store: Store, owner: str, number: int) -> dict[str, str]:
    return os.environ | {
        DATABASE_URL: store.database_url,
        RUN_FLEET: store.fleet,
        RUN_OWNER: owner,
        RUN_LEASE_NUMBER: str(number),
    }


def wait_for_stage(store: Store, run_id: str, stage: str) -> None:
    wait_until(lambda: get(store, run_id).progress.get("stage") == stage)


def processes_of(run_id: str) -> list[int]:
    """Processes that execute the run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if b"planner.service.run_child" in arguments and run_id.encode() in arguments:
            found.append(int(entry.parent.name))
    return found


def test_cancelling_kills_the_solver(store: Store, worker: RunWorker) -> None:
    run_id = add_run(store)
    wait_for_stage(store, run_id, "solving")
    with store.writing() as work:
        work.runs.cancel(run_id)
    run = get(store, run_id)
    assert (run.state, run.plan_version, run.lease_owner) == (RunState.CANCELLED, None, None)
    wait_until(lambda: processes_of(run_id) == [])
    assert get(store, run_id) == run


def test_a_worker_that_stops_puts_its_run_back(store: Store) -> None:
    worker = RunWorker(store, poll_s=0.1)
    worker.start()
    run_id = add_run(store)
    wait_for_stage(store, run_id, "solving")
    worker.stop()
    run = get(store, run_id)
    assert (run.state, run.attempts) == (RunState.QUEUED, 0)
    wait_until(lambda: processes_of(run_id) == [])


def test_a_process_that_crashes_fails_its_run_with_its_last_words(store: Store, worker: RunWorker) -> None:
    run_id = add_run(store, solver="none-such")
    wait_until(lambda: get(store, run_id).state.is_final)
    run = get(store, run_id)
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert run.error["code"] == "run-crashed"
    assert "none-such" in run.error["message"]


def test_a_problem_that_makes_no_sense_fails_with_its_faults(store: Store, worker: RunWorker) -> None:
    run_id = add_run(store, document={**hard_problem(), "epochs": []})
    wait_until(lambda: get(store, run_id).state.is_final)
    error = get(store, run_id).error
    assert error is not None
    assert error["code"] == "input-invalid"
    assert error["faults"][0]["field"] == "epochs"


def test_the_process_ends_with_its_server(store: Store) -> None:
    run_id = add_run(store)
    with store.writing() as work:
        work.runs.claim("server", timedelta(seconds=60))
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.service.run_child", run_id],
        env=environment_of_child(store, "server", 1),
        stdin=subprocess.PIPE,
    )
    wait_for_stage(store, run_id, "solving")
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == SERVER_GONE


def test_a_process_that_loses_its_database_fails_no_run(store: Store) -> None:
    """The database was restarted as the process began: the run was failed for good as crashed."""
    run_id = add_run(store)
    with store.writing() as work:
        claimed = work.runs.claim("server", timedelta(seconds=60))
    assert claimed is not None
    environment = environment_of_child(store, "server", 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.service.run_child", run_id],
        env=environment | {DATABASE_URL: "postgresql://nobody@/none?host=/nowhere"},
        stdin=subprocess.PIPE,  # held open: its end would mean that the server is gone
        stderr=subprocess.PIPE,
    )
    assert process.wait(60) == STORE_AWAY
    assert process.stdin is not None
    assert process.stderr is not None
    said = process.stderr.read()
    process.stdin.close()
    process.stderr.close()
    assert b"Traceback" not in said
    RunWorker(store)._settle(claimed, process.returncode, said.decode())
    run = get(store, run_id)
    assert (run.state, run.attempts, run.error) == (RunState.QUEUED, 1, None)


def test_a_process_whose_lease_was_taken_over_leaves_nothing(store: Store) -> None:
    run_id = add_run(store)
    with store.writing() as work:
        work.runs.claim("another", timedelta(seconds=60))
    finished = subprocess.run(
        [sys.executable, "-m", "planner.service.run_child", run_id],
        env=environment_of_child(store, "server", 1),
        stdin=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    assert finished.returncode in (0, SERVER_GONE)
    assert json.dumps(get(store, run_id).progress) == '{"stage": "starting"}'
