"""What the greedy packs: whole models, and parts of those too large for one place or spread over zones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.problem import Hardness
from planner.problem.rules import UNLIMITED, RuleTables
from planner.problem.tables import CapacityTables
from planner.solvers.packing import ANY_ZONE, CLOSED, NOWHERE, WHOLE, Pack, State

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOTS_MAX = 1_024
PARTS_OF_ONE_MODEL_MAX = 64
ALL_SPLIT_MODELS_MAX = 12  # in problems up to this size every model may be split
HOT_FILL = 0.25  # a model that needs more of the largest sub-cluster than this is packed in parts
PART_FILL = 0.0625  # what one of these parts needs of it; parts in one sub-cluster batch together


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """
    ``model``, ``share``, ``planned`` and ``rank`` of each item, all (I,); a whole model has share 1.

    A model spread over r zones has parts of ranks 0 to r - 1, one zone for each; each is ``planned`` for
    the share it takes once a zone is lost. Elsewhere that is the share, and the rank ``ANY_ZONE``.
    """

    model: Integers
    share: Floats
    planned: Floats
    rank: Integers

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
    may_split = np.array([model.may_split for model in tables.models], dtype=bool)
    hot = np.flatnonzero(may_split & np.isfinite(fill) & (largest > HOT_FILL))
    counts = np.clip(np.ceil(largest[hot] / PART_FILL), 2, PARTS_OF_ONE_MODEL_MAX)
    return {int(m): int(count) for m, count in zip(hot, counts, strict=True)}


def items_of(tables: CapacityTables, parts: dict[int, int], apart: Collection[int] = ()) -> Items:
    """
    Every model that some type can serve, hot ones in parts, those to be spread in parts for each zone.

    Models that are seen to ``apart`` are left out.
    """
    found: list[tuple[int, float, float, int]] = []
    left = np.setdiff1d(np.flatnonzero(tables.servable), np.fromiter(apart, dtype=np.int64))
    for m in left:
        zones = int(tables.rules.zones_min[m])
        if zones == 1 or tables.rules.spread_may_break[m]:
            count = parts.get(int(m), 1)
            found += [(int(m), 1.0 / count, 1.0 / count, ANY_ZONE)] * count
            continue
        count = -(-parts.get(int(m), 1) // (zones - 1))
        for rank in range(zones):
            share, planned = 1.0 / (zones * count), 1.0 / ((zones - 1) * count)
            found += [(int(m), share, planned, rank)] * count
    return Items(
        model=np.array([item[0] for item in found], dtype=np.int64),
        share=np.array([item[1] for item in found], dtype=np.float64),
        planned=np.array([item[2] for item in found], dtype=np.float64),
        rank=np.array([item[3] for item in found], dtype=np.int64),
    )


def pack_of(
    tables: CapacityTables, items: Items, *, churn_price: float = 0.0, lent: Integers | None = None
) -> Pack:
    """The arrays of the compiled moves for these items; ``lent`` (P,) GPUs are in use by others."""
    problem = tables.problem
    anchor, held = _anchors(tables, items)
    spare = min(len(items), SLOTS_MAX)
    row, hot, need_parts = _parts(tables, items)
    first = np.searchsorted(items.model, items.model, side="left")
    end = np.searchsorted(items.model, items.model, side="right")
    rival_starts, rivals = _rivals(tables.rules, items, first, end)
    return Pack(
        need=tables.need,
        need_parts=need_parts,
        row=row,
        hot=hot,
        weights=tables.weights_gib[items.model],
        workspace=tables.workspace_gib[items.model],
        rate=tables.rate_rps[items.model] * items.planned[:, None],
        usable=tables.usable_gib,
        pool_type=tables.pool_types,
        pool_limit=np.array([tables.pool_limit(p) for p in range(len(tables.pools))], dtype=np.int64),
        available=np.array([pool.available for pool in tables.pools], dtype=np.int64)
        - (0 if lent is None else lent),
        price=tables.price_usd_per_hour[tables.pool_types] if tables.pools else np.zeros(0),
        hours=tables.hours / tables.hours.sum(),
        rate_max=float(problem.policy.scheduler_rate_rps_max or np.inf),
        reserved=tables.reserved,
        anchor=np.concatenate([anchor, np.full(spare, CLOSED)]).astype(np.int64),
        held=held,
        churn_price=churn_price,
        zone=tables.rules.zone,
        allowed=tables.rules.allowed[items.model],
        pinned=_pinned_slots(tables, items),
        first=first.astype(np.int64),
        end=end.astype(np.int64),
        rank=items.rank,
        dedicated=tables.rules.dedicated[items.model],
        rival_starts=rival_starts,
        rivals=rivals,
        models_max=_models_max(tables, len(anchor) + spare),
        forgiving=bool(tables.rules.exclusion_slack),
    )


def _parts(tables: CapacityTables, items: Items) -> tuple[Integers, Integers, Floats]:
    """For each item its first row of need and its hot model; the rows of 1, 2, ... parts together."""
    row, hot = items.model.copy(), np.full(len(items), WHOLE, dtype=np.int64)
    models, counts = np.unique(items.model[items.planned < 1], return_counts=True)
    rows = np.full((int(counts.sum()), *tables.need.shape[1:]), np.inf)
    first = 0
    for h, (m, count) in enumerate(zip(models, counts, strict=True)):
        mine = items.model == m
        row[mine], hot[mine] = first, h
        planned = items.planned[np.argmax(mine)]
        for g in np.flatnonzero(tables.batch_size[m].any(axis=1)):
            for together in range(1, count + 1):
                part = tables.rate_rps[m] * (together * planned)
                rows[first + together - 1, g] = tables.need_at(int(m), int(g), part)
        first += count
    return row, hot, rows


def _rivals(rules: RuleTables, items: Items, first: Integers, end: Integers) -> tuple[Integers, Integers]:
    """Items that an exclusion keeps apart, as starts (I + 1,) and item indices; none where that is soft."""
    rivals: dict[int, set[int]] = {}
    for group in rules.exclusions if rules.hardness.exclusions is not Hardness.SOFT else ():
        for m in map(int, group):
            rivals.setdefault(m, set()).update(int(other) for other in group if other != m)
    span = {int(m): range(int(a), int(b)) for m, a, b in zip(items.model, first, end, strict=True)}
    lists = [
        [j for other in sorted(rivals.get(int(m), ())) for j in span.get(other, ())] for m in items.model
    ]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    return starts, np.array([j for one in lists for j in one], dtype=np.int64)


def _pinned_slots(tables: CapacityTables, items: Items) -> Integers:
    slot = {name: k for k, (name, _) in enumerate(active_clusters(tables))}
    return np.array(
        [NOWHERE if (pin := tables.rules.pinned[int(m)]) is None else slot[pin] for m in items.model],
        dtype=np.int64,
    )


def _models_max(tables: CapacityTables, slots: int) -> Integers:
    """(K,) the limit, raised where an active sub-cluster may go on holding more."""
    rules = tables.rules
    soft = rules.hardness.models_max is Hardness.SOFT
    limits = np.full(slots, UNLIMITED if soft else rules.models_max, dtype=np.int64)
    for k, (name, _) in enumerate(active_clusters(tables)):
        limits[k] += rules.models_slack.get(name, 0)
    return limits


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
        models=np.zeros(slots, dtype=np.int64),
        alone=np.zeros(slots, dtype=np.bool_),
    )


def splittable(tables: CapacityTables) -> set[int]:
    """Models that may be split: hot ones, those to be spread over zones, and all where there are few."""
    few = len(tables.models) <= ALL_SPLIT_MODELS_MAX
    spread = set(map(int, np.flatnonzero(tables.rules.zones_min > 1)))
    splits = set(range(len(tables.models))) if few else set(hot_parts(tables)) | spread
    return {m for m in splits if tables.models[m].may_split}
