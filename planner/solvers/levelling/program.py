"""The integer program of levelling: GPU counts, and shares of split models by place and epoch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Builder
from planner.problem.tables import CapacityTables
from planner.solvers.levelling.loads import Loads
from planner.solvers.levelling.places import Place

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHANGING_LEAST, CHANGING_SHARE = 2, 0.1  # sub-clusters of a pool, the smallest, whose GPUs may change
SHRINK_LEAST, SHRINK_SHARE, GROW = 8, 0.5, 4  # GPUs by which one may change at once


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """
    Attributes
    ----------
    shares
        (E,) columns by split model and place.
    counts
        (K,) columns of the GPUs.
    changing
        Places whose GPUs may change.
    rows
        (K, E) of the throughput, or (K, 2E) with the dispatchers' rates, where those are limited.
    cost
        Dollars per hour of each column.
    """

    builder: Builder
    shares: dict[tuple[int, int], Integers]
    counts: Integers
    changing: frozenset[int]
    rows: Integers
    cost: Floats


def program_of(
    tables: CapacityTables,
    places: Sequence[Place],
    flowing: Sequence[int],
    need: dict[int, list[Floats | None]],
    hosts: dict[int, list[int]],
    spare: Floats,
    growing: Collection[int] = (),
    loads: Loads | None = None,
) -> Program:
    """``spare`` (K,) is the part of each sub-cluster that is kept free; ``growing`` may get GPUs too."""
    b, epochs = Builder(), len(tables.hours)
    counts = np.zeros(len(places), dtype=np.int64)
    changing = _changing(places) | _grown(places, loads)
    for k, place in enumerate(places):
        least = max(1, place.gpus - _shrink(place)) if k in changing else place.gpus
        grown = min(tables.pool_limit(place.draft.pool), place.gpus + GROW)
        most = grown if k in changing or k in growing else place.gpus
        counts[k] = b.column(f"gpus_k{k}", lower=least, upper=most, integer=True)
    shares = {
        (m, k): np.array([b.column(f"share_m{m}_k{k}_e{e}", upper=1.0) for e in range(epochs)])
        for m in flowing
        for k in hosts[m]
    }
    for m in flowing:
        for e in range(epochs):
            columns = np.array([shares[m, k][e] for k in hosts[m]])
            b.row(f"placed_m{m}_e{e}", [columns], [1.0], lower=1.0, upper=1.0)
    here: list[list[int]] = [[] for _ in places]
    for m, k in shares:
        here[k].append(m)
    rows = []
    for k, place in enumerate(places):
        first = len(b.row_names)
        needs = [row for m in here[k] if (row := need[m][k]) is not None]
        load = place.load(epochs)
        for e in range(epochs):
            columns = np.array([*(shares[m, k][e] for m in here[k]), counts[k]])
            values = np.array([*(row[e] for row in needs), spare[k] - 1.0])
            b.row(f"throughput_k{k}_e{e}", [columns], [values], upper=-float(load[e]))
        _add_rate(b, tables, place, k, here[k], shares)
        rows.append(np.arange(first, len(b.row_names)))
    for p, pool in enumerate(tables.pools):
        mine = [k for k, place in enumerate(places) if place.draft.pool == p]
        if mine:
            b.row(f"inventory_p{p}", [counts[mine]], [1.0], upper=float(pool.available))
    prices = np.array([tables.price_usd_per_hour[tables.pool_types[place.draft.pool]] for place in places])
    beyond = {} if loads is None else _add_loads(b, places, counts, loads)
    cost = np.zeros(len(b.column_names))
    cost[counts] = prices
    for k, (column, fresh, known) in beyond.items():
        cost[counts[k]] += fresh
        cost[column] = known
    return Program(b, shares, counts, changing, np.array(rows), cost)


def _changing(places: Sequence[Place]) -> frozenset[int]:
    """The smallest sub-clusters of each pool."""
    pools: dict[int, list[int]] = {}
    for k in sorted(range(len(places)), key=lambda k: places[k].gpus):
        pools.setdefault(places[k].draft.pool, []).append(k)
    counts = [max(CHANGING_LEAST, int(CHANGING_SHARE * len(mine))) for mine in pools.values()]
    return frozenset(k for mine, count in zip(pools.values(), counts, strict=True) for k in mine[:count])


def _grown(places: Sequence[Place], loads: Loads | None) -> frozenset[int]:
    """Places that have more GPUs than run there: those would load all of their models."""
    if loads is None:
        return frozenset()
    return frozenset(k for k, place in enumerate(places) if 0 < loads.gpus[k] < place.gpus)


def _add_loads(
    b: Builder, places: Sequence[Place], counts: Integers, loads: Loads
) -> dict[int, tuple[int, float, float]]:
    """
    By place a column of the GPUs beyond those that run; and what a GPU loads, and one of these loads more,
    in dollars per hour.
    """
    found: dict[int, tuple[int, float, float]] = {}
    for k, place in enumerate(places):
        fresh, known = loads.by_gpu(k, list(place.draft.shares))
        column = b.column(f"grown_k{k}", upper=np.inf)
        b.row(f"grown_k{k}", [counts[k], column], [1.0, -1.0], upper=float(loads.gpus[k]))
        price = loads.price_usd_per_hour
        found[k] = (column, price * fresh, price * known)
    return found


def _shrink(place: Place) -> int:
    return max(SHRINK_LEAST, int(SHRINK_SHARE * place.gpus))


def _add_rate(
    b: Builder,
    tables: CapacityTables,
    place: Place,
    k: int,
    here: Sequence[int],
    shares: dict[tuple[int, int], Integers],
) -> None:
    """What one dispatcher takes, where that is limited."""
    limit = tables.problem.policy.scheduler_rate_rps_max
    if limit is None:
        return
    for e in range(len(tables.hours)):
        others = sum(tables.rate_rps[m, e] * place.draft.planned(m)[e] for m in place.own)
        columns = np.array([shares[m, k][e] for m in here], dtype=np.int64)
        b.row(f"rate_k{k}_e{e}", [columns], [tables.rate_rps[list(here), e]], upper=limit - others)
