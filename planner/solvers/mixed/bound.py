r"""
A bound for every plan of a fleet with crowded GPU types, sharper than pouring everything together.

Multipliers of the poured fleet (``planner.solvers.lagrangian``) price the types that are not crowded; a model
that may live on crowded ones pays what the cheapest choice between both comes to. The crowded part
is bounded by column generation over sets that hold each item at most once, some of them in part: for prices
:math:`\pi` of its items and kinds k of cost :math:`c_k` and greatest worth :math:`v_k`

.. math:: \theta \sum_i \pi_i - \sum_g \eta_g A_g, \qquad \theta = \min(1, \min_k (c_k + \eta_g n_k) / v_k)

(Farley 1990). Sets in part are allowed since the linear relaxation of a kind's pricing problem is exact for
them, so that the bound is reached and not only approached. When it is, large items must be whole
(``planner.solvers.mixed.large``), and the rounds go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.dual_guess import Guess
from planner.solvers.mixed.crowded import CrowdedPart, crowded_part, elsewhere
from planner.solvers.mixed.kinds import kinds_of
from planner.solvers.mixed.knapsack import Knapsack
from planner.solvers.mixed.large import LargeKnapsack, large_sets
from planner.solvers.mixed.master import Column, CrowdedMaster, MasterSolution, singles
from planner.solvers.poured import Fleet, feasible
from planner.solvers.stopping import Stop, never

Floats = NDArray[np.float64]

ITEMS_MAX = 600  # a part of more takes too long to price
PAYS = 1e-6  # relative: what a column must be worth beyond its cost
SMOOTHING = 0.5  # weight of the best bound's prices
WHOLE = 1e-6  # distance from a whole number
CONVERGED = 1e-5  # relative distance of bound and master at which rounds end


def crowded_bound(
    tables: CapacityTables,
    fleet: Fleet,
    guess: Guess,
    types: tuple[int, ...],
    split: Collection[int],
    *,
    deadline_s: float,
    seed: int,
    on_bound: Callable[[float], None],
    stop: Stop = never,
) -> None:
    """Tell ``on_bound`` of better and better bounds, dollars per hour; ``types`` are the crowded ones."""
    multipliers = feasible(fleet, guess.multipliers)
    if not types:
        return
    part = crowded_part(tables, fleet, multipliers, types, split, flowing=True)
    if not 0 < len(part) <= ITEMS_MAX:
        return
    others = np.array([g not in types for g in range(len(tables.gpu_types))])
    whole, by_epoch = elsewhere(fleet, multipliers, others)
    apart = fleet.served.copy()
    apart[part.model] = False
    base = float(whole[apart & ~fleet.split].sum() + by_epoch[apart & fleet.split].sum())
    base -= float((multipliers.inventory * fleet.available)[others].sum())
    available = fleet.available[list(types)]
    kinds = kinds_of(part)
    begin = _Rounds(part, available, CrowdedMaster(part, available, seed), [Knapsack(kind) for kind in kinds])
    _rounds(begin, deadline_s, lambda bound: on_bound(base + bound), stop)
    if begin.centre is not None:
        _rounds(_with_large_whole(begin, seed), deadline_s, lambda bound: on_bound(base + bound), stop)


@dataclass(slots=True, eq=False)
class _Rounds:
    """Where the column generation stands: its best bound and the prices that proved it."""

    part: CrowdedPart
    available: Floats
    master: CrowdedMaster
    knapsacks: Sequence[Knapsack | LargeKnapsack]
    bound: float = -np.inf
    centre: MasterSolution | None = None


def _with_large_whole(state: _Rounds, seed: int) -> _Rounds:
    """The same where large items must be whole, with the columns in which they are."""
    sets = {g: large_sets(state.part, g) for g in state.part.types}
    master = CrowdedMaster(state.part, state.available, seed)
    for column in state.master.columns:
        amount = column.amount[np.isin(column.items, sets[column.kind.gpu_type].items)]
        if np.abs(amount - np.round(amount)).max(initial=0.0) < WHOLE:
            master.add(column)
    knapsacks = [
        LargeKnapsack(one, sets[one.kind.gpu_type]) for one in state.knapsacks if isinstance(one, Knapsack)
    ]
    return _Rounds(state.part, state.available, master, knapsacks, state.bound, state.centre)


def _rounds(state: _Rounds, deadline_s: float, on_bound: Callable[[float], None], stop: Stop) -> None:
    for column in singles(state.part, [knapsack.kind for knapsack in state.knapsacks]):
        state.master.add(column)
    smoothing = 0.0 if state.centre is None else SMOOTHING
    while time.monotonic() < deadline_s and not stop():
        solution = state.master.solve(deadline_s)
        if solution is None:
            return
        before = state.bound
        added = _priced(state, solution, smoothing, deadline_s)
        if state.bound > before:
            on_bound(state.bound)
        if state.bound >= solution.value * (1 - CONVERGED) or (not added and smoothing == 0):
            return
        smoothing = SMOOTHING if added else 0.0


def _priced(state: _Rounds, solution: MasterSolution, smoothing: float, deadline_s: float) -> int:
    """Price every kind; the bound at these prices, and columns that pay at the master's own."""
    prices, scarcity = solution.prices, solution.scarcity
    if state.centre is not None:
        prices = smoothing * state.centre.prices + (1 - smoothing) * prices
        scarcity = smoothing * state.centre.scarcity + (1 - smoothing) * scarcity
    theta, added = 1.0, 0
    of_type = {g: at for at, g in enumerate(state.part.types)}
    for knapsack in state.knapsacks:
        if time.monotonic() >= deadline_s:
            return added
        kind = knapsack.kind
        at = of_type[kind.gpu_type]
        cost = kind.cost + scarcity[at] * kind.gpus
        worth, amount = knapsack.most(prices, cost)
        theta = min(theta, cost / max(worth, 1e-12))
        own = float(amount @ solution.prices[kind.items])
        if own > (kind.cost + solution.scarcity[at] * kind.gpus) * (1 + PAYS):
            used = amount > 1e-9
            state.master.add(Column(kind, kind.items[used], amount[used]))
            added += 1
    bound = theta * float(prices.sum()) - float(scarcity @ state.available)
    if bound > state.bound:
        state.bound = bound
        state.centre = MasterSolution(bound, theta * prices, scarcity)
    return added
