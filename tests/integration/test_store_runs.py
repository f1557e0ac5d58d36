"""The queue of runs: leased once, renewed, taken over, given up, cancelled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.store.records import RunRecord, RunState
from planner.store.runs import ATTEMPTS_MAX
from planner.store.store import Store
from tests.control_plane import START

LEASE = timedelta(seconds=30)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(migrated_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(migrated_url, clock=clock)
    with opened.writing() as work:
        work.forecasts.add(Forecast("f", (ForecastEpoch(START, 1.0),), ()))
        work.plans.put_problem("d" * 64, {})
    yield opened
    opened.close()


def add_run(store: Store, run_id: str, after_s: float = 0) -> None:
    created = START + timedelta(seconds=after_s)
    with store.writing() as work:
        work.runs.add(RunRecord(run_id, RunState.QUEUED, 1, "d" * 64, {}, None, "tester", created))


def claim(store: Store, owner: str) -> RunRecord | None:
    with store.writing() as work:
        return work.runs.claim(owner, LEASE)


def get(store: Store, run_id: str) -> RunRecord:
    with store.reading() as work:
        found = work.runs.get(run_id)
    assert found is not None
    return found


def test_the_oldest_run_is_claimed_first_and_only_once(store: Store) -> None:
    add_run(store, "second", after_s=1)
    add_run(store, "first")
    claimed = [claim(store, owner) for owner in ("a", "b", "c")]
    assert [run.id if run else None for run in claimed] == ["first", "second", None]
    run = get(store, "first")
    assert (run.state, run.lease_owner, run.attempts) == (RunState.RUNNING, "a", 1)
    assert run.lease_expires_at == START + LEASE


def test_servers_that_look_at_once_get_different_runs(store: Store) -> None:
    for index in range(8):
        add_run(store, f"run{index}")
    with ThreadPoolExecutor(4) as pool:
        claimed = [run for run in pool.map(lambda i: claim(store, f"owner{i}"), range(12)) if run]
    assert len({run.id for run in claimed}) == len(claimed) == 8


def test_a_renewed_lease_holds_and_a_silent_one_is_taken_over(store: Store, clock: Clock) -> None:
    add_run(store, "run")
    claim(store, "a")
    clock.advance(20)
    with store.writing() as work:
        assert work.runs.renew("run", "a", LEASE)
    clock.advance(20)
    assert claim(store, "b") is None
    clock.advance(20)
    taken = claim(store, "b")
    assert taken is not None
    assert (taken.lease_owner, taken.attempts, taken.started_at) == ("b", 2, START)
    with store.writing() as work:
        assert not work.runs.renew("run", "a", LEASE)
        assert not work.runs.report("run", "a", {"stage": "solving"})
        assert not work.runs.fail("run", "a", {"code": "x"})
        assert not work.runs.cancelled("run", "a")
        assert work.runs.report("run", "b", {"stage": "solving"})
    assert get(store, "run").progress == {"stage": "solving"}


def test_a_run_whose_servers_keep_dying_is_given_up(store: Store, clock: Clock) -> None:
    add_run(store, "run")
    for attempt in range(ATTEMPTS_MAX):
        assert claim(store, f"owner{attempt}") is not None
        clock.advance(60)
    assert claim(store, "last") is None
    run = get(store, "run")
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert run.error["code"] == "run-abandoned"


def test_a_run_released_in_good_order_has_lost_no_attempt(store: Store) -> None:
    add_run(store, "run")
    claim(store, "a")
    with store.writing() as work:
        assert work.runs.release("run", "a")
        assert not work.runs.release("run", "a")
    run = get(store, "run")
    assert (run.state, run.attempts, run.lease_owner) == (RunState.QUEUED, 0, None)


def test_a_waiting_run_is_cancelled_at_once(store: Store, clock: Clock) -> None:
    add_run(store, "run")
    clock.advance(5)
    with store.writing() as work:
        run = work.runs.request_cancel("run")
    assert run is not None
    assert run.state is RunState.CANCELLED
    assert run.finished_at == START + timedelta(seconds=5)
    assert claim(store, "a") is None


def test_a_running_run_is_asked_to_end(store: Store) -> None:
    add_run(store, "run")
    claim(store, "a")
    with store.writing() as work:
        run = work.runs.request_cancel("run")
        assert run is not None
        assert (run.state, run.cancel_requested) == (RunState.RUNNING, True)
        assert not work.runs.renew("run", "a", LEASE)
        assert work.runs.cancelled("run", "a")
    assert get(store, "run").state is RunState.CANCELLED


def test_cancelling_what_is_not_there_or_over_changes_nothing(store: Store) -> None:
    add_run(store, "run")
    claim(store, "a")
    with store.writing() as work:
        assert work.runs.fail("run", "a", {"code": "x", "message": "y"})
        assert work.runs.request_cancel("none") is None
        before = work.runs.get("run")
        assert work.runs.request_cancel("run") == before
    assert dataclasses.replace(get(store, "run")) == before


def test_runs_are_listed_newest_first(store: Store) -> None:
    for index in range(3):
        add_run(store, f"run{index}", after_s=index)
    with store.reading() as work:
        assert [run.id for run in work.runs.newest(limit=2)] == ["run2", "run1"]
