"""
Advice: every plan that a run makes, beside what ran at that time.

What runs is the active plan; where none was ever activated (a fleet in advisory mode, run by other means),
the plan imported last. Nothing is touched: the difference is noted when the plan is made, and read by day.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from planner.plan.codec import parse_plan
from planner.plan.difference import difference
from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.store.records import Advice, PlanDocuments, PlanOrigin, PlanState, PlanSummary
from planner.store.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class AdviceOfDay:
    """One plan's advice, the day it was made on (UTC), and what the plan and the other are."""

    day: date
    advice: Advice
    plan_state: PlanState
    compared_with_origin: PlanOrigin | None


def running_plan(work: UnitOfWork) -> PlanSummary | None:
    """The active plan, else the one imported last."""
    current = work.plans.current_activation()
    return work.plans.summary(current.plan_version) if current else work.plans.newest_imported()


def advised(store: Store, plan: Plan, problem: PlanningProblem) -> Callable[[UnitOfWork, PlanSummary], None]:
    """
    What is to be noted of a plan that a run has made: call the answer where the plan is stored.

    The comparison is made here, before anything is locked; it may take a second for thousands of models.
    """
    with store.reading() as work:
        running = running_plan(work)
        documents = work.plans.documents(running.version) if running else None
    noted = _compared(plan, problem, running, documents)

    def note(work: UnitOfWork, made: PlanSummary) -> None:
        work.decisions.add_advice(
            dataclasses.replace(
                noted, plan_version=made.version, at=made.created_at, bad_rate=made.certificate_bad_rate
            )
        )

    return note


def advice(store: Store, *, limit: int, **wanted: Any) -> list[AdviceOfDay]:
    """The newest first; ``wanted`` narrows them as ``DecisionRepository.advice`` says."""
    with store.reading() as work:
        found = []
        for one in work.decisions.advice(limit=limit, **wanted):
            made = work.plans.summary(one.plan_version)
            other = work.plans.summary(one.compared_with) if one.compared_with else None
            if made is not None:
                found.append(AdviceOfDay(one.at.date(), one, made.state, other.origin if other else None))
        return found


def _compared(
    plan: Plan, problem: PlanningProblem, running: PlanSummary | None, documents: PlanDocuments | None
) -> Advice:
    before = parse_plan(documents.plan) if documents else None
    problem_before = parse_problem(documents.problem) if documents else None
    found = difference(before, plan, problem, problem_before=problem_before)
    return Advice(
        plan_version=0,
        at=datetime.min,  # noqa: DTZ901  (both are set where the plan is stored)
        compared_with=running.version if running else None,
        gpus=gpus_at_most(plan),
        gpus_running=gpus_at_most(before) if before else None,
        cost_usd_per_hour=plan.cost_usd_per_hour,
        cost_usd_per_hour_running=running.cost_usd_per_hour if running else None,
        churn_gib=found.churn_gib,
        bad_rate=None,
        unserved_models=len(plan.unserved),
    )


def gpus_at_most(plan: Plan) -> int:
    """GPUs of the whole plan in its largest epoch."""
    return max(map(sum, zip(*(cluster.gpus for cluster in plan.sub_clusters), strict=True)), default=0)
