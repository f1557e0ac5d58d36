r"""
The crowded part and what a search of it changes, counted as items come and go.

A sub-cluster is counted exactly but for its batches, which are those of the level of
``planner.solvers.mixed.kinds`` that the memory left by its weights reaches: the least n with :math:`\sum_i
\nu_{ine} \le n` in every epoch. An item may also stay outside, at its price there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Sets: TypeAlias = list[tuple[int, Integers]]
"""Of each sub-cluster, which of the crowded types it is of, and its items."""

OUTSIDE = -1
CLOSED = -1
SMOOTH_WEIGHT = 0.2  # of GPUs before rounding up, against GPUs
NEVER = -1.0  # size where no number of GPUs is enough
TOO_DEAR = 1e9  # dollars per hour of an item that is left with no place


class Part(NamedTuple):
    """
    What does not change.

    Items (K), crowded types (G), levels of memory left (V), GPU counts 1..N, epochs (E), prices of the
    other types (D). What stays outside costs the most that any of these prices says.
    """

    need: Floats  # (G, V, K, N, E) GPUs, inf where impossible
    kept: Floats  # (V,) share of memory left
    weights: Floats  # (G, K) GiB
    usable: Floats  # (G,) GiB
    price: Floats  # (G,)
    limit: Integers  # (G,) most GPUs of a sub-cluster
    available: Integers  # (G,)
    outside: Floats  # (K, D) dollars per hour
    apart: Floats  # (D,) dollars per hour of all that is not an item
    rate: Floats  # (K, E) share of what one dispatcher takes
    alone_gpus: Integers  # (G, K) of a sub-cluster of the item alone, 0 where there is none
    alone_size: Floats  # (G, K)
    member_max: int  # items of one sub-cluster


class State(NamedTuple):
    """What moves change; slots (S), epochs (E)."""

    home: Integers  # (K,)
    members: Integers  # (S, member_max)
    members_count: Integers  # (S,)
    type: Integers  # (S,) CLOSED where unused
    weight: Floats  # (S,) GiB
    gpus: Integers  # (S,)
    size: Floats  # (S,) GPUs before rounding up
    level: Integers  # (S,) of the memory that weights leave
    load: Floats  # (S, E) need of the members, at this level and with these GPUs
    peak: Integers  # (S,) the epoch of the largest load
    used: Integers  # (G,) GPUs
    outer: Floats  # (D,) dollars per hour of what is outside


@njit(cache=True)
def _fits(part, g, v, n, members, count, most):  # type: ignore[no-untyped-def]
    """The largest need of any epoch with n GPUs, at least; inf where more than ``most`` or impossible."""
    epochs = part.need.shape[4]
    largest = 0.0
    for e in range(epochs):
        total = 0.0
        for j in range(count):
            total += part.need[g, v, members[j], n - 1, e]
        if total > most:
            return np.inf
        largest = max(largest, total)
    return largest


@njit(cache=True)
def _level(part, g, weight):  # type: ignore[no-untyped-def]
    """The level that these weights leave, -1 where they leave too little."""
    left = 1.0 - weight / part.usable[g]
    return np.searchsorted(part.kept, left + 1e-12, side="right") - 1


@njit(cache=True)
def _is_within_rate(part, members, count):  # type: ignore[no-untyped-def]
    for e in range(part.rate.shape[1]):
        rate = 0.0
        for j in range(count):
            rate += part.rate[members[j], e]
        if rate > 1 + 1e-9:
            return False
    return True


@njit(cache=True)
def sized(part, g, members, count, weight, least, most):  # type: ignore[no-untyped-def]
    """GPUs, at least and at most so many, and size of a set; 0 GPUs where these are too few."""
    v = _level(part, g, weight)
    if v < 0 or count > part.member_max or not _is_within_rate(part, members, count):
        return 0, 0.0
    for n in range(max(1, least), min(most, part.limit[g]) + 1):
        size = _fits(part, g, v, n, members, count, n + 1e-9)
        if size < np.inf:
            return n, size
    return 0, 0.0


@njit(cache=True)
def size_in(part, state, i, slots, more, sizes):  # type: ignore[no-untyped-def]
    """
    ``sizes`` of these slots with item i and ``more`` GPUs, inf where these are too few, NEVER where any are.

    Slots with negative ``more`` are left out. One function without calls or early ends: counting the
    references to a tuple's arrays would take most of the time.
    """
    need, load, kept, rate = part.need, state.load, part.kept, part.rate
    weight, weights, usable = state.weight, part.weights, part.usable
    members, members_count = state.members, state.members_count
    for at in range(len(slots)):
        k = slots[at]
        g, n, v, count = state.type[k], state.gpus[k] + more[at], state.level[k], members_count[k]
        if more[at] < 0:
            continue
        sizes[at] = NEVER
        if g == CLOSED or n > part.limit[g] or count >= part.member_max:
            continue
        peak = state.peak[k]
        if more[at] == 0 and load[k, peak] + need[g, v, i, n - 1, peak] > n + 1e-9:
            sizes[at] = np.inf  # with less memory left all the more
            continue
        left = 1.0 - (weight[k] + weights[g, i]) / usable[g]
        w = np.searchsorted(kept, left + 1e-12, side="right") - 1
        if w < 0:
            continue
        largest = 0.0
        for e in range(need.shape[4]):
            total = need[g, w, i, n - 1, e]
            if more[at] == 0 and w == v:
                total += load[k, e]
            else:
                for j in range(count):
                    total += need[g, w, members[k, j], n - 1, e]
            largest = max(largest, total)
            if total > n + 1e-9:
                largest = np.inf
                break
        sizes[at] = largest
        for e in range(rate.shape[1]):
            total = rate[i, e]
            for j in range(count):
                total += rate[members[k, j], e]
            if total > 1 + 1e-9:
                sizes[at] = NEVER


@njit(cache=True)
def note_load(part, state, k):  # type: ignore[no-untyped-def]
    """Level and load of slot k from its members."""
    g, n, need, load, members = state.type[k], state.gpus[k], part.need, state.load, state.members
    v = _level(part, g, state.weight[k])
    peak = 0
    for e in range(load.shape[1]):
        total = 0.0
        for j in range(state.members_count[k]):
            total += need[g, v, members[k, j], n - 1, e]
        load[k, e] = total
        if total > load[k, peak]:
            peak = e
    state.level[k], state.peak[k] = v, peak


@njit(cache=True)
def note_alone(part):  # type: ignore[no-untyped-def]
    """What each item needs alone."""
    alone = np.empty(1, dtype=np.int64)
    for g in range(len(part.price)):
        for i in range(len(part.outside)):
            alone[0] = i
            n, size = sized(part, g, alone, 1, part.weights[g, i], 1, part.limit[g])
            part.alone_gpus[g, i], part.alone_size[g, i] = n, size


@njit(cache=True)
def _charge(part, state, i, times):  # type: ignore[no-untyped-def]
    """Count item i among what is outside, or with -1 no more."""
    for d in range(len(state.outer)):
        state.outer[d] += times * part.outside[i, d]


@njit(cache=True)
def saved(part, state, i):  # type: ignore[no-untyped-def]
    """Dollars per hour that item i, which is outside, costs there."""
    without = -np.inf
    for d in range(len(state.outer)):
        without = max(without, state.outer[d] - part.outside[i, d])
    return state.outer.max() - without


@njit(cache=True)
def worth_of(part, state):  # type: ignore[no-untyped-def]
    """Dollars per hour, and the same with its smooth part; ``outer`` is summed anew."""
    cost, smooth = 0.0, 0.0
    for k in range(len(state.type)):
        g = state.type[k]
        if g != CLOSED:
            cost += part.price[g] * state.gpus[k]
            smooth += part.price[g] * state.size[k]
    state.outer[:] = part.apart
    for i in range(len(state.home)):
        if state.home[i] == OUTSIDE:
            _charge(part, state, i, 1.0)
    cost += state.outer.max()
    return cost, cost + SMOOTH_WEIGHT * smooth


@njit(cache=True)
def count_anew(part, state, k):  # type: ignore[no-untyped-def]
    """GPUs of slot k after items left it: as many as before, or fewer one by one."""
    g = state.type[k]
    state.used[g] -= state.gpus[k]
    if state.members_count[k] == 0:
        state.type[k], state.gpus[k], state.size[k], state.weight[k] = CLOSED, 0, 0.0, 0.0
        return
    weight = 0.0
    for j in range(state.members_count[k]):
        weight += part.weights[g, state.members[k, j]]
    state.weight[k] = weight
    before, count = state.gpus[k], state.members_count[k]
    n, size = sized(part, g, state.members[k], count, weight, before, part.limit[g])  # batches may have steps
    while n > 1:
        fewer, smaller = sized(part, g, state.members[k], count, weight, n - 1, n - 1)
        if fewer == 0:
            break
        n, size = fewer, smaller
    state.gpus[k], state.size[k] = n, size
    state.used[g] += n
    note_load(part, state, k)


@njit(cache=True)
def leave(part, state, i):  # type: ignore[no-untyped-def]
    """Item i is outside; its slot is not counted anew."""
    k = state.home[i]
    state.home[i] = OUTSIDE
    _charge(part, state, i, 1.0)
    for j in range(state.members_count[k]):
        if state.members[k, j] == i:
            state.members[k, j] = state.members[k, state.members_count[k] - 1]
            state.members_count[k] -= 1
            return


@njit(cache=True)
def enter(part, state, i, k, g, n, size):  # type: ignore[no-untyped-def]
    """Item i lives in slot k of type g, which then has n GPUs."""
    state.type[k] = g
    state.members[k, state.members_count[k]] = i
    state.members_count[k] += 1
    state.weight[k] += part.weights[g, i]
    state.used[g] += n - state.gpus[k]
    state.gpus[k], state.size[k] = n, size
    note_load(part, state, k)
    state.home[i] = k
    _charge(part, state, i, -1.0)


@njit(cache=True)
def take_over(source, target, slots):  # type: ignore[no-untyped-def]
    """Make ``target`` equal to ``source``, which differs from it in these slots alone."""
    target.home[:] = source.home
    target.used[:] = source.used
    target.outer[:] = source.outer
    for k in range(len(slots)):
        if not slots[k]:
            continue
        target.members_count[k] = source.members_count[k]
        target.type[k] = source.type[k]
        target.weight[k] = source.weight[k]
        target.gpus[k] = source.gpus[k]
        target.size[k] = source.size[k]
        target.level[k] = source.level[k]
        target.load[k] = source.load[k]
        target.peak[k] = source.peak[k]
        target.members[k, : source.members_count[k]] = source.members[k, : source.members_count[k]]


@njit(cache=True)
def _seat(part, state, k, g, members):  # type: ignore[no-untyped-def]
    """These items live in slot k, which is closed, of type g."""
    for j in range(len(members)):
        i = members[j]
        state.members[k, j] = i
        state.weight[k] += part.weights[g, i]
        state.home[i] = k
        _charge(part, state, i, -1.0)
    state.type[k], state.members_count[k] = g, len(members)
    n, size = sized(part, g, state.members[k], len(members), state.weight[k], 1, part.limit[g])
    state.gpus[k], state.size[k] = n, size
    state.used[g] += n
    note_load(part, state, k)


def seated(part: Part, sets: Iterable[tuple[int, Integers]] = ()) -> State:
    """The state in which these sub-clusters are there, and all other items outside."""
    items = len(part.outside)
    state = State(
        home=np.full(items, OUTSIDE, dtype=np.int64),
        members=np.zeros((items + 1, part.member_max), dtype=np.int64),
        members_count=np.zeros(items + 1, dtype=np.int64),
        type=np.full(items + 1, CLOSED, dtype=np.int64),
        weight=np.zeros(items + 1),
        gpus=np.zeros(items + 1, dtype=np.int64),
        size=np.zeros(items + 1),
        level=np.zeros(items + 1, dtype=np.int64),
        load=np.zeros((items + 1, part.need.shape[4])),
        peak=np.zeros(items + 1, dtype=np.int64),
        used=np.zeros(len(part.price), dtype=np.int64),
        outer=part.apart + part.outside.sum(axis=0),
    )
    for k, (g, members) in enumerate(sets):
        _seat(part, state, k, g, members)
    return state


def sets_of(state: State) -> Sets:
    """The sub-clusters of a state."""
    return [
        (int(state.type[k]), state.members[k, : state.members_count[k]].copy())
        for k in np.flatnonzero(state.type != CLOSED)
    ]


def copied(state: State) -> State:
    return State(**{name: array.copy() for name, array in state._asdict().items()})
