"""What becomes of a scheduled plan: live at once within the fleet's policy, else it waits for a person."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from planner.service import plan_states, plans
from planner.service.errors import Refusal
from planner.service.fleet_policy import may_activate_by_itself, parse_fleet_policy
from planner.service.webhooks.events import tell
from planner.store.records import RunRecord, RunState
from planner.store.schedules import Slot, SlotOutcome
from planner.store.store import Store

ACTOR = "schedule"
MODELS_SHOWN = 5
REASON = "within the bounds of the fleet's policy"
EVENT_BY_OUTCOME = {
    SlotOutcome.ACTIVATED: "replan.activated",
    SlotOutcome.WAITING: "replan.waiting",
    SlotOutcome.FAILED: "replan.failed",
}

log = logging.getLogger(__name__)


def settle_ended_slots(store: Store) -> int:
    """
    Give every slot whose run has ended its outcome; returns how many got it here.

    Outcome, activation and what webhooks are told are one transaction: any server may do it, it happens once.
    """
    with store.reading() as work:
        unsettled = work.schedules.unsettled()
    return sum(_settle(store.of_fleet(fleet), slot) for fleet, slot in unsettled)


def _settle(store: Store, instant: datetime) -> bool:
    with store.reading() as work:
        slot = work.schedules.slot(instant)
        run = work.runs.get(slot.run_id) if slot and slot.run_id else None
        current = work.plans.current_activation()
    if slot is None or run is None:
        return False
    outcome, details = _ended(run)
    if run.plan_version is not None:  # thought about before anything is locked: it takes its time
        reasons = _reasons(store, run.plan_version)
        outcome = SlotOutcome.WAITING if reasons else SlotOutcome.ACTIVATED
        details = {"plan_version": run.plan_version, "reasons": reasons}
    with store.together():
        with store.writing() as work:
            if work.schedules.lock_unsettled(instant) is None or work.plans.current_activation() != current:
                return False  # another server did, or another plan is active now: look again
        if outcome is SlotOutcome.ACTIVATED and run.plan_version is not None:
            outcome, details = _activated(store, run.plan_version)
        _record(store, slot, outcome, {"run": run.id, **details})
    log.info("fleet %s: slot %s %s", slot.fleet, instant.isoformat(), outcome)
    return True


def _ended(run: RunRecord) -> tuple[SlotOutcome, dict[str, Any]]:
    if run.state is RunState.CANCELLED:
        return SlotOutcome.CANCELLED, {}
    return SlotOutcome.FAILED, {"error": run.error}


def _reasons(store: Store, version: int) -> list[str]:
    """Why the plan may not go live by itself."""
    with store.reading() as work:
        fleet = work.fleets.get(work.fleet)
        policy = parse_fleet_policy(fleet.policy if fleet else {})
        current = work.plans.current_activation()
    summary = plans.summary(store, version)
    if current is None:
        return may_activate_by_itself(policy, summary, None, None)
    _, difference = plans.plan_difference(store, version, against=current.plan_version)
    active = plans.summary(store, current.plan_version)
    reasons = may_activate_by_itself(policy, summary, active, difference)
    return reasons + _left_out(store, version, current.plan_version)


def _left_out(store: Store, version: int, active: int) -> list[str]:
    """Models that are served now and that the plan does not know: nobody may have forecast them."""
    before, after = (plans.plan(store, one) for one in (active, version))
    served = {p.model for cluster in before.plan.sub_clusters for p in cluster.placements}
    missing = sorted(served - set(after.problem.models))
    if not missing:
        return []
    shown = ", ".join(missing[:MODELS_SHOWN]) + (", ..." if len(missing) > MODELS_SHOWN else "")
    return [f"it has no demand for {len(missing)} model(s) that plan {active} serves: {shown}"]


def _activated(store: Store, version: int) -> tuple[SlotOutcome, dict[str, Any]]:
    try:
        plan_states.approve(store, version, actor=ACTOR, reason=REASON, by_policy=True)
        plan_states.activate(store, version, actor=ACTOR, reason=REASON)
    except Refusal as refusal:  # a person was faster, or the plan is too old by now
        return SlotOutcome.WAITING, {"plan_version": version, "reasons": [refusal.message]}
    return SlotOutcome.ACTIVATED, {"plan_version": version, "reasons": []}


def _record(store: Store, slot: Slot, outcome: SlotOutcome, details: dict[str, Any]) -> None:
    with store.writing() as work:
        work.schedules.settle(slot.slot, outcome, details)
        work.audit.add(
            actor=ACTOR,
            action=f"replan.{outcome}",
            subject=slot.run_id or slot.fleet,
            slot=slot.slot.isoformat(),
            **{name: value for name, value in details.items() if name != "run"},
        )
        event = EVENT_BY_OUTCOME.get(outcome)
        if event:
            tell(work, event, {"slot": slot.slot.isoformat(), **details})
