"""Between plans and formulations: where an incumbent sits, a point to start from, what a point means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.formulation.formulation import Formulation
from planner.formulation.slots import Seat
from planner.plan.plan import Plan, SubCluster
from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster

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
    for cluster, seat in sorted(
        zip(plan.sub_clusters, seats(inst.tables, plan), strict=True), key=lambda pair: -max(pair[0].gpus)
    ):
        k = _slot_for(formulation, seat, max(cluster.gpus), free)
        if k is None:
            return None
        free.discard(k)
        point[v.opened[k]] = 1
        _place(formulation, point, cluster, k, row)
    for m in np.flatnonzero(inst.shared):
        point[v.unserved[m]] = np.clip(1 - point[v.share[m]].sum(axis=0), 0.0, 1.0)
    return point


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


def _place(formulation: Formulation, point: Floats, cluster: SubCluster, k: int, row: dict[str, int]) -> None:
    inst, v = formulation.instance, formulation.variables
    need = np.zeros(len(inst.hours_share))
    workspace = 0.0
    members = [(row[p.model], np.array(p.share)) for p in cluster.placements]
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
