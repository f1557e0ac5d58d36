"""Servers in operation: they stop in good order, and outlive their database."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.service.databases import Database, database
from bench.service.servers import servers
from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.problem.problem import Pool
from planner.service import plan_states, plans
from planner.store.records import RegisteredProfile, RunRecord, RunState
from planner.store.store import Store
from tests.control_plane import GPU_TYPE, POOL, load_report, register_fleet, wait_until
from tests.integration.test_store import add_plan, prepared
from tests.integration.test_store_commands import SERVE, run
from tests.unit.planner.service.test_run_worker import hard_problem


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Database]:
    """A PostgreSQL of this test's own, to be killed."""
    with tempfile.TemporaryDirectory(prefix="ft-") as folder:  # a socket's path must be short
        Path(folder).chmod(0o755)
        with database("postgresql", Path(folder)) as started:
            yield started


def add_hard_run(store: Store) -> None:
    problem = parse_problem(hard_problem())
    options = {"solver": "highs", "time_limit_s": 600.0, "seed": 0}
    with store.writing() as work:
        work.plans.put_problem(problem.digest, problem_to_json(problem))
        work.runs.add(RunRecord("hard", RunState.QUEUED, 1, problem.digest, options, None, "x", work.now))


def hard_run(store: Store) -> RunRecord:
    with store.reading() as work:
        found = work.runs.get("hard")
    assert found is not None
    return found


def test_sigterm_answers_what_is_under_way_and_gives_the_run_back(migrated_url: str, tmp_path: Path) -> None:
    """
    Whoever waits for news of the active plan is answered, not cut off; the lease does not have to run out.
    """
    store = prepared(Store(migrated_url))
    with store.writing() as work:
        work.runs.cancel("run")
    version = add_plan(store, "run")
    plan_states.approve(store, version, actor="tester", plan_id=plans.summary(store, version).plan_id)
    plan_states.activate(store, version, actor="tester")
    with servers(migrated_url, tmp_path, 1, lease_s=600.0) as (server,), ThreadPoolExecutor(1) as pool:
        current = f"{server.url}/v1/activations/current"
        tag = httpx.get(current).headers["ETag"]
        waiting = pool.submit(
            httpx.get, current, params={"wait_s": 60}, headers={"If-None-Match": tag}, timeout=90
        )
        add_hard_run(store)
        wait_until(lambda: hard_run(store).state is RunState.RUNNING)
        server.send(signal.SIGTERM)
        assert waiting.result().status_code == 304
        assert server.wait(60.0) == 0
        given_back = hard_run(store)
        assert (given_back.state, given_back.attempts, given_back.lease_owner) == (RunState.QUEUED, 0, None)
    assert "Traceback" not in server.said()
    store.close()


def test_a_server_whose_database_is_away_at_the_start_says_so(tmp_path: Path) -> None:
    """It ends; whoever supervises it starts it again."""
    refused = run(SERVE, "--database-url", "postgresql://postgres@127.0.0.1:9/none", "--upgrade")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: the database cannot be reached: ")
    assert "Traceback" not in refused.stderr


def test_a_database_that_goes_away_and_comes_back_needs_no_restart_of_servers(
    postgres: Database, tmp_path: Path
) -> None:
    with servers(postgres.url, tmp_path, 1) as (server,), httpx.Client(base_url=server.url) as client:
        register_fleet(client)
        postgres.kill()
        for method, path, body in (
            ("GET", "/readyz", None),
            ("GET", "/v1/models", None),
            ("POST", "/v1/pools", POOL),
        ):
            answer = client.request(method, path, json=body, timeout=60)
            assert answer.status_code == 503, path
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["type"] == "urn:fermata:problem:store-unavailable"
        assert client.get("/healthz").status_code == 200
        postgres.restart()
        wait_until(lambda: client.get("/readyz", timeout=60).status_code == 200)
        assert len(client.get("/v1/models").json()) == 2
        client.post("/v1/gpu-types", json=GPU_TYPE).raise_for_status()
        assert server.is_alive


def test_writers_on_two_servers_never_lose_an_update(migrated_url: str, tmp_path: Path) -> None:
    """
    Facts in bulk, reports said twice, plans switched at once: each acknowledged change is there, each
    counts once.
    """
    store = prepared(Store(migrated_url))
    with store.writing() as work:
        curve = {"alpha_ms": 0.5, "beta_ms": 3.0}
        work.registry.put_profiles([RegisteredProfile("m", "A10", curve, 1.0, 0.05, 32)])
        work.registry.put_pools([Pool("A10", "zone-a", 8)])
    versions = []
    for index in range(8):
        name = f"more{index}"
        with store.writing() as work:
            facts = ("d" * 64, {"solver": "auto"}, None, "tester", work.now)
            work.runs.add(RunRecord(name, RunState.CANCELLED, 1, *facts))
        versions.append(add_plan(store, name))
        plans.approve(store, versions[-1], actor="tester")
    gate = threading.Barrier(4)

    def write(writer: int) -> dict[str, Any]:
        """What was acknowledged to one client; two clients a server."""
        told: dict[str, Any] = {"models": [], "reports_new": 0, "activations": []}
        with httpx.Client(base_url=started[writer % 2].url, timeout=60) as client:
            gate.wait()
            for number in range(8):
                model = {"id": f"w{writer}-{number}", "slo_ms": 50.0}
                shared = {"id": "shared", "slo_ms": 50.0 + writer}
                client.post("/v1/models", json=[model, shared]).raise_for_status()
                told["models"].append(model["id"])
                report = load_report(interval_start=f"2026-11-23T08:{number:02d}:00Z")
                told["reports_new"] += (
                    client.post("/v1/observed-load", json=report).raise_for_status().json()["new"]
                )
                version = versions[number]
                answer = client.post("/v1/activations", json={"plan_version": version})
                assert answer.status_code in (201, 202, 409), answer.text  # 202: one that was active before
                told["activations"] += [answer.json()["id"]] if answer.status_code == 201 else []
        return told

    with servers(migrated_url, tmp_path, 2, run_workers=0) as started, ThreadPoolExecutor(4) as pool:
        told = list(pool.map(write, range(4)))
    with store.reading() as work:
        assert {name for one in told for name in one["models"]} <= work.registry.model_ids()
        assert len(work.observed.frame()) == sum(one["reports_new"] for one in told) == 8
        switches = sorted(work.plans.activations(limit=1_000), key=lambda switch: switch.id)
        assert [s.id for s in switches] == sorted(number for one in told for number in one["activations"])
        assert [s.plan_version for s in switches if s.deactivated_at is None] == [
            plan.version for plan in work.plans.newest(limit=100) if plan.state == "active"
        ]
        assert all(a.deactivated_at == b.activated_at for a, b in pairwise(switches))
        actions = Counter(entry.action for entry in work.audit.newest(limit=10_000))
    assert actions["plan.activate"] + actions["plan.roll_back"] == len(switches)
    store.close()
