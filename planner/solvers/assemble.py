"""From drafts to a plan: GPUs counted exactly, ids kept from the active plan, claims worked out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from planner.plan.churn import loaded_gib
from planner.plan.excuses import excuses
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster, Unserved
from planner.plan.verify import cost_usd_per_hour, gap
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import GpuReservation, PlanningProblem
from planner.problem.tables import CapacityTables
from planner.solvers.draft import SHARE_LEAST, DraftCluster, SizedCluster, size_cluster

SHARE_DIGITS = 9
BOUND_TOLERANCE = 1e-6
PRICE_UNIT_USD = 1e-6
GAP_PROVEN = 1e-4  # a plan within this of its bound is called optimal


def assemble(
    tables: CapacityTables, drafts: Sequence[DraftCluster], *, solver: str, seed: int
) -> Plan | None:
    """
    The plan that the drafts make, its bound the fluid one; None where a sub-cluster cannot be sized.

    Inventory and churn are for ``verify`` to judge.
    """
    sized = [size_cluster(tables, draft) for draft in drafts if draft.shares]
    if any(one is None for one in sized):
        return None
    clusters = _named(tables.problem, [_sub_cluster(tables, one) for one in sized if one is not None])
    unserved = tuple(_unserved(tables, clusters))
    plan = Plan(
        status=PlanStatus.PARTIAL if unserved else PlanStatus.FEASIBLE,
        objective=0.0,
        bound=0.0,
        gap=0.0,
        fluid_bound=fluid_bound_usd_per_hour(tables.problem, {u.model: u.share for u in unserved}),
        physical_gap=0.0,
        cost_usd_per_hour=0.0,
        sub_clusters=clusters,
        unserved=unserved,
        excuses=(),
        solver=solver,
        seed=seed,
        problem_digest=tables.problem.digest,
    )
    cost = cost_usd_per_hour(tables.problem, plan)
    plan = dataclasses.replace(
        plan,
        objective=cost,
        cost_usd_per_hour=cost,
        physical_gap=gap(cost, plan.fluid_bound),
        excuses=excuses(tables.problem, clusters, unserved, plan),
    )
    return with_bound(tables.problem, plan, plan.fluid_bound)


def with_bound(problem: PlanningProblem, plan: Plan, bound: float, method: str = "fluid") -> Plan:
    """
    The plan under a bound proven for it: rounded up to what prices can sum to, at most its own cost.

    A plan can cost less than the best of a formulation, whose size classes round capacity down;
    its gap is 0 then.
    """
    proven = min(max(plan.fluid_bound, rounded_up(problem, bound)), plan.objective)
    distance = gap(plan.objective, proven)
    status = plan.status
    if status is not PlanStatus.PARTIAL:
        status = PlanStatus.OPTIMAL if distance <= GAP_PROVEN else PlanStatus.FEASIBLE
    by = method if proven > plan.fluid_bound else "fluid"
    return dataclasses.replace(plan, status=status, bound=proven, gap=distance, bound_method=by)


def rounded_up(problem: PlanningProblem, bound: float) -> float:
    """The least sum of whole GPUs' prices that a bound allows, where GPUs are reserved; else the bound."""
    prices = [round(g.price_usd_per_hour / PRICE_UNIT_USD) for g in problem.gpu_types.values()]
    whole = all(abs(g.price_usd_per_hour / PRICE_UNIT_USD % 1) < 1e-6 for g in problem.gpu_types.values())
    step = int(np.gcd.reduce(prices)) * PRICE_UNIT_USD if prices else 0.0
    if problem.policy.gpus is not GpuReservation.RESERVED or not whole or step <= 0 or not np.isfinite(bound):
        return bound
    return float(np.ceil(bound / step - BOUND_TOLERANCE) * step)


def _sub_cluster(tables: CapacityTables, sized: SizedCluster) -> SubCluster:
    pool = tables.pools[sized.draft.pool]
    placements = tuple(
        Placement(
            model=tables.models[m].id,
            share=tuple(round(float(share), SHARE_DIGITS) for share in sized.draft.shares[m]),
            batch_size=sized.batch_size[m],
        )
        for m in sorted(sized.draft.shares)
    )
    return SubCluster("", pool.gpu_type, pool.zone, tuple(int(n) for n in sized.gpus), placements)


def _named(problem: PlanningProblem, clusters: list[SubCluster]) -> tuple[SubCluster, ...]:
    """Ids: those of the active sub-clusters where continuing them loads least, new ones for the rest."""
    clusters = sorted(clusters, key=lambda c: (c.gpu_type, c.zone, c.placements[0].model, c.gpus))
    active = list(problem.active_plan.sub_clusters) if problem.active_plan else []
    names: dict[int, str] = {}
    if active and clusters:
        cost = np.zeros((len(clusters), len(active)))
        for (i, after), (a, before) in itertools.product(enumerate(clusters), enumerate(active)):
            same = (after.gpu_type, after.zone) == (before.gpu_type, before.zone)
            fresh = loaded_gib(problem, None, after)
            cost[i, a] = (loaded_gib(problem, before, after) - fresh) if same else 0.0
        for i, a in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, a] < 0:
                names[int(i)] = active[int(a)].id
    taken = {cluster.id for cluster in active}
    fresh_names = (name for n in itertools.count(1) if (name := f"sc-{n:02d}") not in taken)
    return tuple(
        dataclasses.replace(cluster, id=names.get(i) or next(fresh_names))
        for i, cluster in enumerate(clusters)
    )


def _unserved(tables: CapacityTables, clusters: Sequence[SubCluster]) -> Iterator[Unserved]:
    served = {model.id: np.zeros(len(tables.hours)) for model in tables.models}
    for cluster in clusters:
        for placement in cluster.placements:
            served[placement.model] += placement.share
    for name, shares in served.items():
        left = 1 - shares
        if left.max() > 10 * SHARE_LEAST:
            yield Unserved(name, tuple(round(float(min(1.0, max(0.0, part))), SHARE_DIGITS) for part in left))
