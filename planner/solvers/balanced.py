"""
A packing to begin with where prices say which GPU type suits each model: sub-clusters as large as can be,
loaded alike.

The models of a type are dealt to as few sub-clusters as their sum fills, the dearest first, each to the one
whose busiest epoch stays the least busy (longest processing time first, Graham 1969, with a load for each
epoch). Whatever does not fit is inserted afterwards where it costs least.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from planner.solvers.packing import CLOSED, NOWHERE, WHOLE, admits, rebuild, settle


@njit(cache=True)
def deal(pack, state, pool_of, order, fill):  # type: ignore[no-untyped-def]
    """
    Deal items to fresh slots of the pools that they are meant for.

    ``pool_of`` (I,) is ``CLOSED`` for an item that is to stay out, ``order`` the items in their turn,
    ``fill`` the share of a sub-cluster's GPUs that the sum of all may ask for.
    """
    epochs = pack.need.shape[3]
    slots = np.flatnonzero((state.pool == CLOSED) & (pack.anchor == CLOSED))
    first = 0
    for p in range(len(pack.pool_type)):
        g, limit = pack.pool_type[p], pack.pool_limit[p]
        if limit < 1:
            continue
        total = np.zeros(epochs)
        for i in order:
            if pool_of[i] == p:
                total += _need(pack, i, g, limit)
        count = min(int(np.ceil(total.max() / (limit * fill) - 1e-9)), len(slots) - first)
        if count < 1 or pack.available[p] < count:
            continue
        limit = min(limit, pack.available[p] // count)
        load = np.zeros((count, epochs))
        weights = np.zeros(count)
        workspace = np.zeros(count)
        for i in order:
            if pool_of[i] != p:
                continue
            k = _least_busy(pack, state, i, p, limit, slots[first : first + count], load, weights, workspace)
            if k == NOWHERE:
                continue
            load[k] += _need(pack, i, g, limit)
            weights[k] += pack.weights[i, g]
            workspace[k] = max(workspace[k], pack.workspace[i, g, limit - 1])
            state.pool[slots[first + k]] = p
            settle(pack, state, i, slots[first + k])
        for k in range(count):
            rebuild(pack, state, slots[first + k])
        first += count


@njit(cache=True)
def _need(pack, i, g, limit):  # type: ignore[no-untyped-def]
    """(E,) GPUs that the item brings to a largest sub-cluster."""
    if pack.hot[i] == WHOLE:
        return pack.need[pack.row[i], g, limit - 1]
    return pack.need_parts[pack.row[i], g, limit - 1]


@njit(cache=True)
def _least_busy(pack, state, i, p, limit, slots, load, weights, workspace):  # type: ignore[no-untyped-def]
    """The sub-cluster that stays the least busy with the item in it; NOWHERE where none can hold it."""
    best, found = np.inf, NOWHERE
    g = pack.pool_type[p]
    need = _need(pack, i, g, limit)
    for k in range(len(load)):
        if not admits(pack, state, i, slots[k], p):
            continue
        room = pack.usable[g] - weights[k] - pack.weights[i, g]
        if max(workspace[k], pack.workspace[i, g, limit - 1]) > room:
            continue
        busiest = 0.0
        for e in range(len(need)):
            busiest = max(busiest, load[k, e] + need[e])
        if busiest < best and busiest <= limit:
            best, found = busiest, k
    return found
