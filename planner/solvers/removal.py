"""
Taking items out of sub-clusters: their parts of the sums are subtracted.

A slot is counted anew from its items only where that cannot be, because what an item brings is infinite at
some GPU counts.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from planner.solvers.packing import CLOSED, NOWHERE, WHOLE, empty_slot, rebuild, sized_anew


@njit(cache=True)
def _taken_out(pack, state, i):  # type: ignore[no-untyped-def]
    """Take item i out of its slot's sums; False where these have to be counted anew."""
    k = state.home[i]
    g = pack.pool_type[state.pool[k]]
    state.home[i] = NOWHERE
    here = 1
    if pack.hot[i] != WHOLE:
        here = state.parts[k, pack.hot[i]]
        state.parts[k, pack.hot[i]] -= 1
    row = pack.row[i] + here - 1
    brought = pack.need[row, g] if pack.hot[i] == WHOLE else pack.need_parts[row, g]
    if brought[0, 0] == np.inf:
        return False
    state.load[k] -= brought
    if here > 1:
        state.load[k] += pack.need_parts[row - 1, g]
    else:
        state.weights[k] -= pack.weights[i, g]
    state.rate[k] -= pack.rate[i]
    present = False
    for j in range(pack.first[i], pack.end[i]):
        present = present or state.home[j] == k
    if not present:
        state.models[k] -= 1
        state.alone[k] = state.alone[k] and not pack.dedicated[i]
    return True


@njit(cache=True)
def _workspace_anew(pack, state, k):  # type: ignore[no-untyped-def]
    """Count the workspace of slot k anew; returns how many items live there."""
    g = pack.pool_type[state.pool[k]]
    state.workspace[k] = 0.0
    members = 0
    for i in range(len(state.home)):
        if state.home[i] == k:
            members += 1
            for n in range(state.workspace.shape[1]):
                state.workspace[k, n] = max(state.workspace[k, n], pack.workspace[i, g, n])
    return members


@njit(cache=True)
def remove_all(pack, state, items, touched):  # type: ignore[no-untyped-def]
    """Take items out and count their slots' GPUs anew; marks these in ``touched``."""
    unsure = np.zeros(len(state.pool), dtype=np.bool_)
    changed = np.zeros(len(state.pool), dtype=np.bool_)
    for i in items:
        k = state.home[i]
        if k != NOWHERE:
            changed[k] = touched[k] = True
            unsure[k] |= not _taken_out(pack, state, i)
    for k in np.flatnonzero(changed):
        if unsure[k]:
            rebuild(pack, state, k)
        elif _workspace_anew(pack, state, k) == 0:
            empty_slot(pack, state, k)
            state.pool[k] = CLOSED
        else:
            sized_anew(pack, state, k)
