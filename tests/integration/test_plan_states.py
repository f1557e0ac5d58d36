"""A plan's way through its states on both databases: bound to its content, one active, nothing forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from planner.service import plans
from planner.service.activation import ActivationRequest, activate
from planner.service.errors import (
    PlanAlreadyActive,
    PlanNotApprovable,
    PlanNotApproved,
    PlanNotCertified,
    PlanNotFound,
    Refusal,
)
from planner.service.plan_errors import (
    FleetAdvisory,
    FourEyesRequired,
    NoForecast,
    PlanAlreadyApproved,
    PlanExpired,
    PlanIdMismatch,
    PlanModified,
    PlanNotRejectable,
    PlanRejected,
    PlanStale,
)
from planner.service.plan_states import expire_overdue
from planner.store.records import NewPlan, PlanOrigin, PlanState
from planner.store.store import Store
from tests.control_plane import START
from tests.integration.test_store import DIGEST, PLAN, add_plan, add_run, prepared


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(migrated_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(migrated_url, clock=clock)
    yield prepared(opened)
    opened.close()


def made(store: Store, run_id: str, *, passed: bool = True) -> int:
    """A plan of a run that ``tester`` asked for."""
    if run_id != "run":
        add_run(store, run_id)
    return add_plan(store, run_id, passed=passed)


def imported(store: Store) -> int:
    new = NewPlan(None, 1, DIGEST, PLAN, 0, 0, {}, None, False, None, PlanOrigin.IMPORTED)
    with store.writing() as work:
        return work.plans.add(new).version


def plan_id(store: Store, version: int) -> str:
    return plans.summary(store, version).plan_id


def approve(store: Store, version: int, actor: str = "ann") -> None:
    plans.approve(store, version, plan_id=plan_id(store, version), actor=actor)


def reject(store: Store, version: int, actor: str = "ann") -> None:
    plans.reject(store, version, plan_id=plan_id(store, version), actor=actor, reason="not on a Friday")


def go(store: Store, version: int, **options: Any) -> Any:
    return activate(store, ActivationRequest(version, **options), actor="bob")


def set_policy(store: Store, **policy: Any) -> None:
    with store.writing() as work:
        work.fleets.change("default", "production", policy)


def state(store: Store, version: int) -> PlanState:
    return plans.summary(store, version).state


def actions(store: Store, version: int) -> list[str]:
    return [entry.action for entry in plans.history(store, version).audit]


def test_the_whole_way_leaves_its_trace(store: Store) -> None:
    first, second = made(store, "run"), made(store, "other")
    approve(store, first)
    go(store, first, reason="first of all")
    approve(store, second)
    go(store, second)
    assert (state(store, first), state(store, second)) == (PlanState.SUPERSEDED, PlanState.ACTIVE)
    assert actions(store, first) == ["plan.approved", "plan.activate"]
    history = plans.history(store, first)
    (decision,) = history.decisions
    assert (decision.actor, decision.decision, decision.plan_id) == ("ann", "approved", plan_id(store, first))
    assert history.audit[1].reason == "first of all"
    assert history.audit[1].details["active_before"] is None
    assert plans.history(store, second).audit[1].details["active_before"] == first


def test_an_approval_holds_for_the_content_that_was_seen(store: Store) -> None:
    version = made(store, "run")
    with pytest.raises(PlanIdMismatch):
        plans.approve(store, version, plan_id="0" * 64, actor="ann")
    with pytest.raises(PlanIdMismatch):
        plans.reject(store, version, plan_id="0" * 64, actor="ann", reason="x")
    assert state(store, version) is PlanState.CERTIFIED
    assert actions(store, version) == []


def test_approving_again_is_harmless_for_the_same_and_refused_for_another(store: Store) -> None:
    version = made(store, "run")
    approve(store, version)
    approve(store, version)
    assert actions(store, version) == ["plan.approved"]
    with pytest.raises(PlanAlreadyApproved, match="approved by ann"):
        approve(store, version, actor="bob")


@pytest.mark.parametrize("table", ["plans", "certificates"])
def test_a_plan_changed_in_the_database_is_neither_approved_nor_activated(store: Store, table: str) -> None:
    first, second = made(store, "run"), made(store, "other")
    approve(store, second)
    where = "version" if table == "plans" else "plan_version"
    with store.writing() as work:
        for version in (first, second):
            statement = (
                f'UPDATE {table} SET document = \'{{"passed": true, "x": 1}}\' WHERE {where} = {version}'
            )
            work.plans._session.execute(text(statement))
    with pytest.raises(PlanModified):
        approve(store, first)
    with pytest.raises(PlanModified):
        go(store, second)
    with store.reading() as work:
        assert work.plans.current_activation() is None


def test_a_plan_older_than_one_that_was_active_is_stale(store: Store) -> None:
    waiting, chosen, newer = made(store, "run"), made(store, "b"), made(store, "c")
    approve(store, chosen)
    approve(store, newer)
    go(store, newer)
    with pytest.raises(PlanStale, match=f"plan version {newer}"):
        approve(store, waiting)
    with pytest.raises(PlanStale):
        go(store, chosen)


def test_a_rejected_plan_stays_so(store: Store) -> None:
    certified, approved, draft = made(store, "run"), made(store, "b"), made(store, "c", passed=False)
    approve(store, approved)
    for version in (certified, approved, draft):
        reject(store, version)
        reject(store, version)
        assert state(store, version) is PlanState.REJECTED
        assert actions(store, version).count("plan.rejected") == 1
        for refused in (approve, go, lambda s, v: reject(s, v, actor="bob")):
            with pytest.raises(PlanRejected, match="by ann: not on a Friday"):
                refused(store, version)


@pytest.mark.parametrize(
    ("prepare", "approving", "activating", "rejecting"),
    [
        (lambda s: made(s, "run", passed=False), PlanNotCertified, PlanNotCertified, None),
        (lambda s: made(s, "run"), None, PlanNotApproved, None),
        (imported, PlanNotApprovable, PlanNotApprovable, PlanNotRejectable),
        (lambda s: 99, PlanNotFound, PlanNotFound, PlanNotFound),
    ],
    ids=["draft", "certified", "imported", "unknown"],
)
def test_what_each_state_allows(
    store: Store,
    prepare: Callable[[Store], int],
    approving: type[Refusal] | None,
    activating: type[Refusal] | None,
    rejecting: type[Refusal] | None,
) -> None:
    version = prepare(store)
    for act, refusal in ((go, activating), (approve, approving), (reject, rejecting)):
        if refusal is not None:
            with pytest.raises(refusal):
                act(store, version)


def test_the_active_plan_is_past_it_all(store: Store) -> None:
    version = made(store, "run")
    approve(store, version)
    go(store, version)
    for act, refusal in ((go, PlanAlreadyActive), (approve, PlanNotApprovable), (reject, PlanNotRejectable)):
        with pytest.raises(refusal):
            act(store, version)


def test_four_eyes_keep_the_author_of_a_run_from_approving_it(store: Store) -> None:
    version = made(store, "run")
    set_policy(store, four_eyes=True)
    with pytest.raises(FourEyesRequired, match="made for tester"):
        approve(store, version, actor="tester")
    approve(store, version, actor="ann")
    other = made(store, "other")
    plans.approve(store, other, actor="tester", by_policy=True)
    assert state(store, other) is PlanState.APPROVED


def test_nothing_goes_live_in_advisory_mode(store: Store) -> None:
    version = made(store, "run")
    approve(store, version)
    set_policy(store, mode="advisory")
    with pytest.raises(FleetAdvisory):
        go(store, version)
    assert state(store, version) is PlanState.APPROVED


def test_plans_expire_by_age_when_somebody_looks(store: Store, clock: Clock) -> None:
    certified, approved, active = made(store, "run"), made(store, "b"), made(store, "c")
    approve(store, approved)
    approve(store, active)
    go(store, active)
    clock.now += timedelta(hours=100)
    assert expire_overdue(store) == []  # no policy, no end
    set_policy(store, plan_valid_hours=36)
    assert [plan.state for plan in plans.plans(store, limit=9)] == [
        PlanState.ACTIVE,
        PlanState.EXPIRED,
        PlanState.EXPIRED,
    ]
    with store.reading() as work:  # for good: it is not worked out anew
        found = work.plans.summary(approved)
    assert found is not None
    assert found.state is PlanState.EXPIRED
    for act in (approve, go, reject):
        with pytest.raises(PlanExpired):
            act(store, certified)
    assert actions(store, approved) == ["plan.approved", "plan.expired"]


def test_a_refused_activation_still_leaves_the_plan_expired(store: Store, clock: Clock) -> None:
    version = made(store, "run")
    approve(store, version)
    set_policy(store, plan_valid_hours=1)
    clock.now += timedelta(hours=2)
    with pytest.raises(PlanExpired):
        go(store, version)
    with store.reading() as work:
        found = work.plans.summary(version)
    assert found is not None
    assert found.state is PlanState.EXPIRED


def test_a_plan_whose_horizon_has_ended_expires_whatever_its_age(store: Store, clock: Clock) -> None:
    epochs = [{"start": (START + timedelta(hours=h)).isoformat(), "hours": 0.5} for h in range(2)]
    add_run(store, "short")
    with store.writing() as work:
        work.plans.put_problem("e" * 64, {"epochs": epochs})
        new = NewPlan("short", 1, "e" * 64, PLAN, 0, 0, {}, {"passed": True}, True, 0.0)
        version = work.plans.add(new).version
    set_policy(store, plan_valid_hours=1_000)
    assert plans.summary(store, version).horizon_end == START + timedelta(hours=1.5)
    clock.now += timedelta(hours=1.4)
    assert state(store, version) is PlanState.CERTIFIED
    clock.now += timedelta(hours=0.1)
    assert state(store, version) is PlanState.EXPIRED


def test_of_many_activators_of_one_plan_one_wins(store: Store) -> None:
    version = made(store, "run")
    approve(store, version)

    def attempt(_: int) -> str:
        try:
            return type(go(store, version)).__name__
        except PlanAlreadyActive:
            return "already"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(16)))
    assert sorted(answers) == ["Activation"] + ["already"] * 15
    assert actions(store, version) == ["plan.approved", "plan.activate"]


def test_many_activators_of_many_plans_leave_one_active_and_no_gap(store: Store) -> None:
    versions = [made(store, "run"), *(made(store, f"run{index}") for index in range(7))]
    for version in versions:
        approve(store, version)

    def attempt(version: int) -> str:
        try:
            plans.activate(store, version, actor="bob")
        except (PlanStale, PlanAlreadyActive, PlanNotApprovable) as refusal:
            return refusal.code
        return "active"

    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(versions * 2, pool.map(attempt, versions * 2), strict=True))
    assert set(answers.values()) <= {"active", "plan-stale", "plan-already-active", "plan-not-approvable"}
    with store.reading() as work:
        newest, *earlier = work.plans.activations(limit=50)
    assert newest.deactivated_at is None
    assert all(activation.deactivated_at is not None for activation in earlier)
    order = [activation.plan_version for activation in [newest, *earlier]]
    assert order == sorted(order, reverse=True)  # nobody went back by accident
    states = [plan.state for plan in plans.plans(store, limit=50)]
    assert states.count(PlanState.ACTIVE) == 1
    assert state(store, order[0]) is PlanState.ACTIVE


def test_an_earlier_plan_runs_again_at_once_only_for_a_stated_reason(store: Store) -> None:
    first, second = made(store, "run"), made(store, "other")
    for version in (first, second):
        approve(store, version)
        go(store, version)
    activation = go(store, first, certify="skip", reason="plan 2 is on fire")
    assert (activation.kind, activation.reason) == ("roll_back", "plan 2 is on fire")
    entry = plans.history(store, first).audit[-1]
    assert (entry.action, entry.reason, entry.details["certify"]) == (
        "plan.roll_back",
        "plan 2 is on fire",
        "skip",
    )
    assert state(store, second) is PlanState.SUPERSEDED


def test_without_a_forecast_nothing_is_certified_again(store: Store) -> None:
    """Forecasts are a fleet's own: here one whose plans were put there by hand."""
    with store.writing() as work:
        work.fleets.add("bare", "staging", {})
    bare = store.of_fleet("bare")
    versions = [made(bare, "run-a"), made(bare, "run-b")]
    for version in versions:
        approve(bare, version)
        go(bare, version)
    with pytest.raises(NoForecast):
        go(bare, versions[0])


def test_plan_ids_differ_with_the_evidence_and_not_with_the_version(store: Store) -> None:
    same, again, failed = made(store, "run"), made(store, "b"), made(store, "c", passed=False)
    assert plan_id(store, same) == plan_id(store, again) != plan_id(store, failed)
    summary = plans.summary(store, same)
    assert dataclasses.replace(summary, version=0).plan_id == summary.plan_id
