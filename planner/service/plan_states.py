"""
A plan's way: draft -> certified -> approved -> active -> superseded, or rejected, or expired.

What a person decides is bound to the plan's content-derived id, which the request names as it was seen.
Every change of state is one unit of work with its entry in the audit log; those of which plan is active hold
the fleet's row, so that of many at once one comes after the other and sees what it left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from planner.plan.identity import plan_id as digest_of
from planner.service.errors import (
    PlanAlreadyActive,
    PlanNotApprovable,
    PlanNotApproved,
    PlanNotCertified,
    PlanNotFound,
)
from planner.service.fleet_policy import FleetMode
from planner.service.fleets import fleet_policy
from planner.service.plan_errors import (
    FleetAdvisory,
    FourEyesRequired,
    PlanAlreadyApproved,
    PlanExpired,
    PlanIdMismatch,
    PlanModified,
    PlanNotRejectable,
    PlanRejected,
    PlanStale,
)
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.webhooks.events import tell
from planner.store.records import Activation, PlanDecision, PlanState, PlanSummary
from planner.store.store import Store, UnitOfWork

Found = TypeVar("Found")

EVENT_BY_KIND = {"activate": "plan.activated", "roll_back": "plan.rolled_back"}
APPROVED, REJECTED = "approved", "rejected"
BY_ITSELF = "fermata"  # the actor of what nobody asked for
WAITING = (PlanState.CERTIFIED, PlanState.APPROVED)


def expire_overdue(store: Store) -> list[int]:
    """
    Mark as expired what waits for approval or activation and is too old by the fleet's policy.

    Nobody needs to watch the clock: whoever looks at plans comes by here first. Returns the versions.
    """
    with store.reading() as work:
        if not _any_overdue(work):
            return []
    return _expire(store)


def as_of_now(store: Store, look: Callable[[UnitOfWork], Found]) -> Found:
    """What ``look`` sees once ``expire_overdue`` was here; in one unit of work where nothing is overdue."""
    with store.reading() as work:
        if not _any_overdue(work):
            return look(work)
    _expire(store)
    with store.reading() as work:
        return look(work)


def _any_overdue(work: UnitOfWork) -> bool:
    hours = fleet_policy(work).plan_valid_hours
    return hours is not None and bool(work.plans.overdue(hours))


def _expire(store: Store) -> list[int]:
    with store.writing() as work:
        hours = fleet_policy(work).plan_valid_hours
        expired: list[int] = []
        if hours is None:
            return expired
        for version in work.plans.overdue(hours):
            found = work.plans.lock(version)
            if found is not None and found.state in WAITING:
                work.plans.set_state(version, PlanState.EXPIRED)
                work.audit.add(
                    actor=BY_ITSELF, action="plan.expired", subject=str(version), plan_valid_hours=hours
                )
                expired.append(version)
        return expired


def approve(
    store: Store,
    version: int,
    *,
    actor: str,
    plan_id: str | None = None,
    reason: str | None = None,
    by_policy: bool = False,
    given: Precondition = NO_PRECONDITION,
) -> PlanSummary:
    """
    certified -> approved, for the content that ``plan_id`` names; again by the same actor is harmless.

    A person's approval always names a ``plan_id``. ``by_policy``: the fleet's own policy approves, within
    its bounds (``may_activate_by_itself``); four eyes are for people.

    Raises ``PlanNotFound``, ``PreconditionFailed`` where its ``standing`` is another than ``given`` demands,
    ``PlanIdMismatch``, ``PlanNotCertified``, ``PlanRejected``, ``PlanExpired``, ``PlanNotApprovable`` once it
    is active or superseded, ``PlanAlreadyApproved`` by another, ``PlanModified``, ``PlanStale``,
    ``FourEyesRequired``.
    """
    expire_overdue(store)
    with store.writing() as work:
        found = locked(work, version)
        given.check(f"plan version {version}", standing(found))
        if plan_id is not None and found.plan_id != plan_id:
            raise PlanIdMismatch(version, plan_id, found.plan_id)
        _approve(work, found, actor=actor, reason=reason, by_policy=by_policy)
        return locked(work, version)


def _approve(
    work: UnitOfWork, found: PlanSummary, *, actor: str, reason: str | None, by_policy: bool
) -> None:
    _refuse_ended(work, found)
    if found.state is PlanState.DRAFT:
        raise PlanNotCertified(found.version)
    if found.state not in WAITING:
        raise PlanNotApprovable(found.version, found.state)
    if found.state is PlanState.APPROVED:
        before = _decision(work, found.version, APPROVED)
        if before is not None and before.actor != actor:
            raise PlanAlreadyApproved(found.version, before.actor, before.at)
        return
    _require_sound(work, found)
    if fleet_policy(work).four_eyes and not by_policy and actor == (author := _author(work, found)):
        raise FourEyesRequired(found.version, author)
    work.decisions.add(found.version, found.plan_id, APPROVED, actor=actor, reason=reason)
    work.plans.set_state(found.version, PlanState.APPROVED)
    work.audit.add(
        actor=actor,
        action="plan.approved",
        subject=str(found.version),
        reason=reason,
        plan_id=found.plan_id,
    )


def reject(
    store: Store,
    version: int,
    *,
    plan_id: str,
    actor: str,
    reason: str,
    given: Precondition = NO_PRECONDITION,
) -> PlanSummary:
    """
    draft, certified or approved -> rejected, for good; again by the same actor is harmless.

    Raises ``PlanNotFound``, ``PreconditionFailed``, ``PlanIdMismatch``, ``PlanRejected`` by another,
    ``PlanExpired``, ``PlanNotRejectable``.
    """
    expire_overdue(store)
    with store.writing() as work:
        found = locked(work, version)
        given.check(f"plan version {version}", standing(found))
        if found.plan_id != plan_id:
            raise PlanIdMismatch(version, plan_id, found.plan_id)
        before = _decision(work, version, REJECTED)
        if before is not None and before.actor == actor:
            return found
        _refuse_ended(work, found)
        if found.state not in (PlanState.DRAFT, *WAITING):
            raise PlanNotRejectable(version, found.state)
        work.decisions.add(version, plan_id, REJECTED, actor=actor, reason=reason)
        work.plans.set_state(version, PlanState.REJECTED)
        work.audit.add(
            actor=actor, action="plan.rejected", subject=str(version), reason=reason, plan_id=plan_id
        )
        return locked(work, version)


def activate(store: Store, version: int, *, actor: str, reason: str | None = None) -> Activation:
    """
    approved -> active, and the plan active before -> superseded, in one transaction.

    Raises ``FleetAdvisory``, ``PlanNotFound``, and what ``activate_in`` raises; for a superseded plan
    see ``planner.service.activation``.
    """
    expire_overdue(store)
    with store.writing() as work:
        require_live(work)
        return activate_in(work, locked(work, version), actor=actor, reason=reason)


def require_live(work: UnitOfWork) -> None:
    """Hold the fleet until the end of the unit of work. Raises ``FleetAdvisory``."""
    work.fleets.lock(work.fleet)
    if fleet_policy(work).mode is FleetMode.ADVISORY:
        raise FleetAdvisory(work.fleet)


def activate_in(work: UnitOfWork, found: PlanSummary, *, actor: str, reason: str | None = None) -> Activation:
    """
    approved -> active, and the plan active before -> superseded; ``require_live`` goes before.

    Raises ``PlanNotCertified``, ``PlanNotApproved``, ``PlanAlreadyActive``, ``PlanRejected``,
    ``PlanExpired``, ``PlanNotApprovable`` (superseded and imported ones), ``PlanModified``, ``PlanStale``.
    """
    _refuse_ended(work, found)
    refused = {
        PlanState.DRAFT: PlanNotCertified,
        PlanState.CERTIFIED: PlanNotApproved,
        PlanState.ACTIVE: PlanAlreadyActive,
    }.get(found.state)
    if refused is not None:
        raise refused(found.version)
    if found.state is not PlanState.APPROVED:
        raise PlanNotApprovable(found.version, found.state)
    _require_sound(work, found)
    return switch(work, found, kind="activate", actor=actor, reason=reason)


def switch(
    work: UnitOfWork, found: PlanSummary, *, kind: str, actor: str, reason: str | None, **details: object
) -> Activation:
    """The switch itself, with its entry in the audit log; ``details`` go there too. Webhooks are told."""
    before = work.plans.current_activation()
    activation = work.plans.activate(found.version, kind=kind, actor=actor, reason=reason)
    told = {
        "plan_id": found.plan_id,
        "active_before": before.plan_version if before else None,
        **details,
    }
    work.audit.add(actor=actor, action=f"plan.{kind}", subject=str(found.version), reason=reason, **told)
    facts = {"plan_version": found.version, "actor": actor, "reason": reason, **told}
    tell(work, EVENT_BY_KIND[kind], facts)
    return activation


def standing(found: PlanSummary) -> tuple[object, ...]:
    """All of a plan version that ever changes, and what names it: preconditions compare this."""
    return (found.version, found.plan_id, found.state)


def locked(work: UnitOfWork, version: int) -> PlanSummary:
    """The plan, held until the end of the unit of work. Raises ``PlanNotFound``."""
    found = work.plans.lock(version)
    if found is None:
        raise PlanNotFound(version)
    return found


def require_unmodified(work: UnitOfWork, found: PlanSummary) -> None:
    """Raises ``PlanModified`` where the stored documents are not those that the plan's id was made of."""
    documents = work.plans.documents(found.version)
    if documents is None:
        raise PlanNotFound(found.version)
    now = digest_of(documents.plan, documents.summary.problem_digest, documents.certificate)
    if now != found.plan_id:
        raise PlanModified(found.version, found.plan_id, now)


def _refuse_ended(work: UnitOfWork, found: PlanSummary) -> None:
    if found.state is PlanState.REJECTED:
        decision = _decision(work, found.version, REJECTED)
        raise PlanRejected(found.version, *((decision.actor, decision.reason) if decision else ("-", None)))
    hours = fleet_policy(work).plan_valid_hours
    late = hours is not None and found.state in WAITING and found.version in work.plans.overdue(hours)
    if found.state is PlanState.EXPIRED or late:
        raise PlanExpired(found.version)


def _require_sound(work: UnitOfWork, found: PlanSummary) -> None:
    require_unmodified(work, found)
    approved = _decision(work, found.version, APPROVED)
    if approved is not None and approved.plan_id != found.plan_id:
        raise PlanModified(found.version, approved.plan_id, found.plan_id)
    newer = work.plans.newer_active_since(found.version)
    if newer is not None:
        raise PlanStale(found.version, newer)


def _decision(work: UnitOfWork, version: int, decision: str) -> PlanDecision | None:
    return next((one for one in work.decisions.of(version) if one.decision == decision), None)


def _author(work: UnitOfWork, found: PlanSummary) -> str:
    run = work.runs.get(found.run_id) if found.run_id else None
    return run.actor if run else BY_ITSELF
