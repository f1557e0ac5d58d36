"""What the console shows, gathered from the service and free of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.console.kept import Kept
from api.console.rollout_view import RolloutView, rollout_view
from planner.demand.forecast import Forecast
from planner.demand.observed import ObservedLoad
from planner.plan.plan import Excuse, SubCluster, Unserved
from planner.problem.pipelines import Pipeline, Stage
from planner.problem.problem import PlanningProblem
from planner.service import demand, plans, runs, schedules
from planner.service import observed as observed_load
from planner.service.errors import ScheduleNotFound
from planner.service.fleets import fleet
from planner.service.plans import PlanHistory, StoredPlan
from planner.service.sub_clusters import SubClusterUse, sub_cluster_use
from planner.store.records import DEFAULT_FLEET, Fleet, PlanState, PlanSummary, RunRecord
from planner.store.schedules import Schedule, Slot
from planner.store.store import Store

PLANS_SHOWN = 12
RUNS_SHOWN = 8
SLOTS_SHOWN = 6
MODELS_IN_CHART = 24


@dataclass(frozen=True, slots=True)
class SubClusterCard:
    """One sub-cluster: what one GPU of it holds, and how busy its GPUs are by epoch."""

    use: SubClusterUse
    bad_rate: float | None

    @property
    def sub_cluster(self) -> SubCluster:
        return self.use.sub_cluster

    @property
    def memory_share(self) -> float:
        return (self.use.weights_gib + self.use.workspace_gib) / self.use.usable_gib

    @property
    def weights_share(self) -> float:
        return self.use.weights_gib / self.use.usable_gib

    @property
    def peak_epoch(self) -> int:
        return max(range(len(self.use.load_share)), key=self.use.load_share.__getitem__)

    @property
    def gpus_text(self) -> str:
        low, high = min(self.sub_cluster.gpus), max(self.sub_cluster.gpus)
        return f"{high}" if low == high else f"{low}–{high}"


@dataclass(frozen=True, slots=True)
class UnservedRow:
    """Demand of one model that the plan leaves out, at its worst epoch."""

    model: str
    share_max: float
    rate_rps_max: float


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """A pipeline of the plan's problem: each stage with the part of the SLO that it was given."""

    pipeline: Pipeline
    budgets_ms: tuple[float, ...]

    @property
    def stages(self) -> list[tuple[Stage, float]]:
        return list(zip(self.pipeline.stages, self.budgets_ms, strict=True))


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan that is looked at; ``bound_method`` names what proved its bound."""

    summary: PlanSummary
    cards: tuple[SubClusterCard, ...]
    excuses: tuple[Excuse, ...]
    unserved: tuple[UnservedRow, ...]
    epoch_labels: tuple[str, ...]
    model_count: int
    chart: dict[str, Any]
    has_observed: bool
    history: PlanHistory
    bound_method: str
    pipelines: tuple[PipelineRow, ...]


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """When the fleet is planned again by itself, and what became of the latest slots."""

    schedule: Schedule
    slots: tuple[Slot, ...]

    def local(self, instant: datetime) -> str:
        """As the clocks of the schedule's time zone show it."""
        return f"{instant.astimezone(ZoneInfo(self.schedule.time_zone)):%a %Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class ConsoleView:
    plans: tuple[PlanSummary, ...]
    runs: tuple[RunRecord, ...]
    schedule: ScheduleView | None
    active: PlanSummary | None
    shown: PlanView | None
    rollout: RolloutView | None
    fleet: Fleet

    @property
    def way_to(self) -> int | None:
        """The plan that the fleet is on its way to, or holds."""
        return None if self.rollout is None else self.rollout.account.progress.plan_version

    @property
    def query(self) -> str:
        """What every link carries on, so that a page of one fleet leads to pages of the same."""
        return "" if self.fleet.id == DEFAULT_FLEET else f"&fleet={self.fleet.id}"

    @property
    def is_planning(self) -> bool:
        return any(not run.state.is_final for run in self.runs)


def console_view(store: Store, kept: Kept, version: int | None = None) -> ConsoleView:
    """
    Everything on the page: ``version``, or else the active plan, or else the newest.

    Raises ``PlanNotFound`` for a version that does not exist.
    """
    listed = plans.plans(store, limit=PLANS_SHOWN)
    active = next((plan for plan in listed if plan.state is PlanState.ACTIVE), None) or _active(store)
    chosen = version if version is not None else next((p.version for p in (active, *listed) if p), None)
    shown = _plan_view(store, kept, plans.plan(store, chosen)) if chosen is not None else None
    return ConsoleView(
        plans=tuple(listed),
        runs=tuple(runs.runs(store, limit=RUNS_SHOWN)),
        schedule=_schedule(store),
        active=active,
        shown=shown,
        rollout=rollout_view(store),
        fleet=fleet(store, store.fleet),
    )


def _active(store: Store) -> PlanSummary | None:
    current = next((a for a in plans.activations(store, limit=1) if a.deactivated_at is None), None)
    return plans.summary(store, current.plan_version) if current else None


def _schedule(store: Store) -> ScheduleView | None:
    try:
        found = schedules.schedule(store)
    except ScheduleNotFound:
        return None
    return ScheduleView(found, tuple(schedules.slots(store, limit=SLOTS_SHOWN)))


def _plan_view(store: Store, kept: Kept, stored: StoredPlan) -> PlanView:
    forecast_id = stored.summary.forecast_id
    _, forecast = demand.forecast(store, forecast_id)
    observed = kept.get(
        ("load by epoch", store.fleet, forecast_id), lambda: observed_load.observed_by_epoch(store, forecast)
    )
    problem = stored.problem
    bad_rates = _bad_rates(stored.certificate)
    return PlanView(
        summary=stored.summary,
        cards=tuple(
            SubClusterCard(sub_cluster_use(problem, sub_cluster), bad_rates.get(sub_cluster.id))
            for sub_cluster in stored.plan.sub_clusters
        ),
        excuses=stored.plan.excuses,
        unserved=tuple(_unserved_row(problem, unserved) for unserved in stored.plan.unserved),
        epoch_labels=_labels(problem),
        model_count=len(problem.models),
        chart=_chart(problem, forecast, observed),
        has_observed=bool(observed),
        history=plans.history(store, stored.summary.version),
        bound_method=stored.plan.bound_method,
        pipelines=tuple(
            PipelineRow(each, tuple(problem.models[stage.model].slo_ms for stage in each.stages))
            for each in problem.pipelines
        ),
    )


def _bad_rates(certificate: Mapping[str, Any] | None) -> dict[str, float]:
    """The simulated bad rate of each sub-cluster, where the certificate states one."""
    rows = (certificate or {}).get("sub_clusters", [])
    return {row["id"]: row["bad_rate"] for row in rows if row.get("bad_rate") is not None}


def _unserved_row(problem: PlanningProblem, unserved: Unserved) -> UnservedRow:
    rates = problem.models[unserved.model].demand_rps
    left_rps = [share * rate for share, rate in zip(unserved.share, rates, strict=True)]
    return UnservedRow(unserved.model, max(unserved.share), max(left_rps))


def _labels(problem: PlanningProblem) -> tuple[str, ...]:
    """The time of the day of each epoch; the text itself where it is no instant."""
    labels = []
    for epoch in problem.epochs:
        try:
            labels.append(f"{datetime.fromisoformat(epoch.start):%H:%M}")
        except ValueError:
            labels.append(epoch.start)
    return tuple(labels)


def _chart(
    problem: PlanningProblem, forecast: Forecast, observed: Mapping[int, ObservedLoad]
) -> dict[str, Any]:
    """Requests per second by epoch: forecast, planned for, observed; for groups and the largest models."""
    rows = {row.model: row.demand_rps for row in forecast.models}
    seen = sorted({model for load in observed.values() for model in load.models if model in rows})
    largest = sorted(rows, key=lambda model: (model not in seen, -sum(rows[model])))[:MODELS_IN_CHART]
    groups = [("All models", list(rows))]
    if seen and len(seen) < len(rows):
        groups.insert(0, (f"Observed models ({len(seen)} of {len(rows)})", seen))
    groups += [(model, [model]) for model in largest]
    return {
        "epochs": list(_labels(problem)),
        "series": [
            {
                "name": name,
                "forecast": _total([rows[model] for model in models]),
                "planned": _total([problem.models[m].demand_rps for m in models if m in problem.models]),
                "observed": [
                    _observed_rps(observed.get(epoch), models) for epoch in range(len(forecast.epochs))
                ],
            }
            for name, models in groups
        ],
    }


def _total(rows: Sequence[Sequence[float]]) -> list[float]:
    return [round(sum(values), 3) for values in zip(*rows, strict=True)]


def _observed_rps(load: ObservedLoad | None, models: Sequence[str]) -> float | None:
    found = [load.models[model].rate_rps for model in models if model in load.models] if load else []
    return round(sum(found), 3) if found else None
