"""A fleet whose sub-clusters of one size are poured together, and prices for what they lend."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.dual_feasible import memory_shares
from planner.solvers.relaxation_program import batching_slack, least_need

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUNDING = 1e-9  # GPUs


class Multipliers(NamedTuple):
    """``throughput`` (G, N, E) and ``memory`` (G, N, J) in dollars per GPU-hour, ``inventory`` (G,)."""

    throughput: Floats
    memory: Floats
    inventory: Floats


class Fleet(NamedTuple):
    """What the multipliers charge for; where a model cannot live its need is inf."""

    need: Floats  # (M, G, N, E) GPUs
    memory: Floats  # (M, G, J) shares of a GPU's memory
    slack: Floats  # (M, G) least part of its share that a part of a split model's traffic needs
    served: NDArray[np.bool_]  # (M,)
    split: NDArray[np.bool_]  # (M,)
    limit: Integers  # (G,) most GPUs of one sub-cluster
    available: Floats  # (G,)
    price: Floats  # (G,)


def fleet_of(tables: CapacityTables, split: Collection[int]) -> Fleet:
    """The tables as a fleet; ``split`` names the models that may be split by epoch."""
    types = len(tables.gpu_types)
    limit = np.zeros(types, dtype=np.int64)
    available = np.zeros(types)
    for p, g in enumerate(tables.pool_types):
        limit[g] = max(limit[g], tables.pool_limit(p))
        available[g] += tables.pools[p].available
    slack = np.ones((len(tables.models), types))
    for m in split:
        for g in np.flatnonzero(tables.batch_size[m].any(axis=1)):
            slack[m, g] = batching_slack(tables, m, int(g))
    is_split = np.isin(np.arange(len(tables.models)), sorted(split))
    return Fleet(
        need=_need(tables, is_split),
        memory=memory_shares(tables.weights_gib / tables.usable_gib),
        slack=slack,
        served=tables.servable,
        split=is_split,
        limit=limit,
        available=available,
        price=tables.price_usd_per_hour,
    )


def _need(tables: CapacityTables, is_split: NDArray[np.bool_]) -> Floats:
    """
    The need of the tables; of a model that may not be split, in the cheapest of its batches.

    Inf also where such a model asks for more than n GPUs.
    """
    need = tables.need.copy()
    for m in np.flatnonzero(~is_split):
        for g in range(need.shape[1]):
            need[m, g] = least_need(tables, int(m), g)
    too_much = need.max(axis=3, initial=0.0) > np.arange(1, tables.gpus_max + 1) + ROUNDING
    need[too_much & ~is_split[:, None, None]] = np.inf
    return need


def feasible(fleet: Fleet, multipliers: Multipliers) -> Multipliers:
    """The multipliers scaled, type by type and count by count, to spend the GPU's price exactly."""
    throughput = np.maximum(multipliers.throughput, 0.0)
    memory = np.maximum(multipliers.memory, 0.0)
    inventory = np.maximum(multipliers.inventory, 0.0)
    throughput[throughput.sum(axis=2) + memory.sum(axis=2) <= 0] = 1.0
    spent = throughput.sum(axis=2) + memory.sum(axis=2)
    scale = ((fleet.price + inventory)[:, None] / spent)[:, :, None]
    return Multipliers(throughput * scale, memory * scale, inventory)
