"""
What a run does: solve, verify, certify, store the plan's version.

At the end of each stage, and for each better plan on the way, a checkpoint is written. A run taken up again
goes on from there: from its best plan, with the solver's time that is left; a solved one is only certified,
a certified one only stored.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from planner.certify import Certificate
from planner.certify.codec import certificate_to_json
from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.activation import RECERTIFY
from planner.service.advice import advised
from planner.service.planning import certified
from planner.service.recertification import go_back, recertified
from planner.service.run_failure import RunFailed
from planner.service.run_progress import ProgressLog
from planner.solvers import solve
from planner.store.errors import StoreUnavailable
from planner.store.records import Lease, NewPlan, PlanOrigin, PlanSummary, RunCheckpoint, RunRecord
from planner.store.store import Store, UnitOfWork
from profiles.faults import InputInvalid

VIOLATIONS_SHOWN = 20
RESUMED_TIME_SHARE_MIN = 0.1  # of the time limit, for a solve taken up whose time was all but over
STORE_AGAIN_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # waits while the database cannot be reached

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """The run was cancelled, or taken over: nothing that is done here counts."""


def execute(store: Store, lease: Lease) -> None:
    """
    Carry the leased run to its end, from its checkpoint if it has one.

    Plan, certificate and the run's success are stored in one transaction, and only if the lease
    still holds: a run cancelled or taken over by another server leaves nothing here.
    """
    with store.reading() as work:
        run = work.runs.get(lease.run_id)
        document = work.plans.problem(run.problem_digest) if run else None
        checkpoint = work.runs.events.checkpoint(lease.run_id)
    if run is None or document is None or run.lease_owner is None or run.lease != lease:
        return
    progress = ProgressLog(store, lease, checkpoint)
    try:
        problem = parse_problem(document)
        plan, certificate = _answer(store, problem, run, progress, checkpoint)
        note = advised(store, plan, problem)
        _succeed(store, run, lease, _new_plan(run, plan, certificate), progress, note)
    except LeaseLost:
        log.info("run %s is no longer this process's", run.id)
    except RunFailed as failure:
        _fail(store, lease, failure.error)
    except InputInvalid as error:
        faults = [{"field": f.field, "value": f.value, "limit": f.limit} for f in error.faults]
        _fail(store, lease, {"code": "input-invalid", "message": str(error), "faults": faults})


def _answer(
    store: Store,
    problem: PlanningProblem,
    run: RunRecord,
    progress: ProgressLog,
    checkpoint: RunCheckpoint | None,
) -> tuple[Plan, dict[str, Any]]:
    """The plan, certified, and its certificate's document."""
    if run.options.get("kind") == RECERTIFY:
        plan, certificate = recertified(store, problem, run, progress)
        if progress.lost:
            raise LeaseLost
        return plan, certificate_to_json(certificate)
    earlier = _earlier(problem, checkpoint)
    if earlier is not None and checkpoint is not None and checkpoint.certificate is not None:
        plan, document = earlier, checkpoint.certificate
    else:
        solved = earlier if checkpoint is not None and checkpoint.stage != "solving" else None
        plan, certificate = _planned(problem, run, progress, earlier, checkpoint, solved=solved)
        document = certificate_to_json(certificate)
        progress.keep("storing", plan, 0.0, document)
    progress.incumbent(plan)
    progress.stage("storing")
    if progress.lost:
        raise LeaseLost
    return plan, document


def _earlier(problem: PlanningProblem, checkpoint: RunCheckpoint | None) -> Plan | None:
    """The checkpoint's plan, if it keeps this problem's rules."""
    if checkpoint is None:
        return None
    plan = parse_plan(checkpoint.plan)
    return None if verify(problem, plan) else plan


def _planned(
    problem: PlanningProblem,
    run: RunRecord,
    progress: ProgressLog,
    earlier: Plan | None,
    checkpoint: RunCheckpoint | None,
    *,
    solved: Plan | None,
) -> tuple[Plan, Certificate]:
    spent_s = checkpoint.solved_s if checkpoint else 0.0

    def verified(asked: PlanningProblem, number: int) -> Plan | None:
        progress.solving(keeps=number == 0)
        began_s = time.monotonic()
        part = len(asked.models) / max(1, len(problem.models))
        plan = _solve(asked, run.options, number, part, progress, earlier, spent_s)
        if progress.lost:
            raise LeaseLost
        if plan is not None:
            progress.incumbent(plan)
            progress.stage("verifying")
            _require_valid(asked, plan)
            if number == 0:
                progress.keep("certifying", plan, time.monotonic() - began_s)
            progress.stage("certifying")
        return plan

    plan = solved if solved is not None else verified(problem, 0)
    if plan is None:
        limit_s = run.options["time_limit_s"]
        raise RunFailed("no-plan-in-time", f"the solver found no plan within {limit_s:g} s")
    if solved is not None:
        progress.incumbent(plan)
        progress.stage("certifying")
    plan, certificate = certified(problem, plan, verified, progress=progress.certified, stop=progress.is_lost)
    if progress.lost:
        raise LeaseLost
    _require_valid(problem, plan)
    return plan, certificate


def _solve(
    asked: PlanningProblem,
    options: dict[str, Any],
    number: int,
    part: float,
    progress: ProgressLog,
    earlier: Plan | None,
    spent_s: float,
) -> Plan | None:
    """
    One round's plan; later rounds have half the time, for they change little.

    ``part`` is how many of the models are asked for; fewer have less time, though not less than a tenth.
    A first round that was interrupted has the time that is left of it.
    """
    limit_s = options["time_limit_s"] * (1.0 if number == 0 else 0.5 * max(0.1, part))
    if number == 0:
        limit_s = max(limit_s - spent_s, limit_s * RESUMED_TIME_SHARE_MIN)
    return solve(
        asked,
        solver=options["solver"],
        time_limit_s=limit_s,
        seed=options["seed"],
        progress=progress.solver,
        stop=progress.is_lost,
        incumbent=earlier if number == 0 else None,
    ).plan


def _require_valid(problem: PlanningProblem, plan: Plan) -> None:
    violations = verify(problem, plan)
    if violations:
        shown = [str(violation) for violation in violations[:VIOLATIONS_SHOWN]]
        message = f"the plan breaks {len(violations)} rule(s), the first: {shown[0]}"
        raise RunFailed("verification-failed", message, violations=shown)


def _new_plan(run: RunRecord, plan: Plan, certificate: dict[str, Any]) -> NewPlan:
    again = run.options.get("kind") == RECERTIFY
    return NewPlan(
        run_id=run.id,
        forecast_id=run.forecast_id,
        problem_digest=run.problem_digest,
        document=plan_to_json(plan),
        sub_cluster_count=len(plan.sub_clusters),
        gpu_count=sum(cluster.gpus_max for cluster in plan.sub_clusters),
        options=run.options,
        certificate=certificate,
        certificate_passed=certificate["passed"],
        certificate_bad_rate=certificate["bad_rate"],
        origin=PlanOrigin.RECERTIFIED if again else PlanOrigin.RUN,
        recertifies=run.options["plan_version"] if again else None,
    )


def _succeed(
    store: Store,
    run: RunRecord,
    lease: Lease,
    new: NewPlan,
    progress: ProgressLog,
    note: Callable[[UnitOfWork, PlanSummary], None],
) -> None:
    def store_it() -> None:
        with store.writing() as work:
            if not work.runs.holds(lease):  # locked from here: a run cancelled later has ended before
                return
            plan = work.plans.add(new)
            work.runs.succeed(lease, plan.version, {**progress.latest, "stage": "done"})
            work.audit.add(
                actor=run.actor,
                action="plan.made",
                subject=str(plan.version),
                run=run.id,
                plan_id=plan.plan_id,
            )
            note(work, plan)
            if new.origin is PlanOrigin.RECERTIFIED:
                go_back(work, run, plan)

    _patiently(store_it)


def _fail(store: Store, lease: Lease, error: dict[str, Any]) -> None:
    def store_it() -> None:
        with store.writing() as work:
            work.runs.fail(lease, error)

    _patiently(store_it)


def _patiently(write: Any) -> None:
    """Hours of solving are not thrown away because the database restarts; writing twice changes nothing."""
    for wait_s in STORE_AGAIN_S:
        try:
            write()
        except StoreUnavailable:
            log.warning("the database cannot be reached; trying again in %g s", wait_s)
            time.sleep(wait_s)
        else:
            return
    write()
