"""The queue of runs: leased once, renewed, taken over, given up, cancelled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.store import run_events
from planner.store.records import Lease, RunCheckpoint, RunEvent, RunRecord, RunState
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


def leased(store: Store, owner: str) -> Lease:
    claimed = claim(store, owner)
    assert claimed is not None
    return claimed.lease


def assert_refused(store: Store, lease: Lease) -> None:
    """Nothing that is written under the lease counts."""
    with store.writing() as work:
        assert not work.runs.holds(lease)
        assert not work.runs.renew(lease, LEASE)
        assert not work.runs.report(lease, {"stage": "x"})
        assert not work.runs.succeed(lease, 1, {})
        assert not work.runs.fail(lease, {"code": "x"})
        assert not work.runs.release(lease)


def events(store: Store, run_id: str, after: int = 0) -> list[RunEvent]:
    with store.reading() as work:
        return work.runs.events.after({run_id: after})


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
    first = leased(store, "a")
    clock.advance(20)
    with store.writing() as work:
        assert work.runs.renew(first, LEASE)
    clock.advance(20)
    assert claim(store, "b") is None
    clock.advance(20)
    second = leased(store, "b")
    run = get(store, "run")
    assert (run.lease_owner, run.attempts, run.started_at) == ("b", 2, START)
    assert_refused(store, first)
    with store.writing() as work:
        assert work.runs.report(second, {"stage": "solving"})
    assert get(store, "run").progress == {"stage": "solving"}


def test_a_claim_by_the_same_worker_is_another_claim(store: Store, clock: Clock) -> None:
    """A worker may lose a run and get it back, its first process still writing: a name alone is no fence."""
    add_run(store, "run")
    first = leased(store, "a")
    clock.advance(60)
    second = leased(store, "a")
    assert (first.owner, second.number) == (second.owner, first.number + 1)
    assert_refused(store, first)
    with store.writing() as work:
        assert work.runs.holds(second)


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
    assert events(store, "run")[-1].data["error"] == run.error


@pytest.mark.parametrize(("counts", "attempts"), [(False, 0), (True, 1)])
def test_a_run_put_back_waits_again(store: Store, counts: bool, attempts: int) -> None:
    add_run(store, "run")
    lease = leased(store, "a")
    with store.writing() as work:
        assert work.runs.release(lease, attempt_counts=counts)
        assert not work.runs.release(lease)
    run = get(store, "run")
    assert (run.state, run.attempts, run.lease_owner) == (RunState.QUEUED, attempts, None)
    assert leased(store, "b").number == lease.number + 1


def test_a_waiting_run_is_cancelled_at_once(store: Store, clock: Clock) -> None:
    add_run(store, "run")
    clock.advance(5)
    with store.writing() as work:
        run = work.runs.cancel("run")
    assert run is not None
    assert run.state is RunState.CANCELLED
    assert run.finished_at == START + timedelta(seconds=5)
    assert claim(store, "a") is None


def test_a_running_run_is_cancelled_at_once_and_its_worker_shut_out(store: Store) -> None:
    add_run(store, "run")
    lease = leased(store, "a")
    with store.writing() as work:
        run = work.runs.cancel("run")
    assert run is not None
    assert (run.state, run.cancel_requested, run.lease_owner) == (RunState.CANCELLED, True, None)
    assert_refused(store, lease)
    assert get(store, "run") == run


def test_cancelling_what_is_not_there_or_over_changes_nothing(store: Store) -> None:
    add_run(store, "run")
    lease = leased(store, "a")
    with store.writing() as work:
        assert work.runs.fail(lease, {"code": "x", "message": "y"})
        assert work.runs.cancel("none") is None
        before = work.runs.get("run")
        assert work.runs.cancel("run") == before
    assert dataclasses.replace(get(store, "run")) == before


def test_a_run_says_what_becomes_of_it(store: Store, clock: Clock) -> None:
    add_run(store, "run")
    lease = leased(store, "a")
    with store.writing() as work:
        work.runs.report(lease, {"stage": "solving", "incumbent": 4.5})
    clock.advance(3)
    with store.writing() as work:
        work.runs.fail(lease, {"code": "x"})
    said = events(store, "run")
    assert [(e.sequence, e.kind, e.data) for e in said] == [
        (1, "state", {"state": "queued"}),
        (2, "state", {"state": "running", "attempt": 1}),
        (3, "progress", {"stage": "solving", "incumbent": 4.5}),
        (4, "state", {"state": "failed", "error": {"code": "x"}}),
    ]
    assert [e.is_last for e in said] == [False, False, False, True]
    assert said[-1].at == START + timedelta(seconds=3)
    assert [e.sequence for e in events(store, "run", after=2)] == [3, 4]


def test_events_of_several_runs_come_in_one_look(store: Store) -> None:
    for index in range(450):
        add_run(store, f"run{index:03d}")
    with store.reading() as work:
        found = work.runs.events.after({f"run{index:03d}": index % 2 for index in range(450)})
    assert [e.run_id for e in found] == [f"run{index:03d}" for index in range(0, 450, 2)]


def test_old_progress_makes_room_and_states_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_events, "PROGRESS_EVENTS_KEPT", 5)
    add_run(store, "run")
    lease = leased(store, "a")
    with store.writing() as work:
        for index in range(20):
            work.runs.report(lease, {"stage": "solving", "index": index})
    said = events(store, "run")
    assert [e.data["index"] for e in said if e.kind == "progress"] == [15, 16, 17, 18, 19]
    assert [e.sequence for e in said if e.kind == "state"] == [1, 2]


def test_a_checkpoint_is_replaced_and_gone_with_the_end(store: Store) -> None:
    add_run(store, "run")
    lease = leased(store, "a")
    first = RunCheckpoint("run", "solving", 3.5, 41.0, {"objective": 44.0})
    second = dataclasses.replace(first, stage="storing", certificate={"passed": True})
    for checkpoint in (first, second):
        with store.writing() as work:
            assert work.runs.holds(lease)
            work.runs.events.put_checkpoint(lease, checkpoint)
        with store.reading() as work:
            assert work.runs.events.checkpoint("run") == checkpoint
    with store.writing() as work:
        work.runs.fail(lease, {"code": "x"})
        assert work.runs.events.checkpoint("run") is None


def test_runs_are_listed_newest_first(store: Store) -> None:
    for index in range(3):
        add_run(store, f"run{index}", after_s=index)
    with store.reading() as work:
        assert [run.id for run in work.runs.newest(limit=2)] == ["run2", "run1"]
