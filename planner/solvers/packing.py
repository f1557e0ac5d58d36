"""
Packing items (a model, or a part of a hot one) into sub-clusters: compiled moves over arrays.

The size of a sub-cluster is exact: need by GPU count and epoch is summed over its models, and
its GPUs are the least count that covers the sum. Parts of one model in the same sub-cluster are one
copy of its weights and batch together, so each further part brings what they then need more.
Since need only grows when an item is added, the count is looked for from the present one upwards.
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
WHOLE = -1
SMOOTH_WEIGHT = 0.5  # how much a GPU not yet full counts as free when moves are compared


class Pack(NamedTuple):
    """
    What does not change.

    Items (I), models (M), hot models (H), GPU types (G), counts 1..N, epochs (E), pools (P), slots (K).
    """

    need: Floats  # (M, G, N, E) GPUs of whole models, inf where impossible
    need_parts: Floats  # (Q, G, N, E) of 1, 2, ... parts together, one hot model after the other
    row: Integers  # (I,) the item's row in ``need``, or that of one part of its model in ``need_parts``
    hot: Integers  # (I,) which hot model the item is a part of, else WHOLE
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
    held: Integers  # (K, I) GPUs on which the slot's active sub-cluster holds the item; (0, I) without one
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
    parts: Integers  # (K, H) parts of each hot model
    used: Integers  # (P, E) GPUs
    home: Integers  # (I,) slot or NOWHERE
    models: Integers  # (K,) models that live there
    alone: NDArray[np.bool_]  # (K,) whether a dedicated model lives there


def copied(state: State) -> State:
    """The same state in arrays of its own."""
    return State(**{name: array.copy() for name, array in state._asdict().items()})


@njit(cache=True)
def held(pack, k, i):  # type: ignore[no-untyped-def]
    """GPUs on which slot k's active sub-cluster holds item i already."""
    return pack.held[k, i] if k < len(pack.held) else 0


@njit(cache=True)
def _need_rows(pack, state, k, i, g):  # type: ignore[no-untyped-def]
    """(N, E) what item i makes of slot k's need there, what counts for it already, and whether any does."""
    row = pack.row[i]
    if pack.hot[i] == WHOLE:
        return pack.need[row, g], pack.need[row, g], False
    here = state.parts[k, pack.hot[i]]
    return pack.need_parts[row + here, g], pack.need_parts[row + max(0, here - 1), g], here > 0


@njit(cache=True)
def _fit(pack, load, workspace, room, own_workspace, new, old, change, free, first, gpus):  # type: ignore[no-untyped-def]
    """
    Fill ``gpus`` for a slot of ``load`` once ``new`` is added to it, or takes the place of ``old``.

    ``change``: 0 for the slot as it is, 1 to add, 2 to replace. Returns the smooth size, inf if too large.
    """
    counts, epochs = load.shape
    size, need = 0.0, 0.0
    most = 0
    for e in range(epochs):
        found = 0
        start = max(first[e], most) if pack.reserved else first[e]
        for n in range(start, min(counts, free[e]) + 1):
            need = load[n - 1, e]
            if change > 0:
                need += new[n - 1, e]
            if change > 1:
                need -= old[n - 1, e]
            if need <= n + 1e-9 and max(workspace[n - 1], own_workspace[n - 1]) <= room:
                found = n
                break
        if found == 0:
            return np.inf
        gpus[e] = found
        most = max(most, found)
        size += pack.hours[e] * need
    if not pack.reserved:
        return size
    size = 0.0
    for e in range(epochs):
        if most > free[e]:
            return np.inf
        gpus[e] = most
        need = load[most - 1, e]
        if change > 0:
            need += new[most - 1, e]
        if change > 1:
            need -= old[most - 1, e]
        size = max(size, need)
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
        if state.home[j] == k and not (pack.forgiving and held(pack, k, i) > 0 and held(pack, k, j) > 0):
            return False
    return True


@njit(cache=True)
def _candidates(pack, state, allowed):  # type: ignore[no-untyped-def]
    """Allowed slots worth a look: open ones, those that continue an active one, and one more to open."""
    found = np.empty(len(state.pool), dtype=np.int64)
    count, fresh = 0, False
    for k in range(len(state.pool)):
        opened = state.pool[k] != CLOSED
        spare = not opened and pack.anchor[k] == CLOSED
        if (spare and fresh) or (not spare and not allowed[k]):
            continue
        fresh = fresh or spare
        found[count] = k
        count += 1
    return found[:count]


@njit(cache=True)
def _best_home(pack, state, i, candidates, gpus, chosen):  # type: ignore[no-untyped-def]
    """Cheapest slot and pool for item i and, in ``chosen``, its GPUs; (NOWHERE, ...) if there is none."""
    epochs = state.gpus.shape[1]
    free = np.zeros(epochs, dtype=np.int64)
    first = np.ones(epochs, dtype=np.int64)
    best, best_pool, best_size, best_k = np.inf, CLOSED, 0.0, NOWHERE
    for k in candidates:
        low, high = state.pool[k], state.pool[k] + 1
        if low == CLOSED:
            low, high = pack.anchor[k], pack.anchor[k] + 1
        if low == CLOSED:
            low, high = 0, len(pack.pool_type)
        for p in range(low, high):
            if not admits(pack, state, i, k, p):
                continue
            g = pack.pool_type[p]
            new, old, together = _need_rows(pack, state, k, i, g)
            added_gib = 0.0 if together else pack.weights[i, g]
            room = pack.usable[g] - state.weights[k] - added_gib + 1e-9
            if room < 0 or new[pack.pool_limit[p] - 1, 0] == np.inf:
                continue
            fits = True
            for e in range(epochs):
                fits = fits and state.rate[k, e] + pack.rate[i, e] <= pack.rate_max
                free[e] = min(pack.pool_limit[p], pack.available[p] - state.used[p, e] + state.gpus[k, e])
                first[e] = max(1, state.gpus[k, e])
            if not fits:
                continue
            size = _fit(
                pack,
                state.load[k],
                state.workspace[k],
                room,
                pack.workspace[i, g],
                new,
                old,
                2 if together else 1,
                free,
                first,
                gpus,
            )
            if size == np.inf:
                continue
            whole = 0.0
            most = 0
            for e in range(epochs):
                whole += pack.hours[e] * (gpus[e] - state.gpus[k, e])
                most = max(most, gpus[e])
            value = pack.price[p] * ((1 - SMOOTH_WEIGHT) * whole + SMOOTH_WEIGHT * (size - state.size[k]))
            if pack.churn_price > 0:
                value += pack.churn_price * added_gib * max(0, most - held(pack, k, i))
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
def insert_all(pack, state, order, allowed, touched):  # type: ignore[no-untyped-def]
    """
    Put each item of ``order`` where it costs least; those that fit nowhere stay out.

    Of the slots, ``allowed`` ones and those still unused are looked at; ``touched`` marks those that change.
    """
    epochs = state.load.shape[2]
    gpus = np.zeros(epochs, dtype=np.int64)
    chosen = np.zeros(epochs, dtype=np.int64)
    candidates = _candidates(pack, state, allowed)
    for i in order:
        k, p, size = _best_home(pack, state, i, candidates, gpus, chosen)
        if k == NOWHERE:
            continue
        g = pack.pool_type[p]
        opened = state.pool[k] == CLOSED and pack.anchor[k] == CLOSED
        new, old, together = _need_rows(pack, state, k, i, g)
        state.load[k] += new
        if together:
            state.load[k] -= old
        else:
            state.weights[k] += pack.weights[i, g]
        if pack.hot[i] != WHOLE:
            state.parts[k, pack.hot[i]] += 1
        state.pool[k] = p
        settle(pack, state, i, k)
        state.size[k] = size
        state.workspace[k] = np.maximum(state.workspace[k], pack.workspace[i, g])
        touched[k] = True
        for e in range(epochs):
            state.rate[k, e] += pack.rate[i, e]
            state.used[p, e] += chosen[e] - state.gpus[k, e]
            state.gpus[k, e] = chosen[e]
        if opened:
            allowed[k] = True
            candidates = _candidates(pack, state, allowed)


@njit(cache=True)
def empty_slot(pack, state, k):  # type: ignore[no-untyped-def]
    """Slot k without items and GPUs, its pool kept."""
    state.used[state.pool[k]] -= state.gpus[k]
    state.load[k] = 0.0
    state.workspace[k] = 0.0
    state.rate[k] = 0.0
    state.weights[k] = 0.0
    state.gpus[k] = 0
    state.size[k] = 0.0
    state.parts[k] = 0
    state.models[k] = 0
    state.alone[k] = False


@njit(cache=True)
def _add_up(pack, state, k):  # type: ignore[no-untyped-def]
    """Sum what the items of slot k bring; returns how many there are."""
    g = pack.pool_type[state.pool[k]]
    members, last = 0, NOWHERE
    for i in range(len(state.home)):
        if state.home[i] != k:
            continue
        members += 1
        if pack.first[i] != last:
            state.models[k] += 1
        last = pack.first[i]
        state.alone[k] = state.alone[k] or pack.dedicated[i]
        new, old, together = _need_rows(pack, state, k, i, g)
        state.load[k] += new
        if together:
            state.load[k] -= old
        else:
            state.weights[k] += pack.weights[i, g]
        if pack.hot[i] != WHOLE:
            state.parts[k, pack.hot[i]] += 1
        state.workspace[k] = np.maximum(state.workspace[k], pack.workspace[i, g])
        state.rate[k] += pack.rate[i]
    return members


@njit(cache=True)
def rebuild(pack, state, k):  # type: ignore[no-untyped-def]
    """Count slot k anew from the items that live there; close it when none does. False if they do not fit."""
    if state.pool[k] == CLOSED:
        return True
    empty_slot(pack, state, k)
    if _add_up(pack, state, k) == 0:
        state.pool[k] = CLOSED
        return True
    return sized_anew(pack, state, k)


@njit(cache=True)
def sized_anew(pack, state, k):  # type: ignore[no-untyped-def]
    """Count the GPUs of slot k, whose sums are right. False, and its items out, if they do not fit."""
    epochs = state.gpus.shape[1]
    p = state.pool[k]
    g = pack.pool_type[p]
    state.used[p] -= state.gpus[k]
    state.gpus[k] = 0
    free = np.minimum(pack.pool_limit[p], pack.available[p] - state.used[p])
    gpus = np.zeros(epochs, dtype=np.int64)
    first = np.ones(epochs, dtype=np.int64)
    room = pack.usable[g] - state.weights[k] + 1e-9
    load, workspace = state.load[k], state.workspace[k]
    size = _fit(pack, load, workspace, room, workspace, load, load, 0, free, first, gpus)
    if size == np.inf or room < 0 or state.rate[k].max() > pack.rate_max:
        for i in range(len(state.home)):
            if state.home[i] == k:
                state.home[i] = NOWHERE
        empty_slot(pack, state, k)
        state.pool[k] = CLOSED
        return False
    state.gpus[k] = gpus
    state.used[p] += gpus
    state.size[k] = size
    return True
