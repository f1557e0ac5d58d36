"""
Ruin and recreate over packings, compiled: a few items leave, and go back in where they cost least.

A round that ends worse by more than a margin is undone (Schrimpf et al. 2000, "Record breaking
optimization results using the ruin and recreate principle"). A round looks at the sub-clusters it took from
and a few others only, so that its cost does not grow with the fleet.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from planner.solvers.packing import CLOSED, NOWHERE, WHOLE, held, insert_all
from planner.solvers.removal import remove_all

SMOOTH_WEIGHT = 0.2  # of GPUs before rounding up, against GPUs, when two packings are compared
BETTER = 1e-9  # dollars per hour that count as better
RUIN_MOST = 60  # items taken out of sub-clusters at once, unless one of them is emptied
SCATTERED_MOST = 20  # items taken out anywhere at once
BESIDE = 8  # further sub-clusters that are looked at
ALL_LOOKED_AT = 24  # sub-clusters up to which every one is looked at


@njit(cache=True)
def take_over(source, target, slots):  # type: ignore[no-untyped-def]
    """Make ``target`` equal to ``source``, which differs from it in these slots alone."""
    target.used[:] = source.used
    target.home[:] = source.home
    for k in range(len(slots)):
        if not slots[k]:
            continue
        target.pool[k] = source.pool[k]
        target.load[k] = source.load[k]
        target.weights[k] = source.weights[k]
        target.workspace[k] = source.workspace[k]
        target.rate[k] = source.rate[k]
        target.gpus[k] = source.gpus[k]
        target.size[k] = source.size[k]
        target.parts[k] = source.parts[k]
        target.models[k] = source.models[k]
        target.alone[k] = source.alone[k]


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
        for e in range(state.gpus.shape[1]):
            cost += pack.price[p] * pack.hours[e] * state.gpus[k, e]
        smooth += pack.price[p] * state.size[k]
    if pack.churn_price > 0:
        smooth += 2 * pack.churn_price * loaded_gib(pack, state)
    return unserved, cost, smooth


@njit(cache=True)
def loaded_gib(pack, state):  # type: ignore[no-untyped-def]
    """GiB loaded on top of the active plan; parts of a model in one slot are one copy."""
    counted = np.zeros(state.parts.shape, dtype=np.bool_)
    total = 0.0
    for i in range(len(state.home)):
        k = state.home[i]
        if k == NOWHERE:
            continue
        if pack.hot[i] != WHOLE:
            if counted[k, pack.hot[i]]:
                continue
            counted[k, pack.hot[i]] = True
        most = state.gpus[k].max()
        total += pack.weights[i, pack.pool_type[state.pool[k]]] * max(0, most - held(pack, k, i))
    return total


@njit(cache=True)
def seed_rounds(seed):  # type: ignore[no-untyped-def]
    """Seed the compiled generator."""
    np.random.seed(seed)


@njit(cache=True)
def valued(pack, state, penalty, value):  # type: ignore[no-untyped-def]
    """Fill ``value`` with what is left out and dollars per hour, the latter with its smooth part."""
    unserved, cost, smooth = value_of(pack, state, penalty)
    value[0] = round(unserved, 12)
    value[1] = cost + SMOOTH_WEIGHT * smooth


@njit(cache=True)
def _sample(items, count):  # type: ignore[no-untyped-def]
    """``count`` of the items, drawn without putting back."""
    drawn = items.copy()
    for at in range(count):
        other = np.random.randint(at, len(drawn))
        drawn[at], drawn[other] = drawn[other], drawn[at]
    return drawn[:count]


@njit(cache=True)
def _chosen_slots(state, opened):  # type: ignore[no-untyped-def]
    """One to three sub-clusters, more often than not of one pool."""
    wanted = min(len(opened), np.random.randint(1, 4))
    found = np.empty(wanted, dtype=np.int64)
    found[0] = opened[np.random.randint(len(opened))]
    count = 1
    for _ in range(20):
        if count == wanted:
            break
        k = opened[np.random.randint(len(opened))]
        alike = state.pool[k] == state.pool[found[0]]
        if (alike or np.random.random() < 0.4) and not (found[:count] == k).any():
            found[count] = k
            count += 1
    return found[:count]


@njit(cache=True)
def _ruined(state):  # type: ignore[no-untyped-def]
    """Items to take out: whole sub-clusters, some of a few, or some of all."""
    opened = np.flatnonzero(state.pool != CLOSED)
    kind = np.random.random()
    if kind > 0.8 or len(opened) == 0:
        placed = np.flatnonzero(state.home != NOWHERE)
        count = min(len(placed), np.random.randint(1, SCATTERED_MOST + 1))
        return _sample(placed, count)
    slots = _chosen_slots(state, opened)
    emptied = kind < 0.25
    inside = np.zeros(len(state.pool), dtype=np.bool_)
    inside[slots] = True
    if emptied:
        inside[slots[2:]] = False
    housed = np.zeros(len(state.home), dtype=np.bool_)
    for i in range(len(state.home)):
        housed[i] = state.home[i] != NOWHERE and inside[state.home[i]]
    members = np.flatnonzero(housed)
    if emptied:
        return members
    return _sample(members, np.random.randint(1, min(len(members), RUIN_MOST) + 1))


@njit(cache=True)
def _order(out, penalty, dearness):  # type: ignore[no-untyped-def]
    """The dearest to run first, or the dearest to leave out, with some noise; now and then at random."""
    kind = np.random.random()
    noise = np.random.random(len(out))
    if kind < 0.2:
        return out[np.argsort(noise)]
    if kind < 0.4:
        return out[np.argsort(-penalty[out] * (0.7 + 0.6 * noise))]
    return out[np.argsort(-dearness[out] * (0.5 + noise))]


@njit(cache=True)
def _looked_at(state, touched, allowed):  # type: ignore[no-untyped-def]
    """Mark the sub-clusters that a round may insert into: those it took from and a few others, or all."""
    opened = np.flatnonzero(state.pool != CLOSED)
    if len(opened) <= ALL_LOOKED_AT:
        allowed[:] = True
        return
    allowed[:] = touched
    for _ in range(BESIDE):
        allowed[opened[np.random.randint(len(opened))]] = True


@njit(cache=True, nogil=True)
def improve(pack, best, present, trial, penalty, dearness, best_value, present_value, idle, rounds, margin):  # type: ignore[no-untyped-def]
    """
    So many rounds from ``present``, of which ``trial`` is a copy; ``best`` keeps the best packing.

    Returns the rounds in a row, up to now, that found nothing better than the best.
    """
    slots = len(present.pool)
    touched = np.zeros(slots, dtype=np.bool_)
    differs = np.zeros(slots, dtype=np.bool_)  # where best is not present
    allowed = np.zeros(slots, dtype=np.bool_)
    value = np.zeros(2)
    differs[:] = True
    for _ in range(rounds):
        touched[:] = False
        remove_all(pack, trial, _ruined(trial), touched)
        _looked_at(trial, touched, allowed)
        out = np.flatnonzero(trial.home == NOWHERE)
        insert_all(pack, trial, _order(out, penalty, dearness), allowed, touched)
        valued(pack, trial, penalty, value)
        no_worse = value[0] <= present_value[0] and value[1] <= present_value[1]
        near = value[0] <= best_value[0] and value[1] < best_value[1] + margin
        if no_worse or near or value[0] < best_value[0]:
            take_over(trial, present, touched)
            differs |= touched
            present_value[:] = value
        else:
            take_over(present, trial, touched)
        better = present_value[0] < best_value[0] or (
            present_value[0] == best_value[0] and present_value[1] < best_value[1] - BETTER
        )
        idle = 0 if better else idle + 1
        if better:
            best_value[:] = present_value
            take_over(present, best, differs)
            differs[:] = False
    return idle
