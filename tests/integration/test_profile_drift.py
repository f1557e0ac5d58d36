"""Profiles in versions, and proposals for them, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dispatcher.contract.load_report import LoadReport
from planner.problem.problem import GpuType
from planner.service import profile_drift
from planner.service.errors import ProfileNotFound, ProposalDecided, ProposalNotFound, ProposalStale
from planner.store.records import NewPlan, ProposalState, RegisteredModel, RegisteredProfile
from planner.store.store import Store
from tests.control_plane import START
from tests.integration.test_store import PLAN, add_forecast, add_run
from tests.observed import report

AFFINE = {"alpha_ms": 0.5, "beta_ms": 3.0}
PROFILE = RegisteredProfile("m", "A10", AFFINE, 1.0, 0.1, 8, "a file")


@pytest.fixture
def slow(migrated_url: str) -> Iterator[Store]:
    """A model on an A10 that takes a quarter longer than registered, measured for four hours."""
    now = [START - timedelta(hours=1)]
    store = Store(migrated_url, clock=lambda: now[0])
    with store.writing() as work:
        work.registry.put_gpu_types([GpuType("A10", 24.0, 1.0, 1.2)])
        work.registry.put_models([RegisteredModel("m", 50.0)])
        work.registry.put_profiles([PROFILE])
    add_forecast(store)
    add_run(store)
    cluster = {"id": "one", "gpu_type": "A10", "models": [{"id": "m", "share": [1.0]}]}
    problem = {"epochs": [{"start": START.isoformat()}], "models": []}
    with store.writing() as work:
        work.plans.put_problem("p" * 64, problem)
        plan = PLAN | {"sub_clusters": [cluster]}
        new = NewPlan("run", 1, "p" * 64, plan, 1, 1, {}, {"passed": True}, True, 0.0)
        assert work.plans.add(new).version == 1
        work.observed.take(measured())
    now[0] = START + timedelta(hours=4)
    yield store
    store.close()


def measured(factor: float = 1.25, since: datetime = START) -> list[LoadReport]:
    """Every ten minutes a report."""
    latencies = tuple((b, 30, (0.5 * b + 3.0) * factor) for b in (1, 2, 4, 8))
    return [report("one", 600 * i, origin=since, latency_ms_by_batch=latencies) for i in range(24)]


def registered(store: Store) -> RegisteredProfile:
    with store.reading() as work:
        (profile,) = work.registry.profiles()
    return profile


def test_a_profile_that_says_something_new_is_a_new_version(store: Store) -> None:
    with store.writing() as work:
        work.registry.put_gpu_types([GpuType("A10", 24.0, 1.0, 1.2)])
        work.registry.put_models([RegisteredModel("m", 50.0)])
    other = RegisteredProfile("m", "A10", {"alpha_ms": 0.6, "beta_ms": 3.0}, 1.0, 0.1, 8)
    for profile in (PROFILE, PROFILE, other, other, PROFILE):
        with store.writing() as work:
            work.registry.put_profiles([profile])
    assert registered(store) == PROFILE
    assert registered(store).version == 3
    assert [v.curve["alpha_ms"] for v in profile_drift.versions(store, "m", "A10")] == [0.5, 0.6, 0.5]
    with pytest.raises(ProfileNotFound):
        profile_drift.versions(store, "m", "T4")


def test_drift_is_proposed_once_and_accepted(slow: Store) -> None:
    (proposal,) = profile_drift.propose(slow)
    assert proposal.curve == pytest.approx({"alpha_ms": 0.625, "beta_ms": 3.75}, rel=1e-3)
    assert proposal.evidence["overall"]["ratio"] == pytest.approx(1.25, rel=1e-3)
    assert registered(slow) == PROFILE
    assert profile_drift.propose(slow) == []

    accepted = profile_drift.accept(slow, proposal.id, actor="ann", note="new driver")
    assert (accepted.state, accepted.decided_by, accepted.note) == ("accepted", "ann", "new driver")
    assert registered(slow).curve == proposal.curve
    newest = profile_drift.versions(slow, "m", "A10")[0]
    assert (newest.version, newest.proposal_id, newest.measured_since) == (2, proposal.id, START)
    assert profile_drift.drifts(slow) == []
    with slow.reading() as work:
        actions = [(e.action, e.actor) for e in work.audit.newest(limit=2)]
    assert actions == [("profile.accepted", "ann"), ("profile.proposed", "measurements")]
    with pytest.raises(ProposalDecided):
        profile_drift.accept(slow, proposal.id, actor="bob")


def test_a_rejected_proposal_does_not_come_again_unless_more_is_wrong(slow: Store) -> None:
    (proposal,) = profile_drift.propose(slow)
    assert profile_drift.reject(slow, proposal.id, actor="ann").state is ProposalState.REJECTED
    assert profile_drift.propose(slow) == []
    with slow.writing() as work:
        work.observed.take(measured(1.6, START + timedelta(hours=4)))
        work.observed.take(measured(1.6, START + timedelta(hours=8)))
    (worse,) = profile_drift.propose(slow)
    assert worse.evidence["overall"]["ratio"] > 1.4
    assert registered(slow) == PROFILE


def test_a_proposal_for_a_profile_that_changed_is_refused(slow: Store) -> None:
    (proposal,) = profile_drift.propose(slow)
    with slow.writing() as work:
        work.registry.put_profiles([RegisteredProfile("m", "A10", AFFINE, 2.0, 0.1, 8)])
    with pytest.raises(ProposalDecided, match="superseded"):
        profile_drift.accept(slow, proposal.id, actor="ann")
    assert registered(slow).weights_gib == 2.0
    assert profile_drift.drifts(slow) == [], "what was measured before the new version says nothing of it"


def test_a_proposal_for_another_version_is_stale(slow: Store) -> None:
    """Should the state ever lag behind the profile, the version is what counts."""
    (proposal,) = profile_drift.propose(slow)
    with slow.writing() as work:
        from sqlalchemy import update

        from planner.store.tables import ProfileRow

        work.profiles._session.execute(update(ProfileRow).values(version=9))
    with pytest.raises(ProposalStale, match="corrects version 1 of a profile that is at version 9"):
        profile_drift.accept(slow, proposal.id, actor="ann")


def test_a_fleet_whose_policy_says_so_accepts_at_once(slow: Store) -> None:
    with slow.writing() as work:
        from sqlalchemy import update

        from planner.store.tables import FleetRow

        work.profiles._session.execute(update(FleetRow).values(policy={"profile_drift": "accept"}))
    (proposal,) = profile_drift.propose(slow)
    assert (proposal.state, proposal.decided_by) == (ProposalState.ACCEPTED, "policy")
    assert registered(slow).version == 2


def test_servers_that_look_at_once_propose_once(slow: Store) -> None:
    proposed: list[int] = []
    threads = [
        threading.Thread(target=lambda: proposed.extend(p.id for p in profile_drift.propose(slow)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(proposed) == 1


def test_two_people_cannot_both_decide(slow: Store) -> None:
    (proposal,) = profile_drift.propose(slow)
    ended: list[str] = []

    def decide(what: object) -> None:
        try:
            ended.append(str(what(slow, proposal.id, actor="x").state))  # type: ignore[operator]
        except ProposalDecided:
            ended.append("refused")

    threads = [
        threading.Thread(target=decide, args=[what]) for what in (profile_drift.accept, profile_drift.reject)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) in (["accepted", "refused"], ["refused", "rejected"])
    assert registered(slow).version == (2 if "accepted" in ended else 1)


def test_another_fleet_neither_sees_nor_decides(slow: Store) -> None:
    (proposal,) = profile_drift.propose(slow)
    other = slow.of_fleet("other")
    assert profile_drift.drifts(other) == []
    assert profile_drift.proposals(other, limit=5) == []
    with pytest.raises(ProposalNotFound):
        profile_drift.reject(other, proposal.id, actor="x")
