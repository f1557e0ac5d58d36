"""
Replay of a past day: what would have been, beside what was.

The day is planned as a run of its first instant would have planned it: all forecasts made before it resolved,
measured ones where nobody spoke, corrected by the load observed until then, with the headroom that past
errors and waves asked for (``planner.service.plan_demand``). Where no forecast covers the day, the newest one
that has the same time of another day stands in. The plan is then simulated at the load that was observed on
the day itself, and so is the plan that was active. What is registered today (GPU types, pools, models,
profiles) and the fleet's policy are taken for what was then. Hours without a load report are gaps: they are
left out, not taken for hours without load.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from planner.certify import certify
from planner.demand.forecast import DAY, Forecast, ForecastEpoch, ForecastSource, ModelForecast
from planner.demand.observed import ObservedLoad, observe_by_epoch
from planner.plan.codec import parse_plan
from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.service.observed import recent
from planner.service.plan_demand import DemandOptions, forecast_as_resolved, plan_demand
from planner.service.planning import certified
from planner.service.problem_document import Registry, planning_problem
from planner.service.realigned import realigned
from planner.service.replay_request import ReplayedDay, ReplayedPlan, ReplayRequest
from planner.solvers import solve
from planner.store.records import Activation, PlanDocuments
from planner.store.store import Store, UnitOfWork
from profiles.faults import InputInvalid

HOURS = 24
FORECASTS_LOOKED_AT = 200
ACTIVATIONS_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class _Known:
    """What the day is replayed from."""

    forecast_id: int | None
    forecast: Forecast
    demand: tuple[ModelForecast, ...]
    observed: Mapping[int, ObservedLoad]
    registry: Registry
    active: PlanDocuments | None


def replay_day(store: Store, request: ReplayRequest) -> ReplayedDay:
    """Replay ``request.day`` (UTC) of the store's fleet."""
    day = request.day
    with store.reading() as work:
        known = _known(work, day, request.demand_quantile)
    measured = _bad_rate(known.observed)
    found = ReplayedDay(day, len(known.observed), known.forecast_id, measured, None, None)
    if not known.observed:
        return dataclasses.replace(found, excuse="no load was observed on this day")
    if not known.demand:
        return dataclasses.replace(found, excuse="neither forecast nor load was known when this day began")
    try:
        asked = planning_problem(known.registry, known.forecast, known.demand, request.policy, None)
        happened = _as_observed(asked, known.observed)
    except InputInvalid as error:
        return dataclasses.replace(found, excuse=str(error))
    active = None
    if known.active is not None:
        before = parse_problem(known.active.problem)
        active = _judged(parse_plan(known.active.plan), before, happened, known.active.summary.version)

    def solved(problem: PlanningProblem, number: int) -> Plan | None:
        limit_s = request.time_limit_s * (1.0 if number == 0 else 0.5)
        return solve(problem, solver=request.solver, time_limit_s=limit_s, seed=request.seed).plan

    plan = solved(asked, 0)
    if plan is None:
        return dataclasses.replace(found, active=active, excuse="the solver found no plan in its time")
    plan, _ = certified(asked, plan, solved)
    return dataclasses.replace(found, active=active, replayed=_judged(plan, asked, happened, None))


def _known(work: UnitOfWork, day: date, quantile: float | None) -> _Known:
    start = datetime.combine(day, time(), UTC)
    forecast_id, forecast = _forecast_known(work, start)
    planned = plan_demand(work, forecast, DemandOptions(until=start, quantile=quantile))
    facts = work.registry
    return _Known(
        forecast_id=forecast_id,
        forecast=forecast,
        demand=planned.rows,
        observed=observe_by_epoch(recent(work, start, start + DAY), _hours(start)),
        registry=Registry(facts.gpu_types(), facts.pools(), facts.models(), facts.profiles()),
        active=_active_longest(work, start),
    )


def _hours(start: datetime) -> Forecast:
    epochs = tuple(ForecastEpoch(start + timedelta(hours=hour), 1.0) for hour in range(HOURS))
    return Forecast(f"{start:%Y-%m-%d}", epochs, ())


def _forecast_known(work: UnitOfWork, start: datetime) -> tuple[int | None, Forecast]:
    """What was known of the day when it began, by its hours, and the id of whose numbers most of it has."""
    resolved = forecast_as_resolved(work, start, HOURS, 1.0, known_at=start)
    if resolved.models:
        speakers = Counter(id_ for row in resolved.models for ids in row.spoken_by or () for id_ in ids[:1])
        return max(speakers, key=lambda id_: (speakers[id_], id_)), resolved
    for summary in work.forecasts.newest(limit=FORECASTS_LOOKED_AT):
        if summary.created_at < start and summary.source is not ForecastSource.RESOLVED:
            found = work.forecasts.get(summary.id)
            hours = [found.epoch_at(epoch.start) for epoch in _hours(start).epochs] if found else []
            if found is not None and any(epoch is not None for epoch in hours):
                return summary.id, _of_the_day(found, start)
    return None, _hours(start)


def _of_the_day(forecast: Forecast, start: datetime) -> Forecast:
    """The forecast by hours of the day; hours of which it says nothing take its last epoch before them."""
    frame = _hours(start)
    places: list[int] = []
    for epoch in frame.epochs:
        found = forecast.epoch_at(epoch.start)
        places.append(found if found is not None else (places[-1] if places else 0))

    def placed(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(values[place] for place in places)

    models = tuple(
        ModelForecast(
            row.model,
            placed(row.demand_rps),
            placed(row.arrival_cv),
            None if row.low_rps is None else placed(row.low_rps),
            None if row.high_rps is None else placed(row.high_rps),
        )
        for row in forecast.models
    )
    return dataclasses.replace(frame, models=models)


def _active_longest(work: UnitOfWork, start: datetime) -> PlanDocuments | None:
    """The plan that was active for most of the day."""
    end = start + DAY

    def overlap(activation: Activation) -> timedelta:
        until = min(end, activation.deactivated_at or end)
        return until - max(start, activation.activated_at)

    longest = max(work.plans.activations(limit=ACTIVATIONS_LOOKED_AT), key=overlap, default=None)
    if longest is None or overlap(longest) <= timedelta():
        return None
    return work.plans.documents(longest.plan_version)


def _as_observed(asked: PlanningProblem, observed: Mapping[int, ObservedLoad]) -> PlanningProblem:
    """The problem of the hours that were observed, at the rates that were observed; its digest is kept."""
    hours = sorted(observed)
    models = {}
    for name, model in asked.models.items():
        seen = [observed[hour].models.get(name) for hour in hours]
        arrivals = [
            (found.arrival_cv, found.arrived) for found in seen if found and found.arrival_cv is not None
        ]
        total = sum(arrived for _, arrived in arrivals)
        cv = sum(cv * arrived for cv, arrived in arrivals) / total if total else model.arrival_cv
        rates = tuple(found.rate_rps if found else 0.0 for found in seen)
        models[name] = dataclasses.replace(model, demand_rps=rates, arrival_cv=cv)
    return dataclasses.replace(
        asked, epochs=tuple(asked.epochs[hour] for hour in hours), models=models, active_plan=None
    )


def _judged(
    plan: Plan, before: PlanningProblem, happened: PlanningProblem, version: int | None
) -> ReplayedPlan:
    said = realigned(plan, before, happened)
    certificate = certify(happened, said)
    asked = sum(sum(model.demand_rps) for model in happened.models.values())
    left = sum(
        share * rate
        for unserved in said.unserved
        for share, rate in zip(unserved.share, happened.models[unserved.model].demand_rps, strict=True)
    )
    return ReplayedPlan(
        version=version,
        gpus=max(map(sum, zip(*(c.gpus for c in said.sub_clusters), strict=True)), default=0),
        cost_usd_per_hour=said.cost_usd_per_hour,
        bad_rate=certificate.bad_rate,
        passed=certificate.passed and not left,
        unserved_share=left / asked if asked else 0.0,
    )


def _bad_rate(observed: Mapping[int, ObservedLoad]) -> float | None:
    models = [found for load in observed.values() for found in load.models.values()]
    arrived = sum(found.arrived for found in models)
    bad = sum(found.late + found.dropped + found.rejected for found in models)
    return min(1.0, bad / arrived) if arrived else None
