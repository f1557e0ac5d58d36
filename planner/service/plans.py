"""Look at plan versions, their evidence, what was decided of them, and which is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.plan.codec import parse_plan
from planner.plan.difference import PlanDifference, difference
from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.errors import NoActivePlan, PlanNotFound
from planner.service.plan_states import activate, approve, as_of_now, reject, standing
from planner.store.records import Activation, AuditEntry, PlanDecision, PlanDocuments, PlanSummary
from planner.store.store import Store

__all__ = [
    "PlanHistory",
    "StoredPlan",
    "activate",
    "activations",
    "approve",
    "current_activation",
    "documents",
    "history",
    "plan",
    "plan_difference",
    "plans",
    "predecessor",
    "reject",
    "standing",
    "summary",
]

HISTORY_ENTRIES_MAX = 100


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
    """Newest first; what is too old by now is expired. ``wanted`` is as in ``PlanRepository.newest``."""
    return as_of_now(store, lambda work: work.plans.newest(limit=limit, before=before, **wanted))


def summary(store: Store, version: int) -> PlanSummary:
    """Raises ``PlanNotFound``."""
    found = as_of_now(store, lambda work: work.plans.summary(version))
    if found is None:
        raise PlanNotFound(version)
    return found


def documents(store: Store, version: int) -> PlanDocuments:
    """The plan and all that it rests on, as stored. Raises ``PlanNotFound``."""
    found = as_of_now(store, lambda work: work.plans.documents(version))
    if found is None:
        raise PlanNotFound(version)
    return found


def plan(store: Store, version: int) -> StoredPlan:
    """The same, understood. Raises ``PlanNotFound``."""
    found = documents(store, version)
    return StoredPlan(
        summary=found.summary,
        plan=parse_plan(found.plan),
        problem=parse_problem(found.problem),
        certificate=found.certificate,
        plan_document=found.plan,
        problem_document=found.problem,
    )


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """What was decided of a plan, and every entry of the audit log about it, the oldest first."""

    decisions: list[PlanDecision]
    audit: list[AuditEntry]


def history(store: Store, version: int) -> PlanHistory:
    """Raises ``PlanNotFound``."""
    with store.reading() as work:
        if work.plans.summary(version) is None:
            raise PlanNotFound(version)
        entries = work.audit.entries(subject=str(version), limit=HISTORY_ENTRIES_MAX)
        about = [entry for entry in reversed(entries) if entry.action.startswith("plan.")]
        return PlanHistory(work.decisions.of(version), about)


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
    other = against if against is not None else predecessor(store, version)
    if other is None:
        return None, difference(None, after.plan, after.problem)
    before = plan(store, other)
    return other, difference(before.plan, after.plan, after.problem, problem_before=before.problem)


def predecessor(store: Store, version: int) -> int | None:
    """What a plan follows: the active one, or, being that itself, the one active before it."""
    with store.reading() as work:
        latest = work.plans.activations(limit=50)
    return next(
        (activation.plan_version for activation in latest if activation.plan_version != version), None
    )
