"""Plans handed in: what a fleet runs by other means, to compare plans with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import Plan, SubCluster
from planner.plan.verify import verify
from planner.problem.canonical import problem_to_json
from planner.problem.problem import PlanningProblem
from planner.service.errors import ForecastNotFound
from planner.service.plan_errors import NoForecast
from planner.service.problem_document import Registry, planning_problem
from planner.service.realigned import as_answer
from planner.service.submission import Submission
from planner.store.records import NewPlan, PlanOrigin, PlanSummary
from planner.store.store import Store, UnitOfWork
from profiles.faults import Fault, InputInvalid

SUBJECT = "imported plan"
VIOLATIONS_KEPT = 100
CLAIMS = {  # what is worked out here, whatever the document says
    "status": "feasible",
    "objective": 0.0,
    "bound": 0.0,
    "gap": 0.0,
    "fluid_bound": 0.0,
    "physical_gap": 0.0,
    "cost_usd_per_hour": 0.0,
    "unserved": [],
    "excuses": [],
    "solver": "imported",
    "seed": 0,
    "problem_digest": "-",
}


@dataclass(frozen=True, slots=True)
class NewImport:
    """
    ``plan`` is a plan document, of which ``sub_clusters`` is enough.

    ``forecast_id`` None: the newest forecast. ``as_it_is``: rules that it breaks are noted, not refused.
    """

    plan: dict[str, Any]
    forecast_id: int | None = None
    as_it_is: bool = False
    note: str | None = None


def import_plan(
    store: Store, submission: Submission[NewImport], *, actor: str
) -> tuple[PlanSummary, list[str]]:
    """
    Keep the plan, with the violations that ``verify`` finds against registry and forecast.

    Raises ``InputInvalid`` for faults of the document, for names that are not registered, and, unless it
    is to be taken as it is, for every violation; ``ForecastNotFound``, ``NoForecast``.
    """
    (new,) = submission.accepted({})
    given = parse_plan(CLAIMS | new.plan)
    with store.reading() as work:
        forecast_id, problem = _problem(work, new.forecast_id)
    plan = _spread(problem, given)
    _require_known(problem, plan)
    said = as_answer(problem, plan)
    violations = verify(problem, said)
    if violations and not new.as_it_is:
        faults = [Fault(v.constraint, f"{v.amount:g}", v.message) for v in violations]
        raise InputInvalid(SUBJECT, faults)
    broken = [str(violation) for violation in violations[:VIOLATIONS_KEPT]]
    with store.writing() as work:
        work.plans.put_problem(problem.digest, problem_to_json(problem))
        made = work.plans.add(_new_plan(said, problem, forecast_id, {"note": new.note, "violations": broken}))
        work.audit.add(
            actor=actor,
            action="plan.imported",
            subject=str(made.version),
            reason=new.note,
            plan_id=made.plan_id,
            violations=len(violations),
        )
    return made, broken


def _problem(work: UnitOfWork, forecast_id: int | None) -> tuple[int, PlanningProblem]:
    if forecast_id is None:
        newest = work.forecasts.newest(limit=1)
        if not newest:
            raise NoForecast(work.fleet, "to judge an imported plan by")
        forecast_id = newest[0].id
    forecast = work.forecasts.get(forecast_id)
    if forecast is None:
        raise ForecastNotFound(forecast_id)
    facts = work.registry
    registry = Registry(facts.gpu_types(), facts.pools(), facts.models(), facts.profiles())
    return forecast_id, planning_problem(registry, forecast, forecast.models, {}, None)


def _spread(problem: PlanningProblem, plan: Plan) -> Plan:
    """Lists of one hold for every epoch."""
    count = len(problem.epochs)

    def over(cluster: SubCluster) -> SubCluster:
        placements = tuple(
            dataclasses.replace(p, share=p.share * count if len(p.share) == 1 else p.share)
            for p in cluster.placements
        )
        gpus = cluster.gpus * count if len(cluster.gpus) == 1 else cluster.gpus
        return dataclasses.replace(cluster, gpus=gpus, gpus_planned=None, placements=placements)

    return dataclasses.replace(plan, sub_clusters=tuple(over(cluster) for cluster in plan.sub_clusters))


def _require_known(problem: PlanningProblem, plan: Plan) -> None:
    """What cannot be judged at all; ``verify`` has the rest."""
    count = len(problem.epochs)
    pools = {(pool.gpu_type, pool.zone) for pool in problem.pools}
    faults = []
    for index, cluster in enumerate(plan.sub_clusters):
        path = f"plan.sub_clusters[{index}]"
        if (cluster.gpu_type, cluster.zone) not in pools:
            at = f"{cluster.gpu_type}/{cluster.zone}"
            faults.append(Fault(f"{path}.gpu_type", repr(at), "must be a registered pool"))
        if len(cluster.gpus) != count:
            faults.append(_length(f"{path}.gpus", len(cluster.gpus), count))
        for place, p in enumerate(cluster.placements):
            here = f"{path}.models[{place}]"
            model = problem.models.get(p.model)
            if model is None:
                faults.append(Fault(f"{here}.id", repr(p.model), "must be a model of the forecast"))
            elif cluster.gpu_type not in model.profiles:
                limit = f"must be a model with a profile on {cluster.gpu_type}"
                faults.append(Fault(f"{here}.id", repr(p.model), limit))
            if len(p.share) != count:
                faults.append(_length(f"{here}.share", len(p.share), count))
    if faults:
        raise InputInvalid(SUBJECT, faults)


def _length(field: str, found: int, count: int) -> Fault:
    return Fault(field, f"{found} values", f"must have one value, or one for each of {count} epochs")


def _new_plan(plan: Plan, problem: PlanningProblem, forecast_id: int, options: dict[str, Any]) -> NewPlan:
    return NewPlan(
        run_id=None,
        forecast_id=forecast_id,
        problem_digest=problem.digest,
        document=plan_to_json(plan),
        sub_cluster_count=len(plan.sub_clusters),
        gpu_count=sum(cluster.gpus_max for cluster in plan.sub_clusters),
        options=options,
        certificate=None,
        certificate_passed=False,
        certificate_bad_rate=None,
        origin=PlanOrigin.IMPORTED,
    )
