"""Plans solved here and stored as certified ones, so that a test of what becomes of them need not plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from planner.store.records import NewPlan, RegisteredModel, RunRecord, RunState
from planner.store.store import Store
from tests.control_plane import START


def stored_plan(store: Store, document: dict[str, Any], *, actor: str = "tester", gpus_less: int = 0) -> int:
    """
    The version of a greedy plan of ``document``, certified, as a run that ``actor`` asked for makes it.

    ``gpus_less`` is taken from each sub-cluster: the plan breaks a rule then.
    """
    problem = parse_problem(document)
    plan = solve(problem, solver="greedy", time_limit_s=5.0).plan
    assert plan is not None
    fewer = (
        replace(cluster, gpus=tuple(n - gpus_less for n in cluster.gpus)) for cluster in plan.sub_clusters
    )
    return kept_plan(store, document, replace(plan, sub_clusters=tuple(fewer)), actor=actor)


def kept_plan(store: Store, document: dict[str, Any], plan: Plan, *, actor: str = "tester") -> int:
    """The version of a plan, certified, as a run that ``actor`` asked for makes it."""
    problem = parse_problem(document)
    shown = plan_to_json(plan)
    count = len(plan.sub_clusters)
    gpus = sum(cluster.gpus_max for cluster in plan.sub_clusters)
    with store.writing() as work:
        work.registry.put_models([RegisteredModel(m.id, m.slo_ms) for m in problem.models.values()])
        forecast_id = work.forecasts.add(_forecast(problem)).id
        work.plans.put_problem(problem.digest, document)
        run = f"run-{forecast_id}"
        options: dict[str, Any] = {"solver": "greedy", "use_observed": False}
        work.runs.add(
            RunRecord(run, RunState.QUEUED, forecast_id, problem.digest, options, None, actor, work.now)
        )
        evidence: dict[str, Any] = {"passed": True, "sub_clusters": []}
        new = NewPlan(run, forecast_id, problem.digest, shown, count, gpus, options, evidence, True, 0.004)
        return work.plans.add(new).version


def _forecast(problem: PlanningProblem) -> Forecast:
    hours = range(len(problem.epochs))
    rows = (ModelForecast(m.id, m.demand_rps, (1.0,) * len(hours)) for m in problem.models.values())
    epochs = tuple(ForecastEpoch(START + timedelta(hours=hour), 1.0) for hour in hours)
    return Forecast("as planned", epochs, tuple(rows))
