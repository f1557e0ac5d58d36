r"""
A bound for every plan of a fleet of any size: the relaxation's dual, guessed on a sample and priced over all.

The relaxation pours together all sub-clusters of n GPUs of type g (see ``planner.solvers.relaxation``). With
multipliers :math:`\lambda_{gne} \ge 0` for its throughput, :math:`\mu_{gnj} \ge 0` for its memory and
:math:`\eta_g \ge 0` for the inventory, no plan that serves all demand costs less than

.. math::
    \sum_m \min_{gn} \Bigl(\sum_e \lambda_{gne}\,\nu_{mgne} + \sum_j \mu_{gnj}\,u_j(w_{mg}/M_g)\Bigr)
    - \sum_g \eta_g A_g
    \quad\text{if}\quad \sum_e \lambda_{gne} + \tfrac1n \sum_j \mu_{gnj} \le p_g + \eta_g

for every type and count, because a sub-cluster's GPUs then pay for what its models are charged. Any
multipliers will do, so they may be guessed: a linear program over some of the models and counts gives
them, the others come from interpolation, and the sum above is over all models and counts. A model that
may be split pays in each epoch where that is cheapest, and nothing for memory.

Memory counts by several dual feasible functions (``dual_feasible.memory_shares``), of which the sum over
what fits into one GPU is at most 1: two models of more than a third of a GPU's memory are a full GPU,
whatever is left between them.
"""

from __future__ import annotations

import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.solvers.dual_guess import Guess
from planner.solvers.poured import Fleet, Multipliers, feasible

Floats = NDArray[np.float64]

STEPS_MAX = 200
STEP_FIRST = 0.3  # of the multipliers, in the exponent
STEP_SHRINK, STEPS_IN_VAIN = 0.6, 6


def lagrangian_bound(fleet: Fleet, guess: Guess, *, deadline_s: float) -> float:
    """
    Dollars per hour that no plan serving all demand can cost less than, where GPUs are reserved.

    ``deadline_s`` is of ``time.monotonic``. The bound is there after one look at every model, time only
    sharpens it.
    """
    return ascend(fleet, feasible(fleet, guess.multipliers), deadline_s)


@njit(cache=True, nogil=True)
def charged(fleet, multipliers, load, memory):  # type: ignore[no-untyped-def]
    """
    The bound that feasible multipliers prove.

    ``load`` (G, N, E) and ``memory`` (G, N, J) are filled with what each count is charged for: a
    supergradient of the bound, but for the inventory.
    """
    models, types, _, epochs = fleet.need.shape
    total = 0.0
    cheapest = np.empty(epochs)
    at_type = np.empty(epochs, dtype=np.int64)
    at_count = np.empty(epochs, dtype=np.int64)
    load[:] = 0.0
    memory[:] = 0.0
    for m in range(models):
        if not fleet.served[m]:
            continue
        best, best_g, best_n = np.inf, 0, 0
        cheapest[:] = np.inf
        for g in range(types):
            for n in range(fleet.limit[g]):
                if fleet.need[m, g, n, 0] == np.inf:
                    continue
                cost = 0.0
                for e in range(epochs):
                    part = multipliers.throughput[g, n, e] * fleet.need[m, g, n, e] * fleet.slack[m, g]
                    cost += part
                    if part < cheapest[e]:
                        cheapest[e], at_type[e], at_count[e] = part, g, n
                for j in range(memory.shape[2]):
                    cost += (n + 1) * multipliers.memory[g, n, j] * fleet.memory[m, g, j]
                if cost < best:
                    best, best_g, best_n = cost, g, n
        if fleet.split[m]:
            for e in range(epochs):
                g, n = at_type[e], at_count[e]
                total += cheapest[e]
                load[g, n, e] += fleet.need[m, g, n, e] * fleet.slack[m, g]
        else:
            total += best
            load[best_g, best_n] += fleet.need[m, best_g, best_n]
            memory[best_g, best_n] += (best_n + 1) * fleet.memory[m, best_g]
    return total - (multipliers.inventory * fleet.available).sum()


def ascend(fleet: Fleet, start: Multipliers, deadline_s: float) -> float:
    """The best bound that multiplicative steps along supergradients reach from ``start``."""
    load, memory = np.zeros_like(start.throughput), np.zeros_like(start.memory)
    best = float(charged(fleet, start, load, memory))
    at, step, in_vain = start, STEP_FIRST, 0
    for _ in range(STEPS_MAX):
        if time.monotonic() >= deadline_s or step < 1e-3:
            break
        trial = _stepped(fleet, at, load, memory, step)
        value = float(charged(fleet, trial, load, memory))
        if value > best:
            best, at, in_vain = value, trial, 0
            continue
        in_vain += 1
        if in_vain >= STEPS_IN_VAIN:
            step, in_vain = step * STEP_SHRINK, 0
            charged(fleet, at, load, memory)
        else:
            at = trial
    return best


def _stepped(fleet: Fleet, at: Multipliers, load: Floats, memory: Floats, step: float) -> Multipliers:
    """Dearer where more is charged for than the count's mean, cheaper elsewhere; then feasible again."""
    budget = at.throughput.sum(axis=2) + at.memory.sum(axis=2)
    paid = (at.throughput * load).sum(axis=2) + (at.memory * memory).sum(axis=2)
    mean = np.divide(paid, budget, out=np.zeros_like(paid), where=budget > 0)
    scale = np.where(mean > 0, step / np.maximum(mean, 1e-12), 0.0)[:, :, None]
    throughput = at.throughput * np.exp(np.clip(scale * (load - mean[:, :, None]), -1.0, 1.0))
    shares = at.memory * np.exp(np.clip(scale * (memory - mean[:, :, None]), -1.0, 1.0))
    return feasible(fleet, Multipliers(throughput, shares, at.inventory))
