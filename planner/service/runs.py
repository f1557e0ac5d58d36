"""Start, watch and cancel runs: one run makes one plan version of one forecast."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from planner.demand.corrected import CorrectedDemand, corrected_demand
from planner.demand.forecast import Forecast, ModelForecast
from planner.demand.observed import observe_by_epoch
from planner.problem.canonical import problem_to_json
from planner.service.errors import ForecastNotFound, RunFinished, RunNotFound
from planner.service.observed import recent
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
        Whether the forecast is corrected by the load observed in [observed_since, observed_until).
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
    policy: dict[str, Any] = field(default_factory=dict)


def start_run(store: Store, request: RunRequest, *, actor: str) -> RunRecord:
    """
    Put a run into the queue, its problem complete.

    Raises ``ForecastNotFound``, or ``InputInvalid`` when registry and forecast make no sound problem:
    what cannot be planned is refused now and not in an hour.
    """
    with store.reading() as work:
        forecast = work.forecasts.get(request.forecast_id)
        if forecast is None:
            raise ForecastNotFound(request.forecast_id)
        registry = _registry(work)
        corrected = _corrected(work, forecast, request) if request.use_observed else None
        active_plan = _active_plan(work)
    demand = forecast.models if corrected is None else _rows(corrected)
    problem = planning_problem(registry, forecast, demand, request.policy, active_plan)
    with store.writing() as work:
        work.plans.put_problem(problem.digest, problem_to_json(problem))
        run = RunRecord(
            id=secrets.token_hex(8),
            state=RunState.QUEUED,
            forecast_id=request.forecast_id,
            problem_digest=problem.digest,
            options=_options(request),
            demand=None if corrected is None else _demand_document(corrected),
            actor=actor,
            created_at=work.now,
            progress={"stage": "queued"},
        )
        work.runs.add(run)
        work.audit.add(actor=actor, action="run.started", subject=run.id, forecast=request.forecast_id)
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


def _corrected(work: UnitOfWork, forecast: Forecast, request: RunRequest) -> CorrectedDemand:
    frame = recent(work, request.observed_since, request.observed_until)
    return corrected_demand(forecast, observe_by_epoch(frame, forecast))


def _rows(corrected: CorrectedDemand) -> tuple[ModelForecast, ...]:
    return tuple(ModelForecast(m.forecast.model, m.demand_rps, m.arrival_cv) for m in corrected.models)


def _demand_document(corrected: CorrectedDemand) -> dict[str, Any]:
    """The forecast as submitted beside what is planned for, model by model."""
    return {
        "models": [
            {
                "model": m.forecast.model,
                "forecast_rps": list(m.forecast.demand_rps),
                "demand_rps": list(m.demand_rps),
                "arrived": m.arrived,
                "arrivals_expected": m.arrivals_expected,
                "ratio": m.ratio,
                "credibility": m.credibility,
                "factor": m.factor,
            }
            for m in corrected.models
        ],
        "models_unforecast": list(corrected.models_unforecast),
    }


def _options(request: RunRequest) -> dict[str, Any]:
    options = asdict(request)
    del options["forecast_id"]
    for name in ("observed_since", "observed_until"):
        instant = options[name]
        options[name] = instant.isoformat() if instant else None
    return options
