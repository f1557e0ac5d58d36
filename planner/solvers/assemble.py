"""From drafts to a plan: GPUs counted exactly, ids kept from the active plan, claims worked out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from planner.plan.excuses import excuses
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster, Unserved
from planner.plan.relabel import continued, fresh_ids
from planner.plan.verify import cost_usd_per_hour, gap, objective_usd_per_hour
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import GpuReservation, PlanningProblem
from planner.problem.tables import CapacityTables
from planner.solvers.draft import SHARE_LEAST, DraftCluster, SizedCluster, size_cluster
from planner.solvers.reserves import with_reserves

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
    present = with_reserves(tables, [draft for draft in drafts if draft.shares])
    sized = [size_cluster(tables, draft) for draft in present]
    if any(one is None for one in sized):
        return None
    clusters = _named(tables.problem, [sub_cluster_of(tables, one) for one in sized if one is not None])
    return stated(tables, clusters, solver=solver, seed=seed)


def stated(tables: CapacityTables, clusters: tuple[SubCluster, ...], *, solver: str, seed: int) -> Plan:
    """The plan of these sub-clusters, its claims worked out for this problem, its bound the fluid one."""
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
    objective = objective_usd_per_hour(tables.problem, plan)
    plan = dataclasses.replace(
        plan,
        objective=objective,
        cost_usd_per_hour=cost_usd_per_hour(tables.problem, plan),
        physical_gap=gap(objective, plan.fluid_bound),
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


def sub_cluster_of(tables: CapacityTables, sized: SizedCluster) -> SubCluster:
    """The sub-cluster that a sized draft makes, not named yet."""
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
    kept = continued(problem, active, clusters)
    names = {i: active[a].id for i, a in kept.items()}
    fresh_names = fresh_ids(cluster.id for cluster in active)
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
