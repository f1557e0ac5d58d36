"""Start, watch and cancel runs: one run makes one plan version of one forecast."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from planner.demand.forecast import Forecast
from planner.problem.canonical import problem_to_json
from planner.problem.problem import PlanningProblem
from planner.service.errors import ForecastNotFound, RunFinished, RunNotFound
from planner.service.plan_demand import (
    DemandOptions,
    PlanDemand,
    as_submitted,
    demand_quantile,
    plan_demand,
)
from planner.service.problem_document import Registry, planning_problem
from planner.service.steady import policy_of_a_replan
from planner.store.records import PlanDocuments, RunRecord, RunState
from planner.store.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class RunRequest:
    """
    What to plan and how.

    Parameters
    ----------
    solver
        ``auto``, ``highs``, ``cp-sat``, ``columns`` or ``greedy``.
    use_observed
        Whether the forecast is corrected by the load observed in [observed_since, observed_until), and
        models that it leaves out get a measured one.
    demand_quantile
        The quantile of demand that is planned for; None takes that of the fleet's policy. Without observed
        load it lies in the interval that was submitted.
    policy
        The problem's ``policy`` in its file format; what is missing takes the format's defaults, but a replan
        of a steady load that names no ``replan_worth_min`` gets one (``planner.service.steady``).
    """

    forecast_id: int
    solver: str = "auto"
    time_limit_s: float = 60.0
    seed: int = 0
    use_observed: bool = False
    observed_since: datetime | None = None
    observed_until: datetime | None = None
    demand_quantile: float | None = None
    policy: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run whose problem is complete, not in the queue yet; ``special`` goes into its options."""

    request: RunRequest
    problem: PlanningProblem
    planned: PlanDemand | None
    actor: str
    special: dict[str, Any]


def start_run(
    store: Store, request: RunRequest, *, actor: str, special: Mapping[str, Any] | None = None
) -> RunRecord:
    """
    Put a run into the queue, its problem complete.

    ``special`` are the options of a run of another kind (``kind`` names it); its problem departs from no
    active plan.

    Raises ``ForecastNotFound``, or ``InputInvalid`` when registry and forecast make no sound problem:
    what cannot be planned is refused now and not in an hour.
    """
    prepared = prepare_run(store, request, actor=actor, special=special)
    with store.writing() as work:
        return queue_run(work, prepared)


def prepare_run(
    store: Store, request: RunRequest, *, actor: str, special: Mapping[str, Any] | None = None
) -> PreparedRun:
    """What ``start_run`` does before it writes anything; raises what that raises."""
    with store.reading() as work:
        forecast = work.forecasts.get(request.forecast_id)
        if forecast is None:
            raise ForecastNotFound(request.forecast_id)
        registry = _registry(work)
        planned = _planned(work, forecast, request)
        active = None if special else _active(work)
        policy = policy_of_a_replan(work, request.policy, active, forecast, planned)
    demand = forecast.models if planned is None else planned.rows
    problem = planning_problem(registry, forecast, demand, policy, active.plan if active else None)
    return PreparedRun(request, problem, planned, actor, dict(special or {}))


def queue_run(work: UnitOfWork, prepared: PreparedRun) -> RunRecord:
    """Put it into the queue, in the caller's transaction."""
    request, problem, planned = prepared.request, prepared.problem, prepared.planned
    work.plans.put_problem(problem.digest, problem_to_json(problem))
    run = RunRecord(
        id=secrets.token_hex(8),
        state=RunState.QUEUED,
        forecast_id=request.forecast_id,
        problem_digest=problem.digest,
        options=_options(request) | prepared.special,
        demand=None if planned is None else planned.document(),
        actor=prepared.actor,
        created_at=work.now,
        progress={"stage": "queued"},
    )
    work.runs.add(run)
    work.audit.add(
        actor=prepared.actor,
        action="run.started",
        subject=run.id,
        forecast=request.forecast_id,
        **{name: value for name, value in prepared.special.items() if name in ("kind", "plan_version")},
    )
    return run


def run(store: Store, run_id: str) -> RunRecord:
    with store.reading() as work:
        found = work.runs.get(run_id)
    if found is None:
        raise RunNotFound(run_id)
    return found


def runs(store: Store, *, limit: int, before: str | None = None, **wanted: Any) -> list[RunRecord]:
    """Newest first; ``wanted`` narrows them as ``RunRepository.newest`` says."""
    with store.reading() as work:
        return work.runs.newest(limit=limit, before=before, **wanted)


def cancel_run(store: Store, run_id: str, *, actor: str) -> RunRecord:
    """
    End the run without a plan: at once, whoever works on it; its server then kills the solver.

    Asking twice is harmless. Raises ``RunNotFound``, ``RunFinished``.
    """
    with store.writing() as work:
        before = work.runs.get(run_id)
        if before is None:
            raise RunNotFound(run_id)
        after = work.runs.cancel(run_id)
        if after is None or after.state is not RunState.CANCELLED:
            raise RunFinished(run_id, before.state if after is None else after.state)
        if before.state is not RunState.CANCELLED:
            work.audit.add(actor=actor, action="run.cancelled", subject=run_id)
    return after


def _registry(work: UnitOfWork) -> Registry:
    facts = work.registry
    return Registry(facts.gpu_types(), facts.pools(), facts.models(), facts.profiles())


def _active(work: UnitOfWork) -> PlanDocuments | None:
    current = work.plans.current_activation()
    return work.plans.documents(current.plan_version) if current else None


def _planned(work: UnitOfWork, forecast: Forecast, request: RunRequest) -> PlanDemand | None:
    """None: the forecast as it stands, where neither load nor an interval says anything more."""
    asked = request.demand_quantile
    if request.use_observed:
        return plan_demand(
            work, forecast, DemandOptions(request.observed_since, request.observed_until, asked)
        )
    if asked is None and all(row.high_rps is None for row in forecast.models):
        return None
    return as_submitted(forecast, demand_quantile(work, asked))


def _options(request: RunRequest) -> dict[str, Any]:
    options = asdict(request)
    del options["forecast_id"]
    for name in ("observed_since", "observed_until"):
        instant = options[name]
        options[name] = instant.isoformat() if instant else None
    return options
