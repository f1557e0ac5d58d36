"""
Packing items (a model, or a part of a hot one) into sub-clusters: compiled moves over arrays.

The size of a sub-cluster is exact for models served whole: need by GPU count and epoch is summed
over its items, and its GPUs are the least count that covers the sum. Since need only grows
when an item is added, the count is looked for from the present one upwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CLOSED = -1
NOWHERE = -1
ANY_ZONE = -1
SMOOTH_WEIGHT = 0.5  # how much a GPU not yet full counts as free when moves are compared


class Pack(NamedTuple):
    """What does not change: items (I), GPU types (G), counts 1..N, epochs (E), pools (P), slots (K)."""

    need: Floats  # (I, G, N, E) GPUs, inf where impossible
    weights: Floats  # (I, G) GiB
    workspace: Floats  # (I, G, N) GiB
    rate: Floats  # (I, E) requests per second
    usable: Floats  # (G,) GiB
    pool_type: Integers  # (P,)
    pool_limit: Integers  # (P,) most GPUs of one sub-cluster
    available: Integers  # (P,)
    price: Floats  # (P,) dollars per GPU-hour
    hours: Floats  # (E,) share of the horizon, sums to 1
    rate_max: float  # requests per second of one dispatcher
    reserved: bool
    anchor: Integers  # (K,) pool of the active sub-cluster that a slot continues, else CLOSED
    held: Integers  # (K, I) GPUs on which the slot's active sub-cluster holds the item
    churn_price: float  # dollars per hour that one GiB loaded counts as
    zone: Integers  # (P,)
    allowed: NDArray[np.bool_]  # (I, P) whether the item may live in the pool
    pinned: Integers  # (I,) the only slot where the item may live, else NOWHERE
    first: Integers  # (I,) first of the items of the same model, which are neighbours
    end: Integers  # (I,) one past the last of them
    rank: Integers  # (I,) parts of a model live in one zone exactly if their ranks are equal; ANY_ZONE
    dedicated: NDArray[np.bool_]  # (I,) no other model beside it
    rival_starts: Integers  # (I + 1,) where each item's rivals begin
    rivals: Integers  # items that may not live beside it
    models_max: Integers  # (K,)
    forgiving: bool  # rivals that the active sub-cluster holds together may stay together


class State(NamedTuple):
    """What moves change."""

    pool: Integers  # (K,) CLOSED or the slot's pool
    load: Floats  # (K, N, E) sum of needs
    weights: Floats  # (K,)
    workspace: Floats  # (K, N)
    rate: Floats  # (K, E)
    gpus: Integers  # (K, E)
    size: Floats  # (K,) GPUs before rounding up, mean over the horizon
    used: Integers  # (P, E) GPUs
    home: Integers  # (I,) slot or NOWHERE
    models: Integers  # (K,) models that live there
    alone: NDArray[np.bool_]  # (K,) whether a dedicated model lives there


def copied(state: State) -> State:
    """The same state in arrays of its own."""
    return State(**{name: array.copy() for name, array in state._asdict().items()})


@njit(cache=True)
def _fit(pack, load, workspace, weights, k, i, g, free, first, gpus):  # type: ignore[no-untyped-def]
    """Fill ``gpus`` for slot k with item i added (i < 0: none); returns the smooth size, inf if too large."""
    counts, epochs = load.shape[1], load.shape[2]
    room = pack.usable[g] - weights + 1e-9
    size, need, most_smooth = 0.0, 0.0, 0.0
    most = 0
    for e in range(epochs):
        found = 0
        for n in range(first[e], min(counts, free[e]) + 1):
            own = pack.workspace[i, g, n - 1] if i >= 0 else 0.0
            need = load[k, n - 1, e] + (pack.need[i, g, n - 1, e] if i >= 0 else 0.0)
            if max(workspace[k, n - 1], own) <= room and need <= n + 1e-9:
                found = n
                break
        if found == 0:
            return np.inf
        gpus[e] = found
        most = max(most, found)
        most_smooth = max(most_smooth, need)
        size += pack.hours[e] * need
    if pack.reserved:
        for e in range(epochs):
            if most > free[e]:
                return np.inf
            gpus[e] = most
        return most_smooth
    return size


@njit(cache=True)
def admits(pack, state, i, k, p):  # type: ignore[no-untyped-def]
    """Whether the rules let item i live in slot k of pool p beside those that are there."""
    if not pack.allowed[i, p] or (pack.pinned[i] != NOWHERE and pack.pinned[i] != k):
        return False
    present = False
    for j in range(pack.first[i], pack.end[i]):
        home = state.home[j]
        if j == i or home == NOWHERE:
            continue
        present = present or home == k
        same_zone = pack.zone[state.pool[home]] == pack.zone[p]
        if pack.rank[i] != ANY_ZONE and same_zone != (pack.rank[i] == pack.rank[j]):
            return False
    others = state.models[k] - (1 if present else 0)
    if others + 1 > pack.models_max[k] and not present:
        return False
    if others > 0 and (pack.dedicated[i] or state.alone[k]):
        return False
    for at in range(pack.rival_starts[i], pack.rival_starts[i + 1]):
        j = pack.rivals[at]
        if state.home[j] == k and not (pack.forgiving and pack.held[k, i] > 0 and pack.held[k, j] > 0):
            return False
    return True


@njit(cache=True)
def _best_home(pack, state, i, gpus, chosen):  # type: ignore[no-untyped-def]
    """Cheapest slot and pool for item i and, in ``chosen``, its GPUs; (NOWHERE, ...) if there is none."""
    slots, epochs = state.gpus.shape
    free = np.zeros(epochs, dtype=np.int64)
    best, best_pool, best_size, best_k = np.inf, CLOSED, 0.0, NOWHERE
    first = np.ones(epochs, dtype=np.int64)
    tried = np.zeros(len(pack.pool_type), dtype=np.bool_)
    for k in range(slots):
        opened = state.pool[k] != CLOSED
        low, high = state.pool[k], state.pool[k] + 1
        if not opened:
            low, high = (
                (0, len(pack.pool_type)) if pack.anchor[k] == CLOSED else (pack.anchor[k], pack.anchor[k] + 1)
            )
        for p in range(low, high):
            g = pack.pool_type[p]
            if not opened and pack.anchor[k] == CLOSED:
                if tried[p]:
                    continue
                tried[p] = True
            if not admits(pack, state, i, k, p):
                continue
            if state.weights[k] + pack.weights[i, g] > pack.usable[g] + 1e-9:
                continue
            fits = True
            for e in range(epochs):
                fits = fits and state.rate[k, e] + pack.rate[i, e] <= pack.rate_max
                free[e] = min(pack.pool_limit[p], pack.available[p] - state.used[p, e] + state.gpus[k, e])
                first[e] = max(1, state.gpus[k, e])
            if not fits:
                continue
            weights = state.weights[k] + pack.weights[i, g]
            size = _fit(pack, state.load, state.workspace, weights, k, i, g, free, first, gpus)
            if size == np.inf:
                continue
            whole = 0.0
            most = 0
            for e in range(epochs):
                whole += pack.hours[e] * (gpus[e] - state.gpus[k, e])
                most = max(most, gpus[e])
            value = pack.price[p] * ((1 - SMOOTH_WEIGHT) * whole + SMOOTH_WEIGHT * (size - state.size[k]))
            value += pack.churn_price * pack.weights[i, g] * max(0, most - pack.held[k, i])
            if value < best - 1e-12:
                best, best_pool, best_size, best_k = value, p, size, k
                chosen[:] = gpus
    return best_k, best_pool, best_size


@njit(cache=True)
def settle(pack, state, i, k):  # type: ignore[no-untyped-def]
    """Note that item i lives in slot k, and which models do."""
    present = False
    for j in range(pack.first[i], pack.end[i]):
        present = present or (j != i and state.home[j] == k)
    state.home[i] = k
    if not present:
        state.models[k] += 1
    state.alone[k] = state.alone[k] or pack.dedicated[i]


@njit(cache=True)
def insert_all(pack, state, order):  # type: ignore[no-untyped-def]
    """Put each item of ``order`` where it costs least; those that fit nowhere stay out."""
    counts, epochs = state.load.shape[1], state.load.shape[2]
    gpus = np.zeros(epochs, dtype=np.int64)
    chosen = np.zeros(epochs, dtype=np.int64)
    for i in order:
        k, p, size = _best_home(pack, state, i, gpus, chosen)
        if k == NOWHERE:
            continue
        g = pack.pool_type[p]
        state.pool[k] = p
        settle(pack, state, i, k)
        state.weights[k] += pack.weights[i, g]
        state.size[k] = size
        for n in range(counts):
            state.workspace[k, n] = max(state.workspace[k, n], pack.workspace[i, g, n])
            for e in range(epochs):
                state.load[k, n, e] += pack.need[i, g, n, e]
        for e in range(epochs):
            state.rate[k, e] += pack.rate[i, e]
            state.used[p, e] += chosen[e] - state.gpus[k, e]
            state.gpus[k, e] = chosen[e]


@njit(cache=True)
def rebuild(pack, state, k):  # type: ignore[no-untyped-def]
    """Count slot k anew from the items that live there; close it when none does. False if they do not fit."""
    epochs = state.gpus.shape[1]
    p = state.pool[k]
    if p == CLOSED:
        return True
    g = pack.pool_type[p]
    state.load[k] = 0.0
    state.workspace[k] = 0.0
    state.rate[k] = 0.0
    state.weights[k] = 0.0
    state.models[k] = 0
    state.alone[k] = False
    members = 0
    last = NOWHERE
    for i in range(len(state.home)):
        if state.home[i] == k:
            members += 1
            if pack.first[i] != last:
                state.models[k] += 1
            last = pack.first[i]
            state.alone[k] = state.alone[k] or pack.dedicated[i]
            state.load[k] += pack.need[i, g]
            state.workspace[k] = np.maximum(state.workspace[k], pack.workspace[i, g])
            state.rate[k] += pack.rate[i]
            state.weights[k] += pack.weights[i, g]
    state.used[p] -= state.gpus[k]
    state.gpus[k] = 0
    state.size[k] = 0.0
    if members == 0:
        state.pool[k] = CLOSED
        return True
    free = np.minimum(pack.pool_limit[p], pack.available[p] - state.used[p])
    gpus = np.zeros(epochs, dtype=np.int64)
    first = np.ones(epochs, dtype=np.int64)
    size = _fit(pack, state.load, state.workspace, state.weights[k], k, -1, g, free, first, gpus)
    fits = (
        size < np.inf and state.weights[k] <= pack.usable[g] + 1e-9 and state.rate[k].max() <= pack.rate_max
    )
    if not fits:
        for i in range(len(state.home)):
            if state.home[i] == k:
                state.home[i] = NOWHERE
        state.load[k] = 0.0
        state.workspace[k] = 0.0
        state.rate[k] = 0.0
        state.weights[k] = 0.0
        state.models[k] = 0
        state.alone[k] = False
        state.pool[k] = CLOSED
        return False
    state.gpus[k] = gpus
    state.used[p] += gpus
    state.size[k] = size
    return True


@njit(cache=True)
def remove_all(pack, state, items):  # type: ignore[no-untyped-def]
    """Take items out and count their slots anew."""
    touched = np.zeros(len(state.pool), dtype=np.bool_)
    for i in items:
        if state.home[i] != NOWHERE:
            touched[state.home[i]] = True
            state.home[i] = NOWHERE
    for k in range(len(touched)):
        if touched[k]:
            rebuild(pack, state, k)


@njit(cache=True)
def value_of(pack, state, penalty):  # type: ignore[no-untyped-def]
    """Penalties of items left out, dollars per hour, and the same with GPUs before rounding up."""
    unserved, cost, smooth = 0.0, 0.0, 0.0
    for i in range(len(state.home)):
        if state.home[i] == NOWHERE:
            unserved += penalty[i]
    for k in range(len(state.pool)):
        p = state.pool[k]
        if p == CLOSED:
            continue
        most = 0
        for e in range(state.gpus.shape[1]):
            cost += pack.price[p] * pack.hours[e] * state.gpus[k, e]
            most = max(most, state.gpus[k, e])
        smooth += pack.price[p] * state.size[k]
        if pack.churn_price > 0:
            for i in range(len(state.home)):
                if state.home[i] == k:
                    loaded = pack.weights[i, pack.pool_type[p]] * max(0, most - pack.held[k, i])
                    smooth += 2 * pack.churn_price * loaded
    return unserved, cost, smooth
