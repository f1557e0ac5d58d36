"""Serving a part of what fits nowhere whole: the most important demand first, where the most of it fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import IDLE_RPS, CapacityTables
from planner.solvers.draft import SHARE_LEAST, DraftCluster, SizedCluster, size_cluster
from planner.solvers.reserves import may_join, with_reserves

Floats = NDArray[np.float64]

HALVINGS = 30
GAIN_LEAST = 1e-4  # of a model's demand; a smaller part is not worth another copy
SHARE_STEP = 1e6  # shares are cut down to millionths, which leaves sizes a margin against rounding


def fill(tables: CapacityTables, drafts: Sequence[DraftCluster]) -> list[DraftCluster]:
    """The drafts, with as much as fits of the demand that they leave out."""
    filled = [d for d in with_reserves(tables, drafts) if size_cluster(tables, d) is not None]
    left = np.where(tables.servable[:, None], 1.0, 0.0) * np.ones_like(tables.rate_rps)
    for draft in filled:
        for m, share in draft.shares.items():
            left[m] -= share
    weight = np.maximum(tables.rate_rps, IDLE_RPS) * tables.hours[None, :]
    order = sorted(
        map(int, np.flatnonzero((left.max(axis=1) > SHARE_LEAST) & _divisible(tables))),
        key=lambda m: (tables.models[m].priority, -float(weight[m] @ left[m])),
    )
    for m in order:
        while left[m].max() > SHARE_LEAST:
            options = _options(tables, filled, m, left[m])
            gains = [float(weight[m] @ part) for _, part, _ in options]
            if max(gains, default=0.0) <= GAIN_LEAST * float(weight[m].sum()):
                break
            at, part, grown = options[int(np.argmax(gains))]
            filled[at : at + 1] = [grown]
            left[m] -= part
    return filled


def _divisible(tables: CapacityTables) -> NDArray[np.bool_]:
    """(M,) models of which a part may be put anywhere: those that need no share in other zones beside it."""
    return np.asarray((tables.rules.zones_min == 1) | tables.rules.spread_may_break, dtype=bool)


def _options(
    tables: CapacityTables, drafts: Sequence[DraftCluster], m: int, left: Floats
) -> list[tuple[int, Floats, DraftCluster]]:
    """Index of a sub-cluster (the number of drafts: a new one), the part that fits there, the grown draft."""
    sized = [size_cluster(tables, draft) for draft in drafts]
    used = np.zeros((len(tables.pools), len(left)), dtype=np.int64)
    for one in sized:
        if one is not None:
            used[one.draft.pool] += one.gpus
    found = []
    places: list[tuple[int, DraftCluster, SizedCluster | None]] = [
        (at, draft, one) for at, (draft, one) in enumerate(zip(drafts, sized, strict=True))
    ]
    places += [(len(drafts), DraftCluster(p, {}), None) for p in range(len(tables.pools))]
    for at, draft, one in places:
        own = one.gpus if one is not None else np.zeros_like(used[draft.pool])
        free = tables.pools[draft.pool].available - used[draft.pool] + own
        gpus = int(min(tables.pool_limit(draft.pool), free.min()))
        if not may_join(tables, draft, m):
            continue
        if gpus < 1 or tables.batch_size[m, tables.pool_types[draft.pool], gpus - 1] < 1:
            continue
        part = _largest_part(tables, draft, m, left, gpus)
        if part is not None:
            shares = draft.shares | {m: draft.shares.get(m, np.zeros_like(left)) + part}
            found.append((at, part, dataclasses.replace(draft, shares=shares)))
    return found


def _largest_part(
    tables: CapacityTables, draft: DraftCluster, m: int, left: Floats, gpus: int
) -> Floats | None:
    """By epoch, the largest part of what is left that ``gpus`` GPUs carry beside what they have."""
    g = int(tables.pool_types[draft.pool])
    here = draft.shares.get(m, np.zeros_like(left))
    load = np.zeros_like(left)
    rate = tables.rate_rps[m] * here
    for other in draft.shares:
        share = draft.planned(other)
        if other != m:
            load += tables.need_at(other, g, tables.rate_rps[other] * share)[gpus - 1]
            rate = rate + tables.rate_rps[other] * share
    rate_max = tables.problem.policy.scheduler_rate_rps_max or np.inf
    low, high = np.zeros_like(left), left.copy()
    for step in range(HALVINGS):
        middle = high if step == 0 else (low + high) / 2
        need = load + tables.need_at(m, g, tables.rate_rps[m] * (here + middle))[gpus - 1]
        fits = (need <= gpus) & (rate + tables.rate_rps[m] * middle <= rate_max)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    part = np.where(low >= left, left, np.floor(low * SHARE_STEP) / SHARE_STEP)
    grown = dataclasses.replace(draft, shares=draft.shares | {m: here + part})
    sized = size_cluster(tables, grown) if part.max() > 0 else None
    return part if sized is not None and sized.gpus.max() <= gpus else None
