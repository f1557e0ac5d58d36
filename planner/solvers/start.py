"""Between plans and formulations: where an incumbent sits, a point to start from, what a point means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.formulation.formulation import Formulation
from planner.formulation.instance import Instance
from planner.formulation.slots import Seat
from planner.formulation.variables import ABSENT, Variables
from planner.plan.plan import Plan
from planner.plan.spread import unspread
from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster
from planner.solvers.reserves import with_reserves

Floats = NDArray[np.float64]

SHARE_NOISE = 1e-6
ROUNDING = 1e-7


def seats(tables: CapacityTables, plan: Plan) -> list[Seat]:
    """Pool and fewest GPUs of each sub-cluster, and the active one that it continues."""
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    active = tables.problem.active_plan
    known = {(s.id, s.gpu_type, s.zone) for s in active.sub_clusters} if active else set()
    return [
        Seat(pools[s.gpu_type, s.zone], min(s.gpus), s.id if (s.id, s.gpu_type, s.zone) in known else None)
        for s in plan.sub_clusters
    ]


def start_of(formulation: Formulation, plan: Plan) -> Floats | None:
    """The plan as a point of the formulation; None where its slots do not hold the plan."""
    inst, v = formulation.instance, formulation.variables
    point = np.zeros(formulation.arrays.column_count)
    row = {inst.tables.models[m].id: at for at, m in enumerate(inst.models)}
    free = set(range(len(inst.slots)))
    everywhere = seats(inst.tables, plan)
    index = inst.tables.model_index()
    drafts = [
        DraftCluster(seat.pool, {index[p.model]: np.array(p.share) for p in cluster.placements})
        for cluster, seat in zip(plan.sub_clusters, everywhere, strict=True)
    ]
    planned = with_reserves(inst.tables, drafts)
    order = sorted(range(len(planned)), key=lambda c: -max(plan.sub_clusters[c].gpus))
    for cluster, seat, draft in ((plan.sub_clusters[c], everywhere[c], planned[c]) for c in order):
        k = _slot_for(formulation, seat, max(cluster.gpus), free)
        if k is None:
            return None
        free.discard(k)
        point[v.opened[k]] = 1
        _place(formulation, point, draft, k, row)
    left = {row[u.model]: np.array(u.share) for u in plan.unserved if u.model in row}
    for m in map(int, np.flatnonzero(inst.shared)):
        whole = 1 - point[v.share[m]].sum(axis=0)
        point[v.unserved[m]] = np.clip(left.get(m, 0.0) if inst.rules.zones_min[m] > 1 else whole, 0.0, 1.0)
    _count_breaches(formulation, point, set(unspread(inst.tables.problem, plan)))
    return point


def _count_breaches(formulation: Formulation, point: Floats, loose: set[str]) -> None:
    """How far the point breaks rules, and its busiest slot; ``loose`` names models that are not spread."""
    inst, v, rules = formulation.instance, formulation.variables, formulation.instance.rules
    lent = point[v.gpus].max(axis=1)
    for p, column in enumerate(v.broken_inventory):
        if column == ABSENT:
            continue
        inside = [k for k, slot in enumerate(inst.slots) if slot.pool == p]
        there = inst.tables.pools[p].available - rules.overdrawn[p]
        used = point[v.gpus[inside]].sum(axis=0).max() if inside else 0.0
        point[column] = max(0.0, used - there)
    for m, column in enumerate(v.broken_spread):
        if column != ABSENT:
            point[column] = float(inst.tables.models[int(inst.models[m])].id in loose)
    for g, members in enumerate(rules.exclusions):
        for k, column in enumerate(v.broken_exclusions[g]):
            if column != ABSENT:
                point[column] = max(0.0, point[v.placed[members, k]].sum() - 1)
    for k, column in enumerate(v.broken_models_max):
        if column != ABSENT:
            point[column] = max(0.0, point[v.placed[:, k]].sum() - rules.models_max)
    if v.broken_churn != ABSENT:
        budget = inst.tables.problem.policy.churn_gib_max or 0.0
        point[v.broken_churn] = max(0.0, point[v.loaded].sum() - budget)
    if v.busiest != ABSENT:
        point[v.busiest] = max(
            (
                float(_need(inst, point, v, k).max()) / inst.slots[k].gpus_min
                for k in map(int, np.flatnonzero(lent > 0))
            ),
            default=0.0,
        )


def _need(inst: Instance, point: Floats, v: Variables, k: int) -> Floats:
    """(E,) GPUs that a slot's load asks for, as the ``throughput`` row counts it."""
    placed = point[v.placed[:, k]][:, None]
    share = np.where(inst.shared[:, None], point[v.share[:, k]], placed)
    return np.asarray((inst.need[:, k] * share + inst.excess[:, k] * (placed - share)).sum(axis=0))


def _slot_for(formulation: Formulation, seat: Seat, most: int, free: set[int]) -> int | None:
    fitting = [
        k
        for k in sorted(free)
        for slot in [formulation.instance.slots[k]]
        if slot.pool == seat.pool and slot.gpus_min <= seat.gpus_min and most <= slot.gpus_max
    ]

    def rank(k: int) -> tuple[bool, int, int]:
        slot = formulation.instance.slots[k]
        return (slot.active_id != seat.active_id, -slot.gpus_min, k)

    return min(fitting, key=rank, default=None)


def _place(formulation: Formulation, point: Floats, draft: DraftCluster, k: int, row: dict[str, int]) -> None:
    inst, v = formulation.instance, formulation.variables
    need = np.zeros(len(inst.hours_share))
    workspace = 0.0
    members = [(row[inst.tables.models[m].id], draft.planned(m)) for m in draft.shares]
    for m, share in members:
        point[v.placed[m, k]] = 1
        workspace = max(workspace, float(inst.workspace_gib[m, k]))
        if inst.shared[m]:
            point[v.share[m, k]] = share
        need += inst.need[m, k] * share + inst.excess[m, k] * (1 - share)
    point[v.workspace[k]] = workspace
    gpus = np.maximum(inst.slots[k].gpus_min, np.ceil(need - ROUNDING))
    point[v.gpus[k]] = gpus.max() if inst.reserved else gpus
    if inst.tables.problem.active_plan is not None:
        for m, _ in members:
            loaded = inst.weights_gib[m, k] * (gpus.max() - inst.gpus_held[m, k])
            point[v.loaded[m, k]] = max(0.0, loaded)


def drafts_of(formulation: Formulation, solution: Floats) -> list[DraftCluster]:
    """The sub-clusters that a solution opens; shares are cleared of noise and sum to what it serves."""
    inst, v = formulation.instance, formulation.variables
    shares = np.where(solution[v.placed][:, :, None] > 0.5, 1.0, 0.0) * np.ones_like(inst.need)
    for m in np.flatnonzero(inst.shared):
        own = np.where(solution[v.placed[m]][:, None] > 0.5, np.clip(solution[v.share[m]], 0.0, 1.0), 0.0)
        own[own < SHARE_NOISE] = 0.0
        left = solution[v.unserved[m]]
        served = 1 - np.where(left < SHARE_NOISE, 0.0, np.clip(left, 0.0, 1.0))
        total = own.sum(axis=0)
        shares[m] = own * np.divide(served, total, out=np.zeros_like(total), where=total > 0)
    drafts = []
    for k, slot in enumerate(inst.slots):
        members = {
            int(inst.models[m]): shares[m, k] for m in range(len(inst.models)) if shares[m, k].max() > 0
        }
        if members:
            drafts.append(DraftCluster(slot.pool, members, slot.active_id))
    return drafts
