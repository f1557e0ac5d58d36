"""Scheduled replans: one run a slot, whoever looks; the latest missed slot; outcomes by policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.problem.problem import GpuType, Pool
from planner.service import plan_states
from planner.service.errors import NoSlotDue, ScheduleNotFound
from planner.service.replan_outcome import settle_ended_slots
from planner.service.replans import replan_once, start_due_slots
from planner.service.run_execution import execute
from planner.service.schedules import ScheduleRequest, put_schedule, schedule, slots
from planner.service.webhooks.addresses import AllowedAddresses
from planner.service.webhooks.delivering import Deliverer
from planner.service.webhooks.subscriptions import deliveries, subscribe
from planner.store.records import RegisteredModel, RegisteredProfile, RunState
from planner.store.schedules import SlotOutcome
from planner.store.store import Store
from planner.store.tables import FleetRow
from tests.integration.test_store_runs import Clock
from tests.receiver import Receiver, receiver

NIGHTLY = ScheduleRequest(
    "30 2 * * *",
    "Europe/Berlin",
    horizon_hours=2,
    solver="greedy",
    time_limit_s=2.0,
    use_observed=False,
)
EVENING = datetime(2026, 11, 23, 19, tzinfo=UTC)
SLOT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
LOOPBACK = AllowedAddresses(loopback=True)
__all__ = ["receiver"]  # a fixture


@pytest.fixture
def clock() -> Clock:
    found = Clock()
    found.now = EVENING
    return found


@pytest.fixture
def store(migrated_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(migrated_url, clock=clock)
    with opened.writing() as work:
        work.registry.put_gpu_types([GpuType("A10", 24.0, 1.0, 1.2)])
        work.registry.put_pools([Pool("A10", "z", 4)])
        work.registry.put_models([RegisteredModel("m", 80.0)])
        curve = {"alpha_ms": 0.5, "beta_ms": 3.0}
        work.registry.put_profiles([RegisteredProfile("m", "A10", curve, 1.0, 0.0, 16)])
        year = (ForecastEpoch(datetime(2026, 1, 1, tzinfo=UTC), 9_000.0),)
        work.forecasts.add(Forecast("f", year, (ModelForecast("m", (60.0,), (1.0,)),)))
    yield opened
    opened.close()


def run_count(store: Store) -> int:
    with store.reading() as work:
        return len(work.runs.newest(limit=100))


def carry_out(store: Store) -> None:
    with store.writing() as work:
        claimed = work.runs.claim("here", timedelta(minutes=5))
    assert claimed is not None
    execute(store, claimed.lease)


def outcome(store: Store) -> SlotOutcome:
    return slots(store, limit=1)[0].outcome


def test_a_slot_is_taken_up_when_it_is_due_and_once(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    assert schedule(store).next_slot == SLOT
    clock.now = SLOT - timedelta(microseconds=1)
    assert start_due_slots(store, started_by="schedule") == []
    clock.now = SLOT
    (found,) = start_due_slots(store, started_by="schedule")
    assert (found.is_new, found.slot.slot, found.slot.missed_before) == (True, SLOT, 0)
    assert start_due_slots(store, started_by="schedule") == []
    assert run_count(store) == 1
    assert schedule(store).next_slot == SLOT + timedelta(days=1)


def test_any_number_of_servers_make_one_run_of_a_slot(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    for night in range(3):
        clock.now = SLOT + timedelta(days=night)
        barrier = threading.Barrier(8)

        def look(_: int, barrier: threading.Barrier = barrier) -> int:
            barrier.wait()
            return sum(replan.is_new for replan in start_due_slots(store, started_by="schedule"))

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(look, range(8))) == 1
        assert run_count(store) == night + 1


def test_of_missed_slots_the_latest_is_caught_up(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    clock.now = SLOT + timedelta(days=4, hours=7)
    (found,) = start_due_slots(store, started_by="schedule")
    assert (found.slot.slot, found.slot.missed_before) == (SLOT + timedelta(days=4), 4)
    assert start_due_slots(store, started_by="schedule") == []
    assert run_count(store) == 1


def test_external_schedulers_and_servers_share_slots(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    clock.now = SLOT - timedelta(seconds=20)  # the other clock is ahead
    outside = replan_once(store, started_by="cron")
    assert (outside.is_new, outside.slot.slot) == (True, SLOT)
    clock.now = SLOT + timedelta(seconds=1)
    assert start_due_slots(store, started_by="schedule") == []
    again = replan_once(store, started_by="cron")
    assert (again.is_new, again.slot) == (False, outside.slot)
    assert run_count(store) == 1


def test_a_schedule_for_external_schedulers_alone(store: Store, clock: Clock) -> None:
    with pytest.raises(ScheduleNotFound):
        replan_once(store, started_by="cron")
    put_schedule(store, replace(NIGHTLY, enabled=False), actor="ann")
    with pytest.raises(NoSlotDue):
        replan_once(store, started_by="cron")
    clock.now = SLOT + timedelta(hours=1)
    assert start_due_slots(store, started_by="schedule") == []
    assert replan_once(store, started_by="cron").is_new
    clock.now = SLOT + timedelta(days=1)
    assert replan_once(store, started_by="cron").slot.slot == SLOT + timedelta(days=1)


def test_setting_the_same_times_again_loses_no_slot_and_other_times_begin_now(
    store: Store, clock: Clock
) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    clock.now = SLOT + timedelta(hours=1)
    put_schedule(store, replace(NIGHTLY, time_limit_s=9.0), actor="ann")
    assert schedule(store).next_slot == SLOT
    put_schedule(store, replace(NIGHTLY, cron="0 4 * * *"), actor="ann")
    assert schedule(store).next_slot == SLOT + timedelta(hours=1, minutes=30)
    assert start_due_slots(store, started_by="schedule") == []


def test_fleets_have_schedules_of_their_own(store: Store, clock: Clock) -> None:
    with store.writing() as work:
        work.fleets.add("west", "test", {})
    put_schedule(store, NIGHTLY, actor="ann")
    put_schedule(store.of_fleet("west"), NIGHTLY, actor="ann")
    clock.now = SLOT
    found = start_due_slots(store, started_by="schedule")
    assert {(r.slot.fleet, r.slot.outcome) for r in found} == {
        ("default", SlotOutcome.RUNNING),
        ("west", SlotOutcome.FAILED),  # it has no forecast
    }
    (west,) = slots(store.of_fleet("west"), limit=5)
    assert west.details is not None
    assert west.details["error"]["code"] == "no-forecast"


@pytest.mark.parametrize(
    ("zone", "cron", "start", "expected"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00+00:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31T18:00+00:00",
            ["2026-11-01T05:30", "2026-11-02T06:30"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T10:00+00:00",
            ["2026-04-04T14:45", "2026-04-05T15:15"],
        ),
    ],
)
def test_days_of_changing_clocks_have_one_run_each(
    store: Store, clock: Clock, zone: str, cron: str, start: str, expected: list[str]
) -> None:
    """The clock goes on in steps of five minutes over two nights."""
    clock.now = datetime.fromisoformat(start)
    put_schedule(store, replace(NIGHTLY, cron=cron, time_zone=zone), actor="ann")
    for _ in range(2 * 24 * 12):
        clock.advance(300)
        start_due_slots(store, started_by="schedule")
    taken = [f"{slot.slot:%Y-%m-%dT%H:%M}" for slot in reversed(slots(store, limit=9))]
    assert taken == expected
    assert run_count(store) == 2


# -- what becomes of the plan


def allow(store: Store, cost_increase_share_max: float) -> None:
    bounds = {"cost_increase_share_max": cost_increase_share_max, "churn_gib_max": 1e6, "bad_rate_max": 0.05}
    set_policy(store, {"auto_approval": bounds})


def set_policy(store: Store, policy: dict[str, Any]) -> None:
    with store.writing() as work:
        work.fleets._session.get_one(FleetRow, "default").policy = policy


def nightly(store: Store, clock: Clock, night: int) -> None:
    """One night: the slot, the run, the outcome."""
    clock.now = SLOT + timedelta(days=night)
    assert len(start_due_slots(store, started_by="schedule")) == 1
    carry_out(store)
    assert settle_ended_slots(store) == 1
    assert settle_ended_slots(store) == 0


def active_version(store: Store) -> int | None:
    with store.reading() as work:
        current = work.plans.current_activation()
    return current.plan_version if current else None


def test_without_a_policy_the_plan_waits_and_says_so(store: Store, clock: Clock, receiver: Receiver) -> None:
    hook = subscribe(
        store, receiver.url, ["replan.waiting", "replan.activated"], allowed=LOOPBACK, actor="ann"
    )
    put_schedule(store, NIGHTLY, actor="ann")
    nightly(store, clock, 0)
    assert outcome(store) is SlotOutcome.WAITING
    assert active_version(store) is None
    Deliverer(store, LOOPBACK).deliver_due()
    (told,) = receiver.received
    assert told["body"]["type"] == "replan.waiting"
    assert told["body"]["data"]["plan_version"] == 1
    assert "no plan is active to compare it with" in told["body"]["data"]["reasons"]
    assert told["headers"]["webhook-id"] == deliveries(store, hook.id, limit=1)[0].id


def test_within_the_policy_it_goes_live_and_beyond_it_waits(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    allow(store, cost_increase_share_max=0.5)
    nightly(store, clock, 0)
    assert outcome(store) is SlotOutcome.WAITING  # the first plan is a person's to decide on
    plan_states.approve(store, 1, actor="bob")
    plan_states.activate(store, 1, actor="bob")
    nightly(store, clock, 1)
    assert outcome(store) is SlotOutcome.ACTIVATED
    assert active_version(store) == 2
    with store.reading() as work:
        assert {e.actor for e in work.audit.newest(limit=3)} == {"schedule"}
    set_policy(store, {"mode": "advisory"})
    nightly(store, clock, 2)
    assert outcome(store) is SlotOutcome.WAITING
    assert active_version(store) == 2


def test_a_plan_that_forgets_a_model_in_service_waits(store: Store, clock: Clock) -> None:
    """Cheaper, sound and certified: and an outage of the model whose forecast has ended."""
    with store.writing() as work:
        work.registry.put_models([RegisteredModel("n", 80.0)])
        curve = {"alpha_ms": 0.5, "beta_ms": 3.0}
        work.registry.put_profiles([RegisteredProfile("n", "A10", curve, 1.0, 0.0, 16)])
        first_night = (ForecastEpoch(SLOT - timedelta(hours=6), 12.0),)
        work.forecasts.add(Forecast("g", first_night, (ModelForecast("n", (20.0,), (1.0,)),)))
    put_schedule(store, NIGHTLY, actor="ann")
    allow(store, cost_increase_share_max=0.5)
    nightly(store, clock, 0)
    plan_states.approve(store, 1, actor="bob")
    plan_states.activate(store, 1, actor="bob")
    nightly(store, clock, 1)
    assert outcome(store) is SlotOutcome.WAITING
    details = slots(store, limit=1)[0].details
    assert details is not None
    assert details["reasons"] == ["it has no demand for 1 model(s) that plan 1 serves: n"]


def test_many_servers_settle_a_slot_once(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    clock.now = SLOT
    start_due_slots(store, started_by="schedule")
    carry_out(store)
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda _: settle_ended_slots(store), range(6))) == 1


def test_a_run_without_a_plan_fails_its_slot(store: Store, clock: Clock) -> None:
    put_schedule(store, NIGHTLY, actor="ann")
    clock.now = SLOT
    start_due_slots(store, started_by="schedule")
    with store.writing() as work:
        run = work.runs.newest(limit=1)[0]
        assert run.state is RunState.QUEUED
        work.runs.cancel(run.id)
    settle_ended_slots(store)
    assert outcome(store) is SlotOutcome.CANCELLED


def test_a_nightly_run_plans_at_the_quantile_of_the_fleet(store: Store, clock: Clock) -> None:
    year = (ForecastEpoch(datetime(2026, 1, 1, tzinfo=UTC), 9_000.0),)
    with store.writing() as work:
        work.forecasts.add(Forecast("wide", year, (ModelForecast("m", (60.0,), (1.0,), (40.0,), (90.0,)),)))
        work.fleets.change("default", "production", {"demand_quantile": 0.95})
    put_schedule(store, NIGHTLY, actor="ann")
    clock.now = SLOT
    start_due_slots(store, started_by="schedule")
    with store.reading() as work:
        (run,) = work.runs.newest(limit=1)
    assert run.demand is not None
    assert run.demand["quantile"] == 0.95
    assert run.demand["models"][0]["demand_rps"] == pytest.approx([90.0] * 2)
