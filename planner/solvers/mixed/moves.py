r"""
Local search over the crowded part: items leave their sub-clusters and go back in where they cost least.

A sub-cluster is counted exactly but for its batches, which are those of the level of
``planner.solvers.mixed.kinds`` that the memory left by its weights reaches: the least n with :math:`\sum_i
\nu_{ine} \le n` in every epoch. An item may also stay outside, at its price there. Rounds are ruin and
recreate with blinks (Christiaens and Vanden Berghe 2020, "Slack induction by string removals for vehicle
routing problems"), accepted by a falling threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OUTSIDE = -1
CLOSED = -1
SMOOTH_WEIGHT = 0.2  # of GPUs before rounding up, against GPUs
BLINK = 0.02  # chance that a place is overlooked
REMOVED_MOST = 12  # items taken out of one sub-cluster that is not emptied
TRIED_MOST = 8  # items outside that a round tries to bring in
ALL_LOOKED_AT = 24  # sub-clusters up to which every one is looked at
BESIDE = 10  # further sub-clusters that are looked at
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
def _fits(part, g, v, n, members, count, extra, most):  # type: ignore[no-untyped-def]
    """The largest need of any epoch with n GPUs, at least; inf where more than ``most`` or impossible."""
    epochs = part.need.shape[4]
    largest = 0.0
    for e in range(epochs):
        total = 0.0
        for j in range(count):
            total += part.need[g, v, members[j], n - 1, e]
        if extra >= 0:
            total += part.need[g, v, extra, n - 1, e]
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
def _is_within_rate(part, members, count, extra):  # type: ignore[no-untyped-def]
    for e in range(part.rate.shape[1]):
        rate = 0.0
        for j in range(count):
            rate += part.rate[members[j], e]
        if extra >= 0:
            rate += part.rate[extra, e]
        if rate > 1 + 1e-9:
            return False
    return True


@njit(cache=True)
def sized(part, g, members, count, extra, weight, least, most):  # type: ignore[no-untyped-def]
    """GPUs, from ``least`` to ``most``, and size of a set, with ``extra`` in it unless negative; else 0 GPUs."""
    v = _level(part, g, weight)
    if v < 0 or count + (extra >= 0) > part.member_max or not _is_within_rate(part, members, count, extra):
        return 0, 0.0
    for n in range(max(1, least), min(most, part.limit[g]) + 1):
        size = _fits(part, g, v, n, members, count, extra, n + 1e-9)
        if size < np.inf:
            return n, size
    return 0, 0.0


@njit(cache=True)
def _size_in(part, state, i, slots, more, sizes):  # type: ignore[no-untyped-def]
    """
    ``sizes`` of these slots with item i, with ``more`` GPUs than they have; inf where that is not enough.

    One function without calls or early ends: counting references to the arrays of a tuple would take most of the time.
    """
    need, load, kept, rate = part.need, state.load, part.kept, part.rate
    weight, weights, usable = state.weight, part.weights, part.usable
    members, members_count = state.members, state.members_count
    for at in range(len(slots)):
        k = slots[at]
        g, n, v, count = state.type[k], state.gpus[k] + more[at], state.level[k], members_count[k]
        peak = state.peak[k]
        sizes[at] = np.inf
        if g == CLOSED or more[at] < 0 or n > part.limit[g] or count >= part.member_max:
            continue
        if more[at] == 0 and load[k, peak] + need[g, v, i, n - 1, peak] > n + 1e-9:
            continue  # with less memory left all the more
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
                break
        for e in range(rate.shape[1]):
            total = rate[i, e]
            for j in range(count):
                total += rate[members[k, j], e]
            if total > 1 + 1e-9:
                largest = np.inf
        if largest <= n + 1e-9:
            sizes[at] = largest


@njit(cache=True)
def _note_load(part, state, k):  # type: ignore[no-untyped-def]
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
    nobody = np.empty(0, dtype=np.int64)
    for g in range(len(part.price)):
        for i in range(len(part.outside)):
            n, size = sized(part, g, nobody, 0, i, part.weights[g, i], 1, part.limit[g])
            part.alone_gpus[g, i], part.alone_size[g, i] = n, size


@njit(cache=True)
def _charge(part, state, i, times):  # type: ignore[no-untyped-def]
    """Count item i among what is outside, or with -1 no more."""
    for d in range(len(state.outer)):
        state.outer[d] += times * part.outside[i, d]


@njit(cache=True)
def _saved(part, state, i):  # type: ignore[no-untyped-def]
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
def _count_anew(part, state, k):  # type: ignore[no-untyped-def]
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
    n, size = sized(part, g, state.members[k], count, -1, weight, before, before)
    while n > 1:
        fewer, smaller = sized(part, g, state.members[k], count, -1, weight, n - 1, n - 1)
        if fewer == 0:
            break
        n, size = fewer, smaller
    state.gpus[k], state.size[k] = n, size
    state.used[g] += n
    _note_load(part, state, k)


@njit(cache=True)
def _leave(part, state, i):  # type: ignore[no-untyped-def]
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
    _note_load(part, state, k)
    state.home[i] = k
    _charge(part, state, i, -1.0)


@njit(cache=True)
def insert(part, state, i, slots, blink):  # type: ignore[no-untyped-def]
    """Put item i where it costs least of these slots, a new one and outside; returns the slot."""
    best, best_k, best_g, best_n, best_size = _saved(part, state, i), OUTSIDE, 0, 0, 0.0
    fresh = int(np.argmax(state.type == CLOSED))
    if state.type[fresh] == CLOSED:
        for g in range(len(part.price)):
            n, size = part.alone_gpus[g, i], part.alone_size[g, i]
            if n == 0 or state.used[g] + n > part.available[g]:
                continue
            cost = part.price[g] * ((1 - SMOOTH_WEIGHT) * n + SMOOTH_WEIGHT * size)
            if cost < best:
                best, best_k, best_g, best_n, best_size = cost, fresh, g, n, size
    more, sizes = np.zeros(len(slots), dtype=np.int64), np.empty(len(slots))
    for at in range(len(slots)):
        if blink > 0 and np.random.random() < blink:
            more[at] = -1
    while True:
        _size_in(part, state, i, slots, more, sizes)
        goes_on = False
        for at in range(len(slots)):
            if more[at] < 0:
                continue
            k = slots[at]
            g, n = state.type[k], state.gpus[k] + more[at]
            if sizes[at] < np.inf:
                cost = part.price[g] * (
                    (1 - SMOOTH_WEIGHT) * more[at] + SMOOTH_WEIGHT * (sizes[at] - state.size[k])
                )
                if cost < best and (more[at] == 0 or state.used[g] + more[at] <= part.available[g]):
                    best, best_k, best_g, best_n, best_size = cost, k, g, n, sizes[at]
                more[at] = -1
            elif g == CLOSED:
                more[at] = -1
            else:
                more[at] += 1
        for at in range(len(slots)):
            if more[at] > 0 and part.price[state.type[slots[at]]] * (1 - SMOOTH_WEIGHT) * more[at] >= best:
                more[at] = -1
            goes_on |= more[at] > 0
        if not goes_on:
            break
    if best_k != OUTSIDE:
        enter(part, state, i, best_k, best_g, best_n, best_size)
    return best_k


@njit(cache=True)
def _ruin(part, state, out, touched):  # type: ignore[no-untyped-def]
    """Take items out, of one to three slots, and note some that are outside; returns how many."""
    opened = np.flatnonzero(state.type != CLOSED)
    count = 0
    if len(opened):
        for _ in range(np.random.randint(1, 4)):
            k = opened[np.random.randint(len(opened))]
            inside = state.members_count[k]
            if inside == 0:
                continue
            touched[k] = True
            leaving = (
                inside if np.random.random() < 0.3 else np.random.randint(1, min(inside, REMOVED_MOST) + 1)
            )
            for _ in range(leaving):
                i = state.members[k, np.random.randint(state.members_count[k])]
                _leave(part, state, i)
                out[count] = i
                count += 1
            _count_anew(part, state, k)
    for _ in range(np.random.randint(0, TRIED_MOST + 1)):
        i = np.random.randint(len(state.home))
        if state.home[i] == OUTSIDE and not (out[:count] == i).any():
            out[count] = i
            count += 1
    return count


@njit(cache=True)
def _ordered(part, out):  # type: ignore[no-untyped-def]
    """By weight, by price outside, or at random, with some noise."""
    kind = np.random.random()
    noise = 0.7 + 0.6 * np.random.random(len(out))
    key = np.random.random(len(out))
    if kind < 0.45:
        for j in range(len(out)):
            key[j] = -part.weights[0, out[j]] * noise[j]
    elif kind < 0.75:
        for j in range(len(out)):
            key[j] = -part.need[0, len(part.kept) - 1, out[j], part.need.shape[3] - 1].max() * noise[j]
            if not np.isfinite(key[j]):
                key[j] = -1e9
    return out[np.argsort(key)]


@njit(cache=True)
def _looked_at(state):  # type: ignore[no-untyped-def]
    opened = np.flatnonzero(state.type != CLOSED)
    if len(opened) <= ALL_LOOKED_AT:
        return opened
    found = np.empty(BESIDE, dtype=np.int64)
    for j in range(BESIDE):
        found[j] = opened[np.random.randint(len(opened))]
    return np.unique(found)


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


@njit(cache=True, nogil=True)
def improve(part, best, present, trial, rounds, threshold):  # type: ignore[no-untyped-def]
    """So many rounds from ``present``, of which ``trial`` is a copy; ``best`` keeps the best."""
    slots = len(present.type)
    out = np.empty(len(present.home), dtype=np.int64)
    touched = np.zeros(slots, dtype=np.bool_)
    differs = np.ones(slots, dtype=np.bool_)  # where best is not present
    best_cost, best_worth = worth_of(part, best)
    _, present_worth = worth_of(part, present)
    for _ in range(rounds):
        touched[:] = False
        count = _ruin(part, trial, out, touched)
        places = _looked_at(trial)
        for i in _ordered(part, out[:count].copy()):
            k = insert(part, trial, i, places, BLINK)
            if k != OUTSIDE:
                touched[k] = True
                if not (places == k).any():
                    places = np.append(places, k)
        cost, worth = worth_of(part, trial)
        if worth >= present_worth - threshold * np.log(max(1e-12, np.random.random())):
            take_over(present, trial, touched)
            continue
        take_over(trial, present, touched)
        differs |= touched
        present_worth = worth
        if cost < best_cost - 1e-9 or (cost < best_cost + 1e-9 and worth < best_worth - 1e-9):
            take_over(trial, best, differs)
            best_cost, best_worth = cost, worth
            differs[:] = False


@njit(cache=True)
def seed_rounds(seed):  # type: ignore[no-untyped-def]
    """Seed the compiled generator."""
    np.random.seed(seed)
