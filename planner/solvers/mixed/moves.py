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
    member_max: int  # items of one sub-cluster


class State(NamedTuple):
    """What moves change; slots (S)."""

    home: Integers  # (K,)
    members: Integers  # (S, member_max)
    members_count: Integers  # (S,)
    type: Integers  # (S,) CLOSED where unused
    weight: Floats  # (S,) GiB
    gpus: Integers  # (S,)
    size: Floats  # (S,) GPUs before rounding up
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
def sized(part, g, members, count, extra, weight, least):  # type: ignore[no-untyped-def]
    """GPUs and size of a set, with ``extra`` in it unless negative; 0 GPUs where it is no sub-cluster."""
    left = 1.0 - weight / part.usable[g]
    v = -1
    for at in range(len(part.kept)):
        if part.kept[at] <= left + 1e-12:
            v = at
    if v < 0 or count + (extra >= 0) > part.member_max:
        return 0, 0.0
    for e in range(part.rate.shape[1]):
        rate = 0.0
        for j in range(count):
            rate += part.rate[members[j], e]
        if extra >= 0:
            rate += part.rate[extra, e]
        if rate > 1 + 1e-9:
            return 0, 0.0
    n = max(1, least)
    while n <= part.limit[g]:
        size = _fits(part, g, v, n, members, count, extra, n + 1e-9)
        if size < np.inf:
            return n, size
        n += 1
    return 0, 0.0


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
    """GPUs of slot k after items left it."""
    g = state.type[k]
    state.used[g] -= state.gpus[k]
    if state.members_count[k] == 0:
        state.type[k], state.gpus[k], state.size[k], state.weight[k] = CLOSED, 0, 0.0, 0.0
        return
    weight = 0.0
    for j in range(state.members_count[k]):
        weight += part.weights[g, state.members[k, j]]
    state.weight[k] = weight
    n, size = sized(part, g, state.members[k], state.members_count[k], -1, weight, 1)
    state.gpus[k], state.size[k] = n, size
    state.used[g] += n


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
    state.home[i] = k
    _charge(part, state, i, -1.0)


@njit(cache=True)
def insert(part, state, i, slots, blink):  # type: ignore[no-untyped-def]
    """Put item i where it costs least of these slots, a new one and outside; returns the slot."""
    best, best_k, best_g, best_n, best_size = _saved(part, state, i), OUTSIDE, 0, 0, 0.0
    for k in slots:
        g = state.type[k]
        if g == CLOSED or (blink > 0 and np.random.random() < blink):
            continue
        n, size = sized(
            part,
            g,
            state.members[k],
            state.members_count[k],
            i,
            state.weight[k] + part.weights[g, i],
            state.gpus[k],
        )
        if n == 0 or state.used[g] + n - state.gpus[k] > part.available[g]:
            continue
        cost = part.price[g] * (
            (1 - SMOOTH_WEIGHT) * (n - state.gpus[k]) + SMOOTH_WEIGHT * (size - state.size[k])
        )
        if cost < best:
            best, best_k, best_g, best_n, best_size = cost, k, g, n, size
    fresh = int(np.argmax(state.type == CLOSED))
    if state.type[fresh] == CLOSED:
        for g in range(len(part.price)):
            n, size = sized(part, g, state.members[fresh], 0, i, part.weights[g, i], 1)
            if n == 0 or state.used[g] + n > part.available[g]:
                continue
            cost = part.price[g] * ((1 - SMOOTH_WEIGHT) * n + SMOOTH_WEIGHT * size)
            if cost < best:
                best, best_k, best_g, best_n, best_size = cost, fresh, g, n, size
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
