"""
Patterns: sets of items that one sub-cluster of a pool and a GPU count carries.

Items that are alike (equal parts of a hot model, models of equal size) form one class and are counted.
A pattern is monotone: every subset of it fits too, so covering each class at least so often
is as good as covering it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster
from planner.solvers.items import Items

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FIT_TOLERANCE = 1e-9  # GiB and GPUs, as everywhere in the planner
MEMBERS_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """
    Sub-clusters of ``gpus`` GPUs in a pool, as a knapsack over classes (C) with rows (D).

    ``sizes`` (C, D) and ``workspace`` (C,) are shares of a row's capacity; memory is row 0.
    ``workspace_least`` (C,) is that of a batch of one, which no plan can do without: bounds are proven
    with it. ``fits`` (C,) tells which classes can live there at all.
    """

    pool: int
    gpus: int
    cost: float
    sizes: Floats
    workspace: Floats
    workspace_least: Floats
    fits: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One sub-cluster to be: index of its kind and, by class, how many items it holds."""

    kind: int
    counts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class PatternSpace:
    """
    What patterns are made of.

    Attributes
    ----------
    classes
        Items (their indices) of each class.
    copies
        (C,) items in each class.
    conflicts
        (C, C) classes that may not live together; no rows where all may.
    members_max
        Most items of one sub-cluster.
    """

    tables: CapacityTables
    items: Items
    classes: tuple[Integers, ...]
    copies: Integers
    kinds: tuple[Kind, ...]
    conflicts: NDArray[np.bool_]
    members_max: int
    available: Integers


def pattern_space(tables: CapacityTables, items: Items, *, cost_max: float = np.inf) -> PatternSpace:
    """Every kind of sub-cluster that alone is no dearer than ``cost_max``, dollars per hour."""
    need = _needs(tables, items)
    classes = _classes(tables, items, need)
    first = np.array([members[0] for members in classes], dtype=np.int64)
    kinds = []
    for p, g in enumerate(tables.pool_types):
        price = float(tables.price_usd_per_hour[g])
        for gpus in range(1, tables.pool_limit(p) + 1):
            if price * gpus <= cost_max * (1 + FIT_TOLERANCE):
                kinds.append(_kind(tables, items, need, first, p, int(g), gpus))
    return PatternSpace(
        tables=tables,
        items=items,
        classes=tuple(classes),
        copies=np.array([len(members) for members in classes], dtype=np.int64),
        kinds=tuple(kinds),
        conflicts=np.zeros((0, len(classes)), dtype=np.bool_),
        members_max=MEMBERS_LIMIT,
        available=np.array([pool.available for pool in tables.pools], dtype=np.int64),
    )


def pattern_of(space: PatternSpace, kind: int, counts: Integers) -> Pattern:
    """The pattern of a kind with so many items of each class."""
    return Pattern(kind, tuple((int(c), int(counts[c])) for c in np.flatnonzero(counts)))


def patterns_of(space: PatternSpace, clusters: Sequence[tuple[int, int, Sequence[int]]]) -> list[Pattern]:
    """Patterns of sub-clusters given by pool, GPUs and items; those of no known kind are left out."""
    kinds = {(kind.pool, kind.gpus): k for k, kind in enumerate(space.kinds)}
    home = {int(i): c for c, members in enumerate(space.classes) for i in members}
    found = []
    for pool, gpus, members in clusters:
        counts = np.zeros(len(space.classes), dtype=np.int64)
        for i in members:
            counts[home[i]] += 1
        if (pool, gpus) in kinds:
            found.append(pattern_of(space, kinds[pool, gpus], counts))
    return found


def drafts_of_patterns(space: PatternSpace, chosen: Sequence[Pattern]) -> list[DraftCluster]:
    """The sub-clusters of patterns that cover every class, each item in the first that has room for it."""
    left = [list(members) for members in space.classes]
    drafts = []
    for pattern in chosen:
        shares: dict[int, Floats] = {}
        for c, count in pattern.counts:
            for _ in range(min(count, len(left[c]))):
                i = left[c].pop()
                m = int(space.items.model[i])
                whole = shares.get(m, np.zeros(len(space.tables.hours)))
                shares[m] = whole + space.items.share[i]
        if shares:
            drafts.append(DraftCluster(space.kinds[pattern.kind].pool, shares))
    return drafts


def _needs(tables: CapacityTables, items: Items) -> Floats:
    """(I, G, N, E) needs of the items; those of parts are of their own share."""
    need = tables.need[items.model]
    for i in np.flatnonzero(items.share < 1):
        m = int(items.model[i])
        for g in range(len(tables.gpu_types)):
            if tables.batch_size[m, g].any():
                need[i, g] = tables.need_at(m, g, tables.rate_rps[m] * items.share[i])
    return need


def _classes(tables: CapacityTables, items: Items, need: Floats) -> list[Integers]:
    """Items that are equal in all that a pattern asks of them."""
    alike: dict[bytes, list[int]] = {}
    for i, m in enumerate(items.model):
        rate = tables.rate_rps[m] * items.share[i]
        parts = (need[i], tables.weights_gib[m], tables.workspace_gib[m], rate)
        alike.setdefault(b"".join(np.ascontiguousarray(part).tobytes() for part in parts), []).append(i)
    return [np.array(members, dtype=np.int64) for members in alike.values()]


def _kind(
    tables: CapacityTables, items: Items, need: Floats, first: Integers, pool: int, g: int, gpus: int
) -> Kind:
    models = items.model[first]
    usable = tables.usable_gib[g] + FIT_TOLERANCE
    rows = [tables.weights_gib[models, g] / usable]
    load = need[first, g, gpus - 1] / (gpus + FIT_TOLERANCE)
    rows += [load[:, e] for e in _binding(load)]
    rate_max = tables.problem.policy.scheduler_rate_rps_max
    if rate_max is not None:
        rate = tables.rate_rps[models] * items.share[first][:, None] / rate_max
        rows += [rate[:, e] for e in _binding(rate)]
    sizes = np.ascontiguousarray(np.stack(rows, axis=1))
    workspace = tables.workspace_gib[models, g, gpus - 1] / usable
    alive = tables.batch_size[models, g, gpus - 1] > 0
    fits = alive & np.isfinite(sizes).all(axis=1)
    sizes = np.where(fits[:, None], sizes, 2.0)
    least = np.minimum(workspace, tables.workspace_gib_per_item[models, g] / usable)
    fits &= (sizes.max(axis=1) <= 1) & (sizes[:, 0] + least <= 1)
    price = float(tables.price_usd_per_hour[g])
    return Kind(pool, gpus, price * gpus, sizes, workspace, np.where(fits, least, 2.0), fits)


def _binding(rows: Floats) -> list[int]:
    """Epochs that no other epoch dominates in every item; where equal, the first."""
    kept: list[int] = []
    for e in range(rows.shape[1]):
        others = [o for o in range(rows.shape[1]) if o != e]
        dominated = any(
            (rows[:, e] <= rows[:, o]).all() and (o < e or (rows[:, e] < rows[:, o]).any()) for o in others
        )
        if not dominated:
            kept.append(e)
    return kept
