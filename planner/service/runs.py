"""Start, watch and cancel runs: one run makes one plan version of one forecast."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from planner.demand.forecast import Forecast
from planner.problem.canonical import problem_to_json
from planner.service.errors import ForecastNotFound, RunFinished, RunNotFound
from planner.service.plan_demand import DemandOptions, PlanDemand, as_submitted, plan_demand
from planner.service.problem_document import Registry, planning_problem
from planner.store.records import RunRecord, RunState
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
        The quantile of demand that is planned for; None takes the default with observed load, and without
        it the forecast's middle as it stands.
    policy
        The problem's ``policy`` in its file format; what is missing takes the format's defaults.
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
    with store.reading() as work:
        forecast = work.forecasts.get(request.forecast_id)
        if forecast is None:
            raise ForecastNotFound(request.forecast_id)
        registry = _registry(work)
        planned = _planned(work, forecast, request)
        active_plan = None if special else _active_plan(work)
    demand = forecast.models if planned is None else planned.rows
    problem = planning_problem(registry, forecast, demand, request.policy, active_plan)
    with store.writing() as work:
        work.plans.put_problem(problem.digest, problem_to_json(problem))
        run = RunRecord(
            id=secrets.token_hex(8),
            state=RunState.QUEUED,
            forecast_id=request.forecast_id,
            problem_digest=problem.digest,
            options=_options(request) | dict(special or {}),
            demand=None if planned is None else planned.document(),
            actor=actor,
            created_at=work.now,
            progress={"stage": "queued"},
        )
        work.runs.add(run)
        work.audit.add(
            actor=actor,
            action="run.started",
            subject=run.id,
            forecast=request.forecast_id,
            **{name: value for name, value in (special or {}).items() if name in ("kind", "plan_version")},
        )
    return run


def run(store: Store, run_id: str) -> RunRecord:
    with store.reading() as work:
        found = work.runs.get(run_id)
    if found is None:
        raise RunNotFound(run_id)
    return found


def runs(store: Store, *, limit: int) -> list[RunRecord]:
    with store.reading() as work:
        return work.runs.newest(limit=limit)


def cancel_run(store: Store, run_id: str, *, actor: str) -> RunRecord:
    """
    Ask that the run end without a plan; its server kills the solver within a second or two.

    Asking twice is harmless. Raises ``RunNotFound``, ``RunFinished``.
    """
    with store.writing() as work:
        before = work.runs.get(run_id)
        if before is None:
            raise RunNotFound(run_id)
        if before.state.is_final and before.state is not RunState.CANCELLED:
            raise RunFinished(run_id, before.state)
        after = work.runs.request_cancel(run_id)
        if not before.cancel_requested:
            work.audit.add(actor=actor, action="run.cancelled", subject=run_id)
    return after or before


def _registry(work: UnitOfWork) -> Registry:
    facts = work.registry
    return Registry(facts.gpu_types(), facts.pools(), facts.models(), facts.profiles())


def _active_plan(work: UnitOfWork) -> dict[str, Any] | None:
    current = work.plans.current_activation()
    documents = work.plans.documents(current.plan_version) if current else None
    return documents.plan if documents else None


def _planned(work: UnitOfWork, forecast: Forecast, request: RunRequest) -> PlanDemand | None:
    """None: the forecast as it stands."""
    if request.use_observed:
        options = DemandOptions(request.observed_since, request.observed_until, request.demand_quantile)
        return plan_demand(work, forecast, options)
    return None if request.demand_quantile is None else as_submitted(forecast, request.demand_quantile)


def _options(request: RunRequest) -> dict[str, Any]:
    options = asdict(request)
    del options["forecast_id"]
    for name in ("observed_since", "observed_until"):
        instant = options[name]
        options[name] = instant.isoformat() if instant else None
    return options
