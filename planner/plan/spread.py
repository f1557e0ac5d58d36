r"""
Spread over zones: what is left when one zone is lost.

A model that asks for :math:`r \ge 2` zones (``zones_min``) is spread when in every epoch

- no zone carries more than :math:`1/r` of the traffic that is served, so at least r zones carry some;
- after the loss of any one zone z, its traffic goes to the sub-clusters left, each taking
  :math:`1/(1 - \varphi_z)` times its share (:math:`\varphi_z` is the part that z carried), and none of them
  is then asked for more GPUs than it has or for more requests than its dispatcher takes. All models that
  are spread move at once; the others lose what they had in z.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from planner.plan.plan import Plan, SubCluster
from planner.problem.capacity import need_gpus
from planner.problem.problem import ModelId, PlanningProblem

Floats = NDArray[np.float64]

SHARE_TOLERANCE = 1e-6
RELATIVE_TOLERANCE = 1e-6


def unspread(problem: PlanningProblem, plan: Plan) -> dict[ModelId, str]:
    """
    Models that ask to be spread and are not, each with the reason.

    Where a sub-cluster would be overloaded by several models that move, they are taken back one at a
    time, the largest first, until those left are carried. A plan of another horizon is read epoch by epoch
    up to its last, which stands for those after it.
    """
    asking = {name for name, model in problem.models.items() if model.rules.zones_min > 1}
    if not asking:
        return {}
    carried = _carried(problem, plan, asking)
    found: dict[ModelId, str] = {}
    for name in sorted(asking):
        reason = _concentrated(problem, name, carried.get(name, {}))
        if reason is not None:
            found[name] = reason
    moving = {name: carried[name] for name in sorted(asking) if name in carried and name not in found}
    zones = sorted({cluster.zone for cluster in plan.sub_clusters})
    for lost in zones:
        for cluster in plan.sub_clusters:
            while cluster.zone != lost:
                text = _overload(problem, cluster, lost, moving)
                here = [p.model for p in cluster.placements if p.model in moving and lost in moving[p.model]]
                if text is None or not here:
                    break
                heaviest = max(here, key=lambda name: (max(problem.models[name].demand_rps), name))
                found[heaviest] = text
                del moving[heaviest]
    return found


def lost_with(carried: dict[str, Floats], zone: str) -> Floats:
    r"""(E,) what each share grows by when the zone is lost, :math:`1 / (1 - \varphi_z)`; inf where all is."""
    served = np.sum(list(carried.values()), axis=0)
    left = served - carried.get(zone, np.zeros_like(served))
    grown = np.full_like(served, np.inf)
    np.divide(served, left, out=grown, where=left > SHARE_TOLERANCE)
    return np.asarray(np.where(served <= SHARE_TOLERANCE, 1.0, grown), dtype=np.float64)


def over_zone_limit(carried: dict[str, Floats], zones_min: int) -> str | None:
    r"""The zone that carries more than :math:`1/r` of what is served in some epoch, if any."""
    served = np.sum(list(carried.values()), axis=0)
    worst = max(sorted(carried), key=lambda z: float((carried[z] - served / zones_min).max()), default=None)
    if worst is None or (carried[worst] - served / zones_min).max() <= SHARE_TOLERANCE:
        return None
    return worst


def _carried(
    problem: PlanningProblem, plan: Plan, names: Iterable[ModelId]
) -> dict[ModelId, dict[str, Floats]]:
    """(E,) share of each model's traffic by zone."""
    wanted, found = set(names), dict[ModelId, dict[str, Floats]]()
    for cluster in plan.sub_clusters:
        for placement in cluster.placements:
            if placement.model in wanted:
                share = _stretched(problem, placement.share)
                zones = found.setdefault(placement.model, {})
                zones[cluster.zone] = zones.get(cluster.zone, np.zeros_like(share)) + share
    return found


def _stretched(problem: PlanningProblem, values: tuple[float, ...] | tuple[int, ...]) -> Floats:
    """One value for each epoch of the problem, the last standing for all after it."""
    return np.array([values[min(e, len(values) - 1)] for e in range(len(problem.epochs))], dtype=np.float64)


def _concentrated(problem: PlanningProblem, name: ModelId, carried: dict[str, Floats]) -> str | None:
    zones_min = problem.models[name].rules.zones_min
    worst = over_zone_limit(carried, zones_min)
    if worst is None:
        return None
    part = float((carried[worst] / np.maximum(1e-12, np.sum(list(carried.values()), axis=0))).max())
    return f"{name} has {part:.1%} of its traffic in {worst}, at most {1 / zones_min:.1%} may be in one zone"


def _overload(
    problem: PlanningProblem, cluster: SubCluster, lost: str, moving: dict[ModelId, dict[str, Floats]]
) -> str | None:
    """What the sub-cluster lacks when a zone is lost and the models that move have moved."""
    gpus = np.maximum(1, _stretched(problem, cluster.gpus))
    need, rate = np.zeros(len(gpus)), np.zeros(len(gpus))
    for placement in cluster.placements:
        model = problem.models.get(placement.model)
        if model is None or cluster.gpu_type not in model.profiles:
            continue
        grown = lost_with(moving[model.id], lost) if model.id in moving else 1.0
        own = np.array(model.demand_rps) * _stretched(problem, placement.share) * grown
        batch = max(1, min(placement.batch_size, model.profiles[cluster.gpu_type].batch_size_max))
        need += need_gpus(model, cluster.gpu_type, own, batch, gpus, problem.policy.delays)
        rate += own
    worst = int(np.argmax(need - gpus))
    if need[worst] > gpus[worst] * (1 + RELATIVE_TOLERANCE) + RELATIVE_TOLERANCE:
        has = f"{need[worst]:.4f} GPUs in epoch {worst}, it has {gpus[worst]:.0f}"
        return f"without {lost}, {cluster.id} needs {has}"
    limit = problem.policy.scheduler_rate_rps_max
    if limit is not None and rate.max() > limit * (1 + RELATIVE_TOLERANCE):
        return f"without {lost}, {cluster.id} takes {rate.max():.3f} requests/s, at most {limit:g} allowed"
    return None
