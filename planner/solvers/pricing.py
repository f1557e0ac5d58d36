r"""
The pricing problem: which set of items fits one sub-cluster and is worth the most.

One kind of sub-cluster (GPU type and GPU count) is a knapsack of several rows: memory first, then the load
of each epoch. Sizes are divided by the row's capacity, so that every capacity is 1; the largest
workspace of the chosen items is taken from the memory row.

.. math:: \max \sum_i v_i x_i \quad\text{with}\quad \sum_i w_{id} x_i + [d = 0] \max_{i: x_i > 0} o_i
          \le 1, \; x_i \in \{0, \dots, c_i\}

Heuristic   For every item a set that holds it, grown by value per size in scarce rows (sizes weighted
            by what is left of each row), then single exchanges while they gain.
Exact       Depth first over items in the order of value per surrogate size. The rows are joined to one by
            multipliers that nearly minimise the bound (surrogate relaxation: Glover 1965), and a branch
            ends where the fractional knapsack of the joined row (Dantzig 1957) cannot beat the best.
            Stopped early it still gives an upper bound, which is all that a Lagrangian bound needs.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUNDING = 1e-12  # of a row's capacity; the tolerance of feasibility is inside the sizes
VALUE_EPSILON = 1e-10  # values that differ by less are equal
SURROGATE_ROUNDS = 24
DEADLINE = -1  # what ``best_sets`` returns as visited nodes when it ran out of them


@njit(cache=True)
def surrogate(value, copies, sizes):  # type: ignore[no-untyped-def]
    """Multipliers of the rows, (D,), that sum to 1 and nearly minimise the joined row's bound."""
    items, rows = sizes.shape
    multipliers = np.ones(rows) / rows
    best = multipliers.copy()
    best_bound = np.inf
    joined = np.zeros(items)
    slack = np.zeros(rows)
    step = 1.0
    for _ in range(SURROGATE_ROUNDS):
        for i in range(items):
            joined[i] = 1e-9
            for d in range(rows):
                joined[i] += multipliers[d] * sizes[i, d]
        order = np.argsort(-value / joined)
        room, bound = 1.0, 0.0
        slack[:] = -1.0
        for i in order:
            if room <= 0 or value[i] <= 0:
                break
            part = min(float(copies[i]), room / joined[i])
            room -= part * joined[i]
            bound += part * value[i]
            for d in range(rows):
                slack[d] += part * sizes[i, d]
        if bound < best_bound:
            best_bound = bound
            best[:] = multipliers
        else:
            step *= 0.7
        total = 0.0
        for d in range(rows):
            multipliers[d] = max(1e-6, multipliers[d] * np.exp(step * slack[d]))
            total += multipliers[d]
        multipliers /= total
    return best


@njit(cache=True)
def _fits(sizes, workspace, used, largest, i):  # type: ignore[no-untyped-def]
    """Whether item i fits beside what is used."""
    if used[0] + sizes[i, 0] + max(largest, workspace[i]) > 1 + ROUNDING:
        return False
    fits = True
    for d in range(1, sizes.shape[1]):
        fits = fits and used[d] + sizes[i, d] <= 1 + ROUNDING
    return fits


@njit(cache=True)
def _clashes(conflicts, taken, i):  # type: ignore[no-untyped-def]
    """Whether item i may not live beside one that is taken; no conflicts: an array of no rows."""
    if len(conflicts) == 0:
        return False
    found = False
    for j in range(len(taken)):
        found = found or (taken[j] > 0 and conflicts[i, j])
    return found


@njit(cache=True)
def _grow(  # type: ignore[no-untyped-def]
    value, copies, sizes, workspace, conflicts, members_max, taken, used, largest, power
):
    """Add the item of most value for its size in scarce rows until none fits; the largest workspace."""
    items, rows = sizes.shape
    weight = np.zeros(rows)
    while taken.sum() < members_max:
        for d in range(rows):
            weight[d] = 1.0 / max(1e-3, 1.0 - used[d]) ** power
        best, best_score = -1, 0.0
        for i in range(items):
            if value[i] <= VALUE_EPSILON or taken[i] >= copies[i]:
                continue
            if not _fits(sizes, workspace, used, largest, i) or _clashes(conflicts, taken, i):
                continue
            size = 1e-9
            for d in range(rows):
                size += weight[d] * sizes[i, d]
            if value[i] / size > best_score:
                best, best_score = i, value[i] / size
        if best < 0:
            break
        taken[best] += 1
        used += sizes[best]
        largest = max(largest, workspace[best])
    return largest


@njit(cache=True)
def _exchange(value, copies, sizes, workspace, conflicts, taken, used):  # type: ignore[no-untyped-def]
    """Swap one member for a worthier item outside while that gains; True if any was swapped."""
    items = len(value)
    gained = False
    for i in range(items):
        if taken[i] == 0:
            continue
        taken[i] -= 1
        used -= sizes[i]
        largest = 0.0
        for j in range(items):
            if taken[j] > 0:
                largest = max(largest, workspace[j])
        best, best_value = i, value[i] + VALUE_EPSILON
        for j in range(items):
            if j == i or value[j] <= best_value or taken[j] >= copies[j]:
                continue
            if _fits(sizes, workspace, used, largest, j) and not _clashes(conflicts, taken, j):
                best, best_value = j, value[j]
        taken[best] += 1
        used += sizes[best]
        gained = gained or best != i
    return gained


@njit(cache=True)
def grown_sets(  # type: ignore[no-untyped-def]
    value, copies, sizes, workspace, conflicts, members_max, threshold, power, found
):
    """
    One set for every item of value, grown and improved; those worth more than ``threshold`` go to ``found``.

    ``found`` is (I, I) counts of items; returns how many sets it holds and the best value met.
    """
    items, rows = sizes.shape
    count, best = 0, 0.0
    used = np.zeros(rows)
    for seed in range(items):
        if value[seed] <= VALUE_EPSILON or copies[seed] < 1:
            continue
        taken = found[count]
        taken[:] = 0
        used[:] = 0.0
        if not _fits(sizes, workspace, used, 0.0, seed):
            continue
        taken[seed] = 1
        used += sizes[seed]
        largest = workspace[seed]
        _grow(value, copies, sizes, workspace, conflicts, members_max, taken, used, largest, power)
        for _ in range(4):
            if not _exchange(value, copies, sizes, workspace, conflicts, taken, used):
                break
            largest = 0.0
            for j in range(items):
                if taken[j] > 0:
                    largest = max(largest, workspace[j])
            _grow(value, copies, sizes, workspace, conflicts, members_max, taken, used, largest, power)
        total = 0.0
        for j in range(items):
            total += value[j] * taken[j]
        best = max(best, total)
        if total > threshold:
            count += 1
    return count, best


@njit(cache=True)
def _dantzig(prefix_size, prefix_value, start, end, room):  # type: ignore[no-untyped-def]
    """Value of the fractional knapsack over positions start..end of a list in the order of value per size."""
    low, high = start, end
    limit = prefix_size[start] + room
    while low < high:
        middle = (low + high + 1) // 2
        if prefix_size[middle] <= limit:
            low = middle
        else:
            high = middle - 1
    total = prefix_value[low] - prefix_value[start]
    if low < end:
        size = prefix_size[low + 1] - prefix_size[low]
        if size > 0:
            total += (limit - prefix_size[low]) / size * (prefix_value[low + 1] - prefix_value[low])
    return total


@njit(cache=True)
def _candidates(  # type: ignore[no-untyped-def]
    level, source, begin, end, state, value, copies, joined, sizes, workspace, conflicts, taken
):
    """List of ``level``: items of ``source`` from ``begin`` that still fit, with prefix sums."""
    lists, prefix_size, prefix_value, used, largest = state
    length = 0
    for t in range(begin, end):
        i = source[t]
        left = copies[i] - taken[i]
        if left < 1 or not _fits(sizes, workspace, used[level], largest[level], i):
            continue
        if _clashes(conflicts, taken, i):
            continue
        lists[level, length] = i
        prefix_size[level, length + 1] = prefix_size[level, length] + left * joined[i]
        prefix_value[level, length + 1] = prefix_value[level, length] + left * value[i]
        length += 1
    return length


@njit(cache=True)
def best_sets(  # type: ignore[no-untyped-def]
    value, copies, sizes, workspace, conflicts, members_max, multipliers, threshold, nodes_max, found
):
    """
    The best set, if it is worth more than ``threshold``; the sets met on the way to it are in ``found`` too.

    ``found`` is (K, I) counts of items, used as a ring: the last set is the best one. Returns the number
    of sets met, an upper bound on the value of every set, and the nodes visited (``DEADLINE``: all).
    """
    items, rows = sizes.shape
    joined = np.zeros(items)
    for i in range(items):
        joined[i] = 1e-12
        for d in range(rows):
            joined[i] += multipliers[d] * sizes[i, d]
    order = np.argsort(-value / joined)
    useful = 0
    for i in order:
        if value[i] > VALUE_EPSILON:
            useful += 1
    depth_max = min(members_max, copies.sum()) + 1
    lists = np.zeros((depth_max + 1, useful + 1), dtype=np.int64)
    prefix_size = np.zeros((depth_max + 1, useful + 1))
    prefix_value = np.zeros((depth_max + 1, useful + 1))
    used = np.zeros((depth_max + 1, rows))
    largest = np.zeros(depth_max + 1)
    state = (lists, prefix_size, prefix_value, used, largest)
    taken = np.zeros(items, dtype=np.int64)
    length = np.zeros(depth_max + 1, dtype=np.int64)
    cursor = np.zeros(depth_max + 1, dtype=np.int64)
    worth = np.zeros(depth_max + 1)
    room = np.ones(depth_max + 1)
    path = np.zeros(depth_max + 1, dtype=np.int64)
    length[0] = _candidates(
        0, order[:useful], 0, useful, state, value, copies, joined, sizes, workspace, conflicts, taken
    )
    best, met, nodes, level = threshold, 0, 0, 0
    while level >= 0:
        t = cursor[level]
        bound = worth[level]
        if t < length[level] and level < members_max:
            bound += _dantzig(prefix_size[level], prefix_value[level], t, length[level], room[level])
        if t >= length[level] or level >= members_max or bound <= best + VALUE_EPSILON:
            level -= 1
            if level >= 0:
                taken[path[level]] -= 1
            continue
        nodes += 1
        if nodes > nodes_max:
            bound = _dantzig(prefix_size[0], prefix_value[0], max(0, cursor[0] - 1), length[0], 1.0)
            return met, max(best, bound), DEADLINE
        i = lists[level, t]
        cursor[level] += 1
        path[level] = i
        taken[i] += 1
        worth[level + 1] = worth[level] + value[i]
        room[level + 1] = room[level] - joined[i]
        used[level + 1] = used[level] + sizes[i]
        largest[level + 1] = max(largest[level], workspace[i])
        if worth[level + 1] > best + VALUE_EPSILON:
            best = worth[level + 1]
            found[met % len(found)] = taken
            met += 1
        length[level + 1] = _candidates(
            level + 1,
            lists[level],
            t,
            length[level],
            state,
            value,
            copies,
            joined,
            sizes,
            workspace,
            conflicts,
            taken,
        )
        cursor[level + 1] = 0
        level += 1
    return met, best, nodes
