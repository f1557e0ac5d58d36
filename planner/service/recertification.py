"""
An earlier plan certified again against the newest demand: what a run of kind ``recertify`` does.

``planner.service.activation`` asks for it; this is its other half, and runs in the run's own process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from planner.certify import Certificate, certify
from planner.plan.codec import parse_plan
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.errors import Refusal
from planner.service.plan_states import APPROVED, require_live, require_unmodified, switch
from planner.service.planning import executor_for
from planner.service.realigned import realigned
from planner.service.run_failure import RunFailed
from planner.store.records import Activation, PlanSummary, RunRecord
from planner.store.store import Store, UnitOfWork

VIOLATIONS_SHOWN = 20


class Told(Protocol):
    """Who is told how far it is; a run's ``ProgressLog``."""

    def stage(self, name: str) -> None: ...

    def incumbent(self, plan: Plan) -> None: ...

    def certified(self, done: int, of: int) -> None: ...


def recertified(
    store: Store, problem: PlanningProblem, run: RunRecord, log: Told
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


def _as_failure(check: Callable[[], None]) -> None:
    try:
        check()
    except Refusal as refusal:
        raise RunFailed(refusal.code, refusal.message) from refusal
