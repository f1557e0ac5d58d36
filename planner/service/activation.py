"""
Which plan is active: activate an approved one, or go back to one that was active before.

To go back, the earlier plan is certified again against the newest demand: a durable run (kind ``recertify``)
says it again for today's horizon, checks and simulates it, and stores it as a new version that repeats the
old one. Where that holds, approval and activation follow in the transaction that stores it; the content was
approved before, so no other person is asked, whatever the policy says of four eyes. What runs stays where
it does not hold, or where another plan became active meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.service.plan_errors import NoForecast
from planner.service.plan_states import (
    activate_in,
    expire_overdue,
    locked,
    require_live,
    require_unmodified,
    switch,
)
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.runs import RunRequest, start_run
from planner.store.records import Activation, PlanState, RunRecord
from planner.store.store import Store

RECERTIFY = "recertify"
RULES_OF_A_CHANGE = ("churn_gib_max", "replan_worth_min")  # going back is not to fail for what it loads


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """
    Which plan is to become the active one.

    ``certify`` is ``required``, or ``skip`` for an earlier plan that is to run again at once, uncertified:
    ``reason`` is needed then, and the audit log keeps it.
    """

    plan_version: int
    certify: str = "required"
    reason: str | None = None


def in_force(current: Activation | None) -> tuple[object, ...] | None:
    """What names the activation in force, for preconditions; None before the first."""
    return None if current is None else ("activation", current.fleet, current.id)


def activate(
    store: Store, request: ActivationRequest, *, actor: str, given: Precondition = NO_PRECONDITION
) -> Activation | RunRecord:
    """
    Make the plan the active one, in one transaction with superseding the one before.

    A superseded plan is certified again first, unless the request skips that: the answer is the run then.
    Raises ``FleetAdvisory``, ``PreconditionFailed`` where another activation is in force than ``given``
    demands, what ``activate_in`` raises, and ``NoForecast`` where there is none to certify
    against.
    """
    expire_overdue(store)
    with store.writing() as work:
        require_live(work)
        current = work.plans.current_activation()
        given.check("the activation in force", in_force(current))
        found = locked(work, request.plan_version)
        if found.state is not PlanState.SUPERSEDED:
            return activate_in(work, found, actor=actor, reason=request.reason)
        require_unmodified(work, found)
        if request.certify == "skip":
            return switch(work, found, kind="roll_back", actor=actor, reason=request.reason, certify="skip")
        forecasts = work.forecasts.newest(limit=1)
    if not forecasts:
        raise NoForecast(store.fleet, f"to certify plan version {found.version} against again")
    rules = {k: v for k, v in found.options.get("policy", {}).items() if k not in RULES_OF_A_CHANGE}
    return start_run(
        store,
        RunRequest(forecast_id=forecasts[0].id, use_observed=True, policy=rules),
        actor=actor,
        special={
            "kind": RECERTIFY,
            "plan_version": found.version,
            "active_before": current.plan_version if current else None,
            "reason": request.reason,
        },
    )
