"""A fleet's policy: every fault named, defaults written out, and reasons why a plan waits for a person."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from planner.plan.difference import PlanDifference
from planner.service.fleet_policy import (
    AutoApproval,
    FleetMode,
    FleetPolicy,
    ProfileDrift,
    fleet_policy_to_json,
    may_activate_by_itself,
    parse_fleet_policy,
    patched,
)
from planner.store.records import PlanState, PlanSummary
from profiles.faults import InputInvalid

BOUNDS = {"cost_increase_share_max": 0.1, "churn_gib_max": 50.0, "bad_rate_max": 0.01}
WHOLE = {
    "mode": "advisory",
    "four_eyes": True,
    "plan_valid_hours": 36,
    "profile_drift": "accept",
    "auto_approval": BOUNDS,
    "demand_quantile": 0.9,
}


def summary(**changes: Any) -> PlanSummary:
    facts: dict[str, Any] = {name: None for name in PlanSummary.__slots__}
    facts |= {"version": 2, "state": PlanState.CERTIFIED, "status": "optimal", "cost_usd_per_hour": 100.0}
    facts |= {"certificate_passed": True, "certificate_bad_rate": 0.004, "options": {}}
    facts["created_at"] = datetime(2026, 11, 23, tzinfo=UTC)
    return PlanSummary(**facts | changes)


def moved(churn_gib: float = 10.0) -> PlanDifference:
    return PlanDifference(0.0, churn_gib, (), (), (), ())


def test_a_missing_policy_is_that_of_a_fleet_run_by_hand() -> None:
    assert parse_fleet_policy({}) == FleetPolicy()
    assert FleetPolicy() == FleetPolicy(FleetMode.LIVE, False, None, ProfileDrift.PROPOSE, None)


def test_a_whole_policy_comes_back_as_it_was() -> None:
    policy = parse_fleet_policy(WHOLE)
    assert policy.auto_approval == AutoApproval(0.1, 50.0, 0.01)
    assert fleet_policy_to_json(policy) == WHOLE
    assert parse_fleet_policy(fleet_policy_to_json(policy)) == policy


def test_every_fault_is_named_with_what_was_meant() -> None:
    document = {
        "mode": "on",
        "four_eye": True,
        "four_eyes": "yes",
        "plan_valid_hours": 0,
        "profile_drift": 1,
        "demand_quantile": 0.4,
        "auto_approval": {"churn_gib_max": -1, "bad_rate_max": float("nan"), "x": 1},
    }
    with pytest.raises(InputInvalid) as refused:
        parse_fleet_policy(document)
    faults = {fault.field: fault.limit for fault in refused.value.faults}
    assert set(faults) == {
        "policy.mode",
        "policy.four_eye",
        "policy.four_eyes",
        "policy.plan_valid_hours",
        "policy.profile_drift",
        "policy.demand_quantile",
        "policy.auto_approval.churn_gib_max",
        "policy.auto_approval.bad_rate_max",
        "policy.auto_approval.cost_increase_share_max",
        "policy.auto_approval.x",
    }
    assert "four_eyes" in faults["policy.four_eye"]
    assert faults["policy.demand_quantile"] == "must be a finite number >= 0.5 and <= 0.995"


def test_a_change_replaces_the_keys_it_names_alone() -> None:
    policy = parse_fleet_policy(WHOLE)
    assert patched(policy, {"mode": "live"}) == dataclasses.replace(policy, mode=FleetMode.LIVE)
    assert patched(policy, {"auto_approval": None}).auto_approval is None
    assert patched(policy, {"demand_quantile": 0.6}).demand_quantile == 0.6
    with pytest.raises(InputInvalid):
        patched(policy, {"auto_aproval": None})


LIVE = parse_fleet_policy({"auto_approval": BOUNDS})


def test_a_plan_within_all_bounds_may_go_live() -> None:
    active = summary(version=1, cost_usd_per_hour=95.0)
    assert may_activate_by_itself(LIVE, summary(), active, moved()) == []


@pytest.mark.parametrize(
    ("policy", "plan", "active", "difference", "reason"),
    [
        (FleetPolicy(), {}, {}, moved(), "has no auto_approval"),
        (parse_fleet_policy(WHOLE), {}, {}, moved(), "advisory mode"),
        (LIVE, {"certificate_passed": False}, {}, moved(), "did not pass its certificate"),
        (LIVE, {"status": "partial"}, {}, moved(), "leaves demand unserved"),
        (LIVE, {}, None, None, "no plan is active"),
        (LIVE, {}, {"cost_usd_per_hour": 90.0}, moved(), "costs 11.1% more than plan 1 (90.00 -> 100.00"),
        (LIVE, {}, {"cost_usd_per_hour": 0.0}, moved(), "costs inf% more"),
        (LIVE, {}, {}, moved(50.1), "50.1 GiB would be loaded, allowed are 50.0"),
        (LIVE, {"certificate_bad_rate": 0.0101}, {}, moved(), "bad rate is 0.0101"),
        (LIVE, {"certificate_bad_rate": None}, {}, moved(), "bad rate is unknown"),
    ],
)
def test_each_bound_alone_keeps_a_plan_from_going_live(
    policy: FleetPolicy,
    plan: dict[str, Any],
    active: dict[str, Any] | None,
    difference: PlanDifference | None,
    reason: str,
) -> None:
    before = None if active is None else summary(**{"version": 1} | active)
    (found,) = may_activate_by_itself(policy, summary(**plan), before, difference)
    assert reason in found


def test_all_reasons_are_told_at_once() -> None:
    plan = summary(certificate_passed=False, certificate_bad_rate=0.2, status="partial")
    reasons = may_activate_by_itself(LIVE, plan, summary(version=1, cost_usd_per_hour=1.0), moved(1e4))
    assert len(reasons) == 5
