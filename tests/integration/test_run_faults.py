"""Runs whose servers and processes are killed: taken up where they were, and one plan in the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.store.records import Lease, NewPlan, RunCheckpoint, RunEvent, RunRecord, RunState
from planner.store.runs import ATTEMPTS_MAX
from planner.store.store import Store
from tests.control_plane import START, wait_until
from tests.integration.test_store import PLAN
from tests.integration.test_store_runs import Clock
from tests.planning import batching, document, model
from tests.unit.planner.service.test_run_worker import processes_of

RUN = "run"
LEASE = timedelta(seconds=30)


def busy_problem() -> dict[str, Any]:
    """One that takes the solver as long as it is given, and half a second to certify."""
    models = [
        model(
            f"m{i:02d}",
            [10.0 + 2.5 * ((i * 7 + hour * (i % 5 + 1)) % 17) for hour in range(6)],
            {"a": batching(6 + 0.7 * (i % 11), 20.0 + 7 * (i % 7), weights_gib=1.0 + 0.7 * (i % 6))},
            slo_ms=500.0 + 70 * (i % 9),
        )
        for i in range(24)
    ]
    return document(models, pools={"a/x": 60, "a/y": 60}, policy={"delays": {}})


@pytest.fixture
def asked(store: Store) -> Store:
    """One run in the queue; three seconds for the solver."""
    problem = parse_problem(busy_problem())
    options = {"solver": "highs", "time_limit_s": 3.0, "seed": 0}
    with store.writing() as work:
        work.forecasts.add(Forecast("f", (ForecastEpoch(START, 1.0),), ()))
        work.plans.put_problem(problem.digest, problem_to_json(problem))
        work.runs.add(RunRecord(RUN, RunState.QUEUED, 1, problem.digest, options, None, "tester", work.now))
    return store


@contextmanager
def server(url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.integration.run_server", url])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def events(store: Store) -> list[RunEvent]:
    with store.reading() as work:
        return work.runs.events.after({RUN: 0})


def run_of(store: Store) -> RunRecord:
    with store.reading() as work:
        found = work.runs.get(RUN)
    assert found is not None
    return found


def checkpoint(store: Store, stage: str) -> RunCheckpoint | None:
    with store.reading() as work:
        found = work.runs.events.checkpoint(RUN)
    return found if found is not None and found.stage == stage else None


def await_quickly(is_so: Callable[[], Any]) -> Any:
    """As ``wait_until``, looking more often: some stages are short."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        value = is_so()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("not within 60 s")


def kill_child() -> None:
    for process in processes_of(RUN):
        os.kill(process, signal.SIGKILL)


@contextmanager
def plans_locked(url: str) -> Iterator[None]:
    """On PostgreSQL, nobody can add a plan meanwhile; SQLite has no such lock, and there it is a race."""
    with ExitStack() as stack:
        if url.startswith("postgresql"):
            connection = stack.enter_context(psycopg.connect(url))
            connection.execute("LOCK TABLE plans IN SHARE MODE")
        yield


def test_a_run_killed_at_every_stage_goes_on_elsewhere_and_makes_one_plan(
    asked: Store, migrated_url: str
) -> None:
    store = asked
    with server(migrated_url) as first, server(migrated_url):
        found = await_quickly(lambda: checkpoint(store, "solving"))
        kill_child()
        await_quickly(lambda: run_of(store).attempts >= 2)
        await_quickly(lambda: run_of(store).progress.get("stage") == "certifying")
        solved = checkpoint(store, "certifying")
        first.kill()
        kill_child()
        with plans_locked(migrated_url):
            await_quickly(lambda: run_of(store).progress.get("stage") in ("storing", "done"))
            kill_child()
        wait_until(lambda: run_of(store).state.is_final)
    run = run_of(store)
    assert run.state is RunState.SUCCEEDED, run.error
    assert run.attempts >= 3
    assert solved is not None
    assert solved.plan["objective"] <= found.plan["objective"]
    with store.reading() as work:
        plans = work.plans.newest(limit=10)
        assert [plan.version for plan in plans] == [run.plan_version]
        assert work.runs.events.checkpoint(RUN) is None
    assert stages_by_attempt(events(store))[-1][0] in ("certifying", "storing")


def stages_by_attempt(said: list[RunEvent]) -> list[list[str]]:
    """The stages that each attempt told of, each once."""
    attempts: list[list[str]] = []
    for event in said:
        if event.kind == "state" and event.data["state"] == "running":
            attempts.append([])
        elif event.kind == "progress" and event.data["stage"] not in attempts[-1]:
            attempts[-1].append(event.data["stage"])
    return attempts


def test_a_run_whose_process_is_always_killed_is_given_up(asked: Store, migrated_url: str) -> None:
    with server(migrated_url):
        deadline = time.monotonic() + 90
        while not run_of(asked).state.is_final and time.monotonic() < deadline:
            kill_child()
            time.sleep(0.01)
    run = run_of(asked)
    assert (run.state, run.attempts) == (RunState.FAILED, ATTEMPTS_MAX)
    assert run.error is not None
    assert run.error["code"] == "run-crashed"


# -- never two plans of a run


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(migrated_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(migrated_url, clock=clock)
    with opened.writing() as work:
        work.forecasts.add(Forecast("f", (ForecastEpoch(START, 1.0),), ()))
        work.plans.put_problem("d" * 64, {})
    yield opened
    opened.close()


def add(store: Store, run_id: str) -> None:
    with store.writing() as work:
        work.runs.add(RunRecord(run_id, RunState.QUEUED, 1, "d" * 64, {}, None, "tester", work.now))


def succeed(store: Store, lease: Lease) -> bool:
    """As a run's process stores its plan."""
    with store.writing() as work:
        if not work.runs.holds(lease):
            return False
        plan = work.plans.add(NewPlan(lease.run_id, 1, "d" * 64, PLAN, 0, 0, {}, {"passed": True}, True, 0.0))
        return work.runs.succeed(lease, plan.version, {"stage": "done"})


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_in_whatever_order_a_run_has_one_plan_or_none(
    timed: Store, clock: Clock, seed: int
) -> None:
    draw, leases, succeeded = random.Random(seed), [], 0
    add(timed, RUN)
    for _ in range(40):
        step = draw.choice(
            ("claim", "claim", "succeed", "fail", "release", "report", "renew", "wait", "cancel")
        )
        lease = draw.choice(leases) if leases else Lease(RUN, "nobody", 1)
        with timed.writing() as work:
            if step == "claim":
                claimed = work.runs.claim(draw.choice("ab"), LEASE)
                leases += [claimed.lease] if claimed else []
            elif step == "fail" and draw.random() < 0.2:
                work.runs.fail(lease, {"code": "x"})
            elif step == "release":
                work.runs.release(lease, attempt_counts=draw.random() < 0.5)
            elif step == "report":
                work.runs.report(lease, {"stage": "solving"})
            elif step == "renew":
                work.runs.renew(lease, LEASE)
            elif step == "cancel" and draw.random() < 0.2:
                work.runs.cancel(RUN)
        if step == "succeed":
            succeeded += succeed(timed, lease)
        clock.advance(draw.choice((0, 1, 20, 40)) if step == "wait" else 0)
        assert len({lease.number for lease in leases}) == len(leases)
        run = run_of(timed)
        with timed.reading() as work:
            versions = [plan.version for plan in work.plans.newest(limit=5)]
        assert versions == ([run.plan_version] if run.state is RunState.SUCCEEDED else [])
        assert (run.state is RunState.SUCCEEDED) == (succeeded == 1)
        last = events(timed)[-1]
        assert last.is_last == run.state.is_final


def test_a_late_process_and_the_new_one_storing_at_once_make_one_plan(timed: Store, clock: Clock) -> None:
    for index in range(5):
        run_id = f"run{index}"
        add(timed, run_id)
        leases = []
        for owner in "ab":
            with timed.writing() as work:
                claimed = work.runs.claim(owner, LEASE)
            assert claimed is not None
            leases.append(claimed.lease)
            clock.advance(60)
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda lease: succeed(timed, lease), leases * 2))
        assert sorted(done) == [False, False, False, True]
    with timed.reading() as work:
        assert len({plan.run_id for plan in work.plans.newest(limit=50)}) == 5
        assert len(work.plans.newest(limit=50)) == 5
