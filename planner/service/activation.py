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
from typing import Any

from planner.certify import Certificate, certify
from planner.plan.codec import parse_plan
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.errors import Refusal
from planner.service.plan_errors import RecertificationNeeded
from planner.service.plan_states import (
    APPROVED,
    activate_in,
    expire_overdue,
    locked,
    require_live,
    require_unmodified,
    switch,
)
from planner.service.planning import executor_for
from planner.service.realigned import realigned
from planner.service.run_failure import RunFailed
from planner.service.run_progress import ProgressLog
from planner.service.runs import RunRequest, start_run
from planner.store.records import Activation, PlanState, PlanSummary, RunRecord
from planner.store.store import Store, UnitOfWork

RECERTIFY = "recertify"
VIOLATIONS_SHOWN = 20
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


def activate(store: Store, request: ActivationRequest, *, actor: str) -> Activation | RunRecord:
    """
    Make the plan the active one, in one transaction with superseding the one before.

    A superseded plan is certified again first, unless the request skips that: the answer is the run then.
    Raises ``FleetAdvisory``, what ``activate_in`` raises, and ``RecertificationNeeded`` where there is no
    forecast to certify against.
    """
    expire_overdue(store)
    with store.writing() as work:
        require_live(work)
        found = locked(work, request.plan_version)
        if found.state is not PlanState.SUPERSEDED:
            return activate_in(work, found, actor=actor, reason=request.reason)
        require_unmodified(work, found)
        if request.certify == "skip":
            return switch(
                work, found, kind="roll_back", actor=actor, reason=request.reason, certify="skip"
            )
        forecasts = work.forecasts.newest(limit=1)
        current = work.plans.current_activation()
    if not forecasts:
        raise RecertificationNeeded(request.plan_version)
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


def recertified(
    store: Store, problem: PlanningProblem, run: RunRecord, log: ProgressLog
) -> tuple[Plan, Certificate]:
    """
    The earlier plan said again for ``problem``, with a certificate that holds.

    Raises ``RunFailed`` where it breaks a rule or is not certified.
    """
    version = run.options["plan_version"]
    with store.reading() as work:
        found = work.plans.documents(version)
        if found is None:
            raise RunFailed("plan-not-found", f"there is no plan version {version}")
        _as_failure(lambda: require_unmodified(work, found.summary))
    log.stage("verifying")
    plan = realigned(parse_plan(found.plan), parse_problem(found.problem), problem)
    log.incumbent(plan)
    violations = [str(violation) for violation in verify(problem, plan)]
    left = sorted(unserved.model for unserved in plan.unserved)
    if left:
        violations.insert(0, f"it has no place for all of the demand of {', '.join(left)}")
    if violations:
        raise _refused(version, violations)
    log.stage("certifying")
    certificate = certify(problem, plan, executor=executor_for(plan), progress=log.certified)
    failed = [
        f"{one.sub_cluster}: bad rate {one.bad_rate:.2%}, allowed are {certificate.bad_rate_max:.2%}"
        for one in certificate.sub_clusters
        if not one.passed
    ]
    if failed:
        raise _refused(version, failed)
    log.stage("storing")
    return plan, certificate


def go_back(work: UnitOfWork, run: RunRecord, made: PlanSummary) -> Activation:
    """
    Approve and activate what a run of kind ``recertify`` made; in the unit of work that stores it.

    Raises ``RunFailed`` where another plan became active since the run was asked for.
    """
    _as_failure(lambda: require_live(work))
    version, reason = run.options["plan_version"], run.options["reason"]
    current = work.plans.current_activation()
    if (current.plan_version if current else None) != run.options["active_before"]:
        now = f"plan {current.plan_version}" if current else "no plan"
        raise RunFailed("plan-stale", f"{now} became active meanwhile; ask again if it is still wanted")
    work.decisions.add(made.version, made.plan_id, APPROVED, actor=run.actor, reason=reason)
    return switch(
        work, made, kind="roll_back", actor=run.actor, reason=reason, certify="required", repeats=version
    )


def _refused(version: int, reasons: list[str]) -> RunFailed:
    shown: dict[str, Any] = {"violations": reasons[:VIOLATIONS_SHOWN]}
    message = f"plan {version} does not hold against today's demand: {reasons[0]}"
    return RunFailed("recertification-failed", message, **shown)


def _as_failure(check: Any) -> None:
    try:
        check()
    except Refusal as refusal:
        raise RunFailed(refusal.code, refusal.message) from refusal
