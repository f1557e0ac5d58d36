"""What changes from one plan to another: where models move and why, GPUs, dollars, GiB to load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.plan.churn import churn_gib, loaded_gib
from planner.plan.plan import Plan, SubCluster
from planner.plan.relabel import relabelled
from planner.problem.capacity import need_gpus
from planner.problem.problem import Model, PlanningProblem

DEMAND_CHANGE_LEAST = 0.05  # of the peak; less is no reason to move
OPENED, CLOSED, RESIZED, KEPT = "opened", "closed", "resized", "kept"
REFILLED, REROUTED = "refilled", "rerouted"  # other models on the same GPUs; other shares or batches alone


@dataclass(frozen=True, slots=True)
class Move:
    """A model whose sub-clusters change: their ids before and after, and why."""

    model: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class SubClusterChange:
    """A sub-cluster before and after; GPUs are those of its largest epoch, 0 where it does not exist."""

    id: str
    gpu_type: str
    zone: str
    change: str
    gpus_before: int
    gpus_after: int
    loaded_gib: float


@dataclass(frozen=True, slots=True)
class GpuTypeChange:
    """GPUs of one type at the plan's largest epoch, and the change of its dollars per hour."""

    gpu_type: str
    gpus_before: int
    gpus_after: int
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class DemandChange:
    """A model whose peak demand differs between the two problems, in requests per second."""

    model: str
    peak_rps_before: float
    peak_rps_after: float


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """From one plan to another; dollars are after minus before."""

    cost_usd_per_hour: float
    churn_gib: float
    gpu_types: tuple[GpuTypeChange, ...]
    sub_clusters: tuple[SubClusterChange, ...]
    moves: tuple[Move, ...]
    demand: tuple[DemandChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be done to go from one to the other."""
        return not self.moves and all(change.change == KEPT for change in self.sub_clusters)


def difference(
    before: Plan | None,
    after: Plan,
    problem: PlanningProblem,
    *,
    problem_before: PlanningProblem | None = None,
) -> PlanDifference:
    """
    What changes from ``before`` (None: nothing is there yet) to ``after``.

    Sub-clusters of ``after`` go by the ids of those of ``before`` that they continue loading least.
    ``problem`` is the one that ``after`` answers. With the one that ``before`` answered, changes
    of demand are named and become reasons.
    """
    after = relabelled(problem, before, after)
    demand = tuple(_demand(problem_before, problem)) if problem_before else ()
    return PlanDifference(
        cost_usd_per_hour=after.cost_usd_per_hour - (before.cost_usd_per_hour if before else 0.0),
        churn_gib=churn_gib(problem, after, before) if before else _everything_gib(problem, after),
        gpu_types=tuple(_gpu_types(before, after, problem)),
        sub_clusters=tuple(_sub_clusters(before, after, problem)),
        moves=tuple(_moves(before, after, problem, {change.model: change for change in demand})),
        demand=demand,
    )


def difference_to_json(found: PlanDifference) -> dict[str, Any]:
    return {
        "cost_usd_per_hour": round(found.cost_usd_per_hour, 6),
        "churn_gib": round(found.churn_gib, 6),
        "gpu_types": [
            {
                "gpu_type": g.gpu_type,
                "gpus_before": g.gpus_before,
                "gpus_after": g.gpus_after,
                "usd_per_hour": round(g.usd_per_hour, 6),
            }
            for g in found.gpu_types
        ],
        "sub_clusters": [
            {
                "id": s.id,
                "gpu_type": s.gpu_type,
                "zone": s.zone,
                "change": s.change,
                "gpus_before": s.gpus_before,
                "gpus_after": s.gpus_after,
                "loaded_gib": round(s.loaded_gib, 6),
            }
            for s in found.sub_clusters
        ],
        "moves": [
            {"model": m.model, "before": list(m.before), "after": list(m.after), "reason": m.reason}
            for m in found.moves
        ],
        "demand": [
            {"model": d.model, "peak_rps_before": d.peak_rps_before, "peak_rps_after": d.peak_rps_after}
            for d in found.demand
        ],
    }


def _everything_gib(problem: PlanningProblem, plan: Plan) -> float:
    return sum(loaded_gib(problem, None, cluster) for cluster in plan.sub_clusters)


def _demand(before: PlanningProblem, after: PlanningProblem) -> Iterator[DemandChange]:
    for name in sorted(before.models.keys() & after.models.keys()):
        old, new = (max(problem.models[name].demand_rps) for problem in (before, after))
        if abs(new - old) > DEMAND_CHANGE_LEAST * max(old, new):
            yield DemandChange(name, old, new)


def _gpu_types(before: Plan | None, after: Plan, problem: PlanningProblem) -> Iterator[GpuTypeChange]:
    old, new = _gpus(before), _gpus(after)
    for name in sorted(old.keys() | new.keys()):
        kind = problem.gpu_types.get(name)
        price = kind.price_usd_per_hour if kind else 0.0
        yield GpuTypeChange(name, old[name], new[name], price * (_mean(after, name) - _mean(before, name)))


def _gpus(plan: Plan | None) -> Counter[str]:
    found: Counter[str] = Counter()
    clusters = plan.sub_clusters if plan else ()
    for name in {cluster.gpu_type for cluster in clusters}:
        columns = zip(*(c.gpus for c in clusters if c.gpu_type == name), strict=False)
        found[name] = max(sum(column) for column in columns)
    return found


def _mean(plan: Plan | None, gpu_type: str) -> float:
    """GPUs of a type, the mean over epochs taken as equally long."""
    clusters = plan.sub_clusters if plan else ()
    return float(sum(np.mean(c.gpus) for c in clusters if c.gpu_type == gpu_type))


def _sub_clusters(before: Plan | None, after: Plan, problem: PlanningProblem) -> Iterator[SubClusterChange]:
    old = {_key(cluster): cluster for cluster in (before.sub_clusters if before else ())}
    new = {_key(cluster): cluster for cluster in after.sub_clusters}
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        gpus_before, gpus_after = (was.gpus_max if was else 0), (now.gpus_max if now else 0)
        if was is None:
            change = OPENED
        elif now is None:
            change = CLOSED
        else:
            change = _change(was, now)
        loaded = loaded_gib(problem, was, now) if now else 0.0
        yield SubClusterChange(*key, change, gpus_before, gpus_after, loaded)


def _change(was: SubCluster, now: SubCluster) -> str:
    if was.gpus != now.gpus:
        return RESIZED
    old, new = ({p.model: p for p in cluster.placements} for cluster in (was, now))
    if old.keys() != new.keys():
        return REFILLED
    return KEPT if old == new else REROUTED


def _key(cluster: SubCluster) -> tuple[str, str, str]:
    return cluster.id, cluster.gpu_type, cluster.zone


def _moves(
    before: Plan | None, after: Plan, problem: PlanningProblem, demand: dict[str, DemandChange]
) -> Iterator[Move]:
    old, new = _homes(before), _homes(after)
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name, []), new.get(name, [])
        if {_key(c) for c in was} != {_key(c) for c in now}:
            reason = _reason(name, was, now, problem, demand.get(name))
            yield Move(name, tuple(c.id for c in was), tuple(c.id for c in now), reason)


def _homes(plan: Plan | None) -> dict[str, list[SubCluster]]:
    homes: dict[str, list[SubCluster]] = {}
    for cluster in plan.sub_clusters if plan else ():
        for placement in cluster.placements:
            homes.setdefault(placement.model, []).append(cluster)
    return homes


def _reason(
    name: str,
    was: list[SubCluster],
    now: list[SubCluster],
    problem: PlanningProblem,
    demand: DemandChange | None,
) -> str:
    model = problem.models.get(name)
    if model is None:
        return "no longer asked for"
    if not was:
        return "not served before"
    if not now:
        return "left unserved; see the plan's excuses"
    if demand is not None:
        return f"peak demand {demand.peak_rps_before:.4g} -> {demand.peak_rps_after:.4g} requests/s"
    if len(was) != len(now):
        return f"shared by {len(now)} sub-cluster(s) instead of {len(was)}"
    dearer, cheaper = _usd_per_hour(problem, model, was), _usd_per_hour(problem, model, now)
    types = tuple(", ".join(sorted({c.gpu_type for c in homes})) for homes in (was, now))
    if types[0] != types[1] and cheaper < dearer:
        return f"runs cheaper on {types[1]}: {dearer:.3g} -> {cheaper:.3g} USD/h for its peak"
    return "its own need is unchanged; it moves so that the whole packs better"


def _usd_per_hour(problem: PlanningProblem, model: Model, homes: list[SubCluster]) -> float:
    """What the model's peak load costs where it lives; inf where the problem does not know the place."""
    total = 0.0
    for cluster in homes:
        placement = next(p for p in cluster.placements if p.model == model.id)
        profile, kind = model.profiles.get(cluster.gpu_type), problem.gpu_types.get(cluster.gpu_type)
        if profile is None or kind is None or cluster.gpus_max < 1:
            return float("inf")
        rate = max(model.demand_rps) * max(placement.share)
        batch = min(placement.batch_size, profile.batch_size_max)
        delays = problem.policy.delays
        need = need_gpus(model, cluster.gpu_type, [rate], batch, cluster.gpus_max, delays)
        total += kind.price_usd_per_hour * float(need[0])
    return total
