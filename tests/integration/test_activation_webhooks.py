"""What webhooks are told when another plan becomes the active one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.service.errors import PlanNotApproved
from planner.service.webhooks.addresses import AllowedAddresses
from planner.service.webhooks.subscriptions import deliveries, subscribe
from planner.store.store import Store
from tests.integration.test_plan_states import approve, clock, go, made, plan_id, store

__all__ = ["clock", "store"]  # fixtures


def told(store: Store, hook_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of what a webhook is to be told, the oldest first."""
    waiting = [json.loads(one.body) for one in reversed(deliveries(store, hook_id, limit=20))]
    return [(body["type"], body["data"]) for body in waiting]


def test_webhooks_are_told_of_what_a_person_activates_and_goes_back_to(store: Store) -> None:
    events = ["plan.activated", "plan.rolled_back"]
    allowed = AllowedAddresses(loopback=True)
    hook = subscribe(store, "http://127.0.0.1:9/", events, allowed=allowed, actor="ann")
    first, second = made(store, "run"), made(store, "other")
    with pytest.raises(PlanNotApproved):
        go(store, first)
    assert told(store, hook.id) == []  # what was refused has not happened
    for version in (first, second):
        approve(store, version)
        go(store, version, reason="a new week")
    go(store, first, certify="skip", reason="the new one drops requests")
    common = {"fleet": "default", "actor": "bob"}
    week = {**common, "reason": "a new week"}
    assert told(store, hook.id) == [
        (
            "plan.activated",
            {**week, "plan_version": first, "plan_id": plan_id(store, first), "active_before": None},
        ),
        (
            "plan.activated",
            {**week, "plan_version": second, "plan_id": plan_id(store, second), "active_before": first},
        ),
        (
            "plan.rolled_back",
            {
                **common,
                "reason": "the new one drops requests",
                "plan_version": first,
                "plan_id": plan_id(store, first),
                "active_before": second,
                "certify": "skip",
            },
        ),
    ]
