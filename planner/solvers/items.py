"""What the greedy packs: whole models, and equal parts of those too large for one sub-cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.packing import CLOSED, NOWHERE, WHOLE, Pack, State

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOTS_MAX = 1_024
PARTS_OF_ONE_MODEL_MAX = 64
HOT_FILL = 0.25  # a model that needs more of the largest sub-cluster than this is packed in parts
PART_FILL = 0.0625  # what one of these parts needs of it; parts in one sub-cluster batch together


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """``model`` and ``share`` of each item, both (I,); a whole model has share 1."""

    model: Integers
    share: Floats

    def __len__(self) -> int:
        return len(self.model)


def hot_parts(tables: CapacityTables) -> dict[int, int]:
    """Models too large to be packed whole, with the number of equal parts that they are packed in."""
    limit = tables.problem.policy.scheduler_rate_rps_max or np.inf
    most = np.zeros(len(tables.gpu_types), dtype=np.int64)
    for p, g in enumerate(tables.pool_types):
        most[g] = max(most[g], tables.pool_limit(p))
    stocked = np.flatnonzero(most)
    peak = tables.need[:, stocked, most[stocked] - 1].max(axis=2, initial=0.0)
    fill = (peak / most[stocked]).min(axis=1, initial=np.inf)
    largest = np.maximum(fill, tables.rate_rps.max(axis=1, initial=0.0) / limit)
    hot = np.flatnonzero(np.isfinite(fill) & (largest > HOT_FILL))
    counts = np.clip(np.ceil(largest[hot] / PART_FILL), 2, PARTS_OF_ONE_MODEL_MAX)
    return {int(m): int(count) for m, count in zip(hot, counts, strict=True)}


def items_of(tables: CapacityTables, parts: dict[int, int]) -> Items:
    """Every model that some type can serve, hot ones in parts."""
    served = np.flatnonzero(tables.servable).astype(np.int64)
    counts = np.array([parts.get(int(m), 1) for m in served], dtype=np.int64)
    return Items(np.repeat(served, counts), np.repeat(1 / np.maximum(1, counts), counts))


def pack_of(tables: CapacityTables, items: Items, *, churn_price: float = 0.0) -> Pack:
    """The arrays of the compiled moves for these items."""
    problem = tables.problem
    anchor, held = _anchors(tables, items)
    spare = min(len(items), SLOTS_MAX)
    row, hot, need_parts = _parts(tables, items)
    return Pack(
        need=tables.need,
        need_parts=need_parts,
        row=row,
        hot=hot,
        weights=tables.weights_gib[items.model],
        workspace=tables.workspace_gib[items.model],
        rate=tables.rate_rps[items.model] * items.share[:, None],
        usable=tables.usable_gib,
        pool_type=tables.pool_types,
        pool_limit=np.array([tables.pool_limit(p) for p in range(len(tables.pools))], dtype=np.int64),
        available=np.array([pool.available for pool in tables.pools], dtype=np.int64),
        price=tables.price_usd_per_hour[tables.pool_types] if tables.pools else np.zeros(0),
        hours=tables.hours / tables.hours.sum(),
        rate_max=float(problem.policy.scheduler_rate_rps_max or np.inf),
        reserved=tables.reserved,
        anchor=np.concatenate([anchor, np.full(spare, CLOSED)]).astype(np.int64),
        held=held,
        churn_price=churn_price,
    )


def _parts(tables: CapacityTables, items: Items) -> tuple[Integers, Integers, Floats]:
    """For each item its first row of need and its hot model; the rows of 1, 2, ... parts together."""
    row, hot = items.model.copy(), np.full(len(items), WHOLE, dtype=np.int64)
    models, counts = np.unique(items.model[items.share < 1], return_counts=True)
    rows = np.full((int(counts.sum()), *tables.need.shape[1:]), np.inf)
    first = 0
    for h, (m, count) in enumerate(zip(models, counts, strict=True)):
        mine = items.model == m
        row[mine], hot[mine] = first, h
        for g in np.flatnonzero(tables.batch_size[m].any(axis=1)):
            for together in range(1, count + 1):
                part = tables.rate_rps[m] * (together / count)
                rows[first + together - 1, g] = tables.need_at(int(m), int(g), part)
        first += count
    return row, hot, rows


def active_clusters(tables: CapacityTables) -> list[tuple[str, int]]:
    """Id and pool of each active sub-cluster whose pool still exists, in the order of slots."""
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    active = tables.problem.active_plan
    clusters = active.sub_clusters if active else ()
    return [(s.id, pools[s.gpu_type, s.zone]) for s in clusters if (s.gpu_type, s.zone) in pools]


def _anchors(tables: CapacityTables, items: Items) -> tuple[Integers, Integers]:
    """(A,) pool of each active sub-cluster, (A, I) GPUs on which it holds each item."""
    known = active_clusters(tables)
    anchor = np.array([pool for _, pool in known], dtype=np.int64)
    held = np.zeros((len(known), len(items)), dtype=np.int64)
    active = tables.problem.active_plan
    by_id = {s.id: s for s in active.sub_clusters} if active else {}
    index = tables.model_index()
    for k, (name, _) in enumerate(known):
        present = [index[p.model] for p in by_id[name].placements if p.model in index]
        held[k, np.isin(items.model, present)] = by_id[name].gpus_max
    return anchor, held


def empty_state(pack: Pack) -> State:
    """Nothing placed yet."""
    slots = len(pack.anchor)
    _, _, counts, epochs = pack.need.shape
    return State(
        pool=np.full(slots, CLOSED, dtype=np.int64),
        load=np.zeros((slots, counts, epochs)),
        weights=np.zeros(slots),
        workspace=np.zeros((slots, counts)),
        rate=np.zeros((slots, epochs)),
        gpus=np.zeros((slots, epochs), dtype=np.int64),
        size=np.zeros(slots),
        parts=np.zeros((slots, int(pack.hot.max(initial=WHOLE)) + 1), dtype=np.int64),
        used=np.zeros((len(pack.pool_type), epochs), dtype=np.int64),
        home=np.full(len(pack.row), NOWHERE, dtype=np.int64),
    )
