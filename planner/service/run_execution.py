"""What a run does: solve, verify, certify, store the plan's version; progress goes to the run's row."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from planner.certify import Certificate
from planner.certify.codec import certificate_to_json
from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan
from planner.plan.verify import gap, verify
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.activation import RECERTIFY
from planner.service.advice import advised
from planner.service.planning import certified
from planner.service.recertification import go_back, recertified
from planner.service.run_failure import RunFailed
from planner.solvers import solve
from planner.solvers.outcome import Progress
from planner.store.records import NewPlan, PlanOrigin, PlanSummary, RunRecord
from planner.store.store import Store, UnitOfWork
from profiles.faults import InputInvalid

PROGRESS_INTERVAL_S = 0.5
VIOLATIONS_SHOWN = 20


class ProgressLog:
    """
    Writes the latest progress to the run's row, not more often than every half second.

    A solver may call from its own thread; ``stage`` changes are written at once.
    """

    def __init__(self, store: Store, run_id: str, owner: str) -> None:
        self._store = store
        self._run_id = run_id
        self._owner = owner
        self._began_s = time.monotonic()
        self._written_s = 0.0
        self.latest: dict[str, Any] = {}

    def stage(self, name: str) -> None:
        self.latest = {**self.latest, "stage": name}
        self._write()

    def solver(self, progress: Progress) -> None:
        """The solver's callback."""
        incumbent, bound = progress.incumbent, progress.bound
        self.latest = {
            **self.latest,
            "solver": progress.solver,
            "incumbent": incumbent,
            "bound": bound,
            "gap": None if incumbent is None or bound is None else gap(incumbent, bound),
        }
        if time.monotonic() - self._written_s >= PROGRESS_INTERVAL_S:
            self._write()

    def incumbent(self, plan: Plan) -> None:
        """The plan found; written along with the next stage."""
        self.latest = {
            **self.latest,
            "solver": plan.solver,
            "incumbent": plan.objective,
            "bound": plan.bound,
            "gap": plan.gap,
        }

    def certified(self, done: int, of: int) -> None:
        """The certification's callback."""
        self.latest = {**self.latest, "sub_clusters_certified": done, "sub_clusters": of}
        if time.monotonic() - self._written_s >= PROGRESS_INTERVAL_S:
            self._write()

    def _write(self) -> None:
        self.latest["elapsed_s"] = round(time.monotonic() - self._began_s, 3)
        with self._store.writing() as work:
            work.runs.report(self._run_id, self._owner, self.latest)
        self._written_s = time.monotonic()


def execute(store: Store, run_id: str, *, owner: str) -> None:
    """
    Carry the run leased by ``owner`` to its end.

    Plan, certificate and the run's success are stored in one transaction, and only if the lease
    is still ``owner``'s: a run taken over by another server leaves nothing here.
    """
    with store.reading() as work:
        run = work.runs.get(run_id)
        document = work.plans.problem(run.problem_digest) if run else None
    if run is None or document is None or run.lease_owner != owner:
        return
    log = ProgressLog(store, run_id, owner)
    try:
        problem = parse_problem(document)
        plan, certificate = _answer(store, problem, run, log)
        note = advised(store, plan, problem)
        _succeed(store, run, owner, _new_plan(run, plan, certificate), log, note)
    except RunFailed as failure:
        _fail(store, run_id, owner, failure.error)
    except InputInvalid as error:
        faults = [{"field": f.field, "value": f.value, "limit": f.limit} for f in error.faults]
        _fail(store, run_id, owner, {"code": "input-invalid", "message": str(error), "faults": faults})


def _answer(
    store: Store, problem: PlanningProblem, run: RunRecord, log: ProgressLog
) -> tuple[Plan, Certificate]:
    if run.options.get("kind") == RECERTIFY:
        return recertified(store, problem, run, log)
    return _planned(problem, run, log)


def _planned(problem: PlanningProblem, run: RunRecord, log: ProgressLog) -> tuple[Plan, Certificate]:
    def verified(asked: PlanningProblem, number: int) -> Plan | None:
        log.stage("solving")
        plan = _solve(asked, run.options, number, len(asked.models) / max(1, len(problem.models)), log)
        if plan is not None:
            log.incumbent(plan)
            log.stage("verifying")
            _require_valid(asked, plan)
            log.stage("certifying")
        return plan

    plan = verified(problem, 0)
    if plan is None:
        limit_s = run.options["time_limit_s"]
        raise RunFailed("no-plan-in-time", f"the solver found no plan within {limit_s:g} s")
    plan, certificate = certified(problem, plan, verified, progress=log.certified)
    _require_valid(problem, plan)
    log.incumbent(plan)
    log.stage("storing")
    return plan, certificate


def _solve(
    asked: PlanningProblem, options: dict[str, Any], number: int, part: float, log: ProgressLog
) -> Plan | None:
    """
    One round's plan; later rounds have half the time, for they change little.

    ``part`` is how many of the models are asked for; fewer have less time, though not less than a tenth.
    """
    share = 1.0 if number == 0 else 0.5 * max(0.1, part)
    return solve(
        asked,
        solver=options["solver"],
        time_limit_s=options["time_limit_s"] * share,
        seed=options["seed"],
        progress=log.solver,
    ).plan


def _require_valid(problem: PlanningProblem, plan: Plan) -> None:
    violations = verify(problem, plan)
    if violations:
        shown = [str(violation) for violation in violations[:VIOLATIONS_SHOWN]]
        message = f"the plan breaks {len(violations)} rule(s), the first: {shown[0]}"
        raise RunFailed("verification-failed", message, violations=shown)


def _new_plan(run: RunRecord, plan: Plan, certificate: Certificate) -> NewPlan:
    document = certificate_to_json(certificate)
    again = run.options.get("kind") == RECERTIFY
    return NewPlan(
        run_id=run.id,
        forecast_id=run.forecast_id,
        problem_digest=run.problem_digest,
        document=plan_to_json(plan),
        sub_cluster_count=len(plan.sub_clusters),
        gpu_count=sum(cluster.gpus_max for cluster in plan.sub_clusters),
        options=run.options,
        certificate=document,
        certificate_passed=certificate.passed,
        certificate_bad_rate=certificate.bad_rate,
        origin=PlanOrigin.RECERTIFIED if again else PlanOrigin.RUN,
        recertifies=run.options["plan_version"] if again else None,
    )


def _succeed(
    store: Store,
    run: RunRecord,
    owner: str,
    new: NewPlan,
    log: ProgressLog,
    note: Callable[[UnitOfWork, PlanSummary], None],
) -> None:
    with store.writing() as work:
        current = work.runs.get(run.id)
        if current is None or current.lease_owner != owner or current.cancel_requested:
            return
        plan = work.plans.add(new)
        work.runs.succeed(run.id, owner, plan.version, {**log.latest, "stage": "done"})
        work.audit.add(
            actor=run.actor, action="plan.made", subject=str(plan.version), run=run.id, plan_id=plan.plan_id
        )
        note(work, plan)
        if new.origin is PlanOrigin.RECERTIFIED:
            go_back(work, run, plan)


def _fail(store: Store, run_id: str, owner: str, error: dict[str, Any]) -> None:
    with store.writing() as work:
        work.runs.fail(run_id, owner, error)
