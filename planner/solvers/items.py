"""What the greedy packs: whole models, and equal parts of those too large for one sub-cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.packing import CLOSED, NOWHERE, Pack, State

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOTS_MAX = 256
SLOTS_OF_ONE_MODEL_MAX = 64
HOT_FILL = 0.25  # a model that needs more of the largest sub-cluster than this is packed in parts


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """``model`` and ``share`` of each item, both (I,); a whole model has share 1."""

    model: Integers
    share: Floats

    def __len__(self) -> int:
        return len(self.model)


def hot_parts(tables: CapacityTables) -> dict[int, int]:
    """Models too large for one sub-cluster, with the number of equal parts that fit."""
    limit = tables.problem.policy.scheduler_rate_rps_max or np.inf
    parts: dict[int, int] = {}
    largest = {g: 0 for g in range(len(tables.gpu_types))}
    for p, g in enumerate(tables.pool_types):
        largest[int(g)] = max(largest[int(g)], tables.pool_limit(p))
    for m, model in enumerate(tables.models):
        if not model.may_split:
            continue
        fills = [float(tables.need[m, g, n - 1].max()) / n for g, n in largest.items() if n > 0]
        fill = min(fills, default=np.inf)
        rate = float(tables.rate_rps[m].max()) / limit
        if np.isfinite(fill) and max(fill, rate) > HOT_FILL:
            count = int(np.ceil(max(fill / HOT_FILL, rate / HOT_FILL)))
            parts[m] = min(max(2, count), SLOTS_OF_ONE_MODEL_MAX)
    return parts


def items_of(tables: CapacityTables, parts: dict[int, int]) -> Items:
    """Every model that some type can serve, hot ones in parts."""
    model, share = [], []
    for m in np.flatnonzero(tables.servable):
        count = parts.get(int(m), 1)
        model += [int(m)] * count
        share += [1.0 / count] * count
    return Items(np.array(model, dtype=np.int64), np.array(share, dtype=np.float64))


def pack_of(tables: CapacityTables, items: Items, *, churn_price: float = 0.0) -> Pack:
    """The arrays of the compiled moves for these items."""
    problem = tables.problem
    need = tables.need[items.model]
    for i in np.flatnonzero(items.share < 1):
        m = int(items.model[i])
        for g in range(len(tables.gpu_types)):
            if tables.batch_size[m, g].any():
                need[i, g] = tables.need_at(m, g, tables.rate_rps[m] * items.share[i])
    anchor, held = _anchors(tables, items)
    spare = min(len(items), SLOTS_MAX)
    anchor = np.concatenate([anchor, np.full(spare, CLOSED)]).astype(np.int64)
    held = np.concatenate([held, np.zeros((spare, len(items)), dtype=np.int64)])
    return Pack(
        need=np.ascontiguousarray(need),
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
        anchor=anchor,
        held=held,
        churn_price=churn_price,
    )


def active_clusters(tables: CapacityTables) -> list[tuple[str, int]]:
    """Id and pool of each active sub-cluster whose pool still exists, in the order of slots."""
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    active = tables.problem.active_plan
    clusters = active.sub_clusters if active else ()
    return [(s.id, pools[s.gpu_type, s.zone]) for s in clusters if (s.gpu_type, s.zone) in pools]


def _anchors(tables: CapacityTables, items: Items) -> tuple[Integers, Integers]:
    known = active_clusters(tables)
    anchor = np.array([pool for _, pool in known], dtype=np.int64)
    held = np.zeros((len(known), len(items)), dtype=np.int64)
    active = tables.problem.active_plan
    by_id = {s.id: s for s in active.sub_clusters} if active else {}
    for k, (name, _) in enumerate(known):
        present = {p.model for p in by_id[name].placements}
        for i, m in enumerate(items.model):
            if tables.models[int(m)].id in present:
                held[k, i] = by_id[name].gpus_max
    return anchor, held


def empty_state(pack: Pack) -> State:
    """Nothing placed yet."""
    slots = len(pack.anchor)
    items, _, counts, epochs = pack.need.shape
    return State(
        pool=np.full(slots, CLOSED, dtype=np.int64),
        load=np.zeros((slots, counts, epochs)),
        weights=np.zeros(slots),
        workspace=np.zeros((slots, counts)),
        rate=np.zeros((slots, epochs)),
        gpus=np.zeros((slots, epochs), dtype=np.int64),
        size=np.zeros(slots),
        used=np.zeros((len(pack.pool_type), epochs), dtype=np.int64),
        home=np.full(items, NOWHERE, dtype=np.int64),
    )
