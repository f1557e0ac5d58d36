"""
Local search over the crowded part: items leave their sub-clusters and go back in where they cost least.

Rounds are ruin and recreate with blinks (Christiaens and Vanden Berghe 2020, "Slack induction by string
removals for vehicle routing problems"), accepted by a threshold.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from planner.solvers.mixed.state import (
    CLOSED,
    NEVER,
    OUTSIDE,
    SMOOTH_WEIGHT,
    count_anew,
    enter,
    leave,
    saved,
    size_in,
    take_over,
    worth_of,
)

BLINK = 0.02  # chance that a place is overlooked
REMOVED_MOST = 12  # items taken out of one sub-cluster that is not emptied
TRIED_MOST = 8  # items outside that a round tries to bring in
ALL_LOOKED_AT = 24  # sub-clusters up to which every one is looked at
BESIDE = 10  # further sub-clusters that are looked at


@njit(cache=True)
def insert(part, state, i, slots, blink):  # type: ignore[no-untyped-def]
    """Put item i where it costs least of these slots, a new one and outside; returns the slot."""
    best, best_k, best_g, best_n, best_size = saved(part, state, i), OUTSIDE, 0, 0, 0.0
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
    goes_on = len(slots) > 0
    while goes_on:  # with one GPU more each time, where that may be cheaper
        size_in(part, state, i, slots, more, sizes)
        for at in range(len(slots)):
            if more[at] < 0:
                continue
            k = slots[at]
            g, n, size = state.type[k], state.gpus[k] + more[at], sizes[at]
            if size == np.inf:
                more[at] += 1
                continue
            if size != NEVER:
                extra = (1 - SMOOTH_WEIGHT) * more[at] + SMOOTH_WEIGHT * (size - state.size[k])
                cost = part.price[g] * extra
                if cost < best and (more[at] == 0 or state.used[g] + more[at] <= part.available[g]):
                    best, best_k, best_g, best_n, best_size = cost, k, g, n, size
            more[at] = -1
        goes_on = False
        for at in range(len(slots)):
            if more[at] > 0 and part.price[state.type[slots[at]]] * (1 - SMOOTH_WEIGHT) * more[at] >= best:
                more[at] = -1
            goes_on |= more[at] > 0
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
                leave(part, state, i)
                out[count] = i
                count += 1
            count_anew(part, state, k)
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
