"""Look at plan versions, approve one, make it the active one, go back to an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.plan.codec import parse_plan
from planner.plan.difference import PlanDifference, difference
from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.errors import (
    NoActivePlan,
    PlanAlreadyActive,
    PlanNotApprovable,
    PlanNotApproved,
    PlanNotCertified,
    PlanNotFound,
)
from planner.store.records import Activation, PlanState, PlanSummary
from planner.store.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan version with the problem that it answers; ``certificate`` as ``planner.certify`` writes it."""

    summary: PlanSummary
    plan: Plan
    problem: PlanningProblem
    certificate: dict[str, Any] | None
    plan_document: dict[str, Any]
    problem_document: dict[str, Any]


def plans(store: Store, *, limit: int, before: int | None = None, **wanted: Any) -> list[PlanSummary]:
    """Newest first; ``wanted`` narrows them as ``PlanRepository.newest`` says."""
    with store.reading() as work:
        return work.plans.newest(limit=limit, before=before, **wanted)


def summary(store: Store, version: int) -> PlanSummary:
    with store.reading() as work:
        found = work.plans.summary(version)
    if found is None:
        raise PlanNotFound(version)
    return found


def plan(store: Store, version: int) -> StoredPlan:
    with store.reading() as work:
        found = work.plans.documents(version)
    if found is None:
        raise PlanNotFound(version)
    return StoredPlan(
        summary=found.summary,
        plan=parse_plan(found.plan),
        problem=parse_problem(found.problem),
        certificate=found.certificate,
        plan_document=found.plan,
        problem_document=found.problem,
    )


def approve(store: Store, version: int, *, actor: str) -> PlanSummary:
    """
    certified -> approved; approving twice is harmless.

    Raises ``PlanNotFound``, ``PlanNotCertified``, or ``PlanNotApprovable`` once it is active or superseded.
    """
    with store.writing() as work:
        found = _locked(work, version)
        if found.state is PlanState.DRAFT:
            raise PlanNotCertified(version)
        if found.state in (PlanState.ACTIVE, PlanState.SUPERSEDED):
            raise PlanNotApprovable(version, found.state)
        if found.state is PlanState.CERTIFIED:
            work.plans.set_state(version, PlanState.APPROVED)
            work.audit.add(actor=actor, action="plan.approved", subject=str(version))
        return _locked(work, version)


def activate(store: Store, version: int, *, actor: str) -> Activation:
    """
    Make ``version`` the active plan, in one transaction with superseding the one before.

    A superseded plan may be activated again: that is a roll back. Raises ``PlanNotFound``,
    ``PlanNotCertified``, ``PlanNotApproved``, ``PlanAlreadyActive``.
    """
    with store.writing() as work:
        found = _locked(work, version)
        if found.state is PlanState.DRAFT:
            raise PlanNotCertified(version)
        if found.state is PlanState.CERTIFIED:
            raise PlanNotApproved(version)
        if found.state is PlanState.ACTIVE:
            raise PlanAlreadyActive(version)
        kind = "roll_back" if found.state is PlanState.SUPERSEDED else "activate"
        activation = work.plans.activate(version, kind=kind, actor=actor)
        work.audit.add(actor=actor, action=f"plan.{kind}", subject=str(version))
        return activation


def activations(store: Store, *, limit: int, before: int | None = None, **wanted: Any) -> list[Activation]:
    """Newest first; ``wanted`` narrows them as ``PlanRepository.activations`` says."""
    with store.reading() as work:
        return work.plans.activations(limit=limit, before=before, **wanted)


def current_activation(store: Store) -> Activation:
    """Raises ``NoActivePlan`` before the first activation."""
    with store.reading() as work:
        found = work.plans.current_activation()
    if found is None:
        raise NoActivePlan
    return found


def plan_difference(
    store: Store, version: int, *, against: int | None = None
) -> tuple[int | None, PlanDifference]:
    """
    What moves from ``against`` to ``version``, why, and what it costs.

    Without ``against`` the plan is compared with the active one, or, being the active one itself, with the
    one active before it; where there is none, everything is new. Returns the version compared with.
    """
    after = plan(store, version)
    other = against if against is not None else _predecessor(store, version)
    if other is None:
        return None, difference(None, after.plan, after.problem)
    before = plan(store, other)
    return other, difference(before.plan, after.plan, after.problem, problem_before=before.problem)


def _predecessor(store: Store, version: int) -> int | None:
    with store.reading() as work:
        latest = work.plans.activations(limit=50)
    return next(
        (activation.plan_version for activation in latest if activation.plan_version != version), None
    )


def _locked(work: UnitOfWork, version: int) -> PlanSummary:
    found = work.plans.lock(version)
    if found is None:
        raise PlanNotFound(version)
    return found
