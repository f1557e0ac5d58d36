r"""
Column generation over patterns: the bound that packing has, and the patterns that good plans are made of.

Rounds      The master's duals price items and pools; patterns worth more than they cost enter it.
            Grown sets come first, the exact search only where they find nothing.
Smoothing   Prices between the master's and those of the best bound keep the duals from swinging
            (Wentges 1997; Pessoa, Sadykov, Uchoa and Vanderbeck 2018, section 3).
Bound       After each exact round, for kinds k of cost :math:`c_k` and best value :math:`v_k`:
            :math:`\theta \, (\pi b + \mu A)` with :math:`\theta = \min(1, \min_k c_k / v_k)`
            (Farley 1990, "A note on bounding a class of linear programming problems").
            An upper bound on :math:`v_k` serves as well, so an exact search that was cut short still bounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.solvers.master import MasterSolution, RestrictedMaster
from planner.solvers.patterns import Kind, Pattern, PatternSpace, pattern_of
from planner.solvers.pricing import best_sets, grown_sets, surrogate
from planner.solvers.stopping import Stop, never

Floats = NDArray[np.float64]

COST_EPSILON = 1e-7  # relative: a pattern must be worth so much more than its cost to enter
SMOOTHING = 0.7  # weight of the best bound's duals
GROWING_POWERS = (1.0, 2.0)  # how strongly scarce rows count when sets are grown
SETS_OF_ROUND = 40  # grown sets of one kind that enter the master at once
SETS_KEPT = 16
NODES_MAX = 500_000  # of one exact search
NODES_PER_S = 500_000.0  # about as many as a slow core visits


@dataclass(slots=True)
class Generation:
    """Where column generation stands; ``bound`` holds for every plan of the space."""

    space: PatternSpace
    master: RestrictedMaster
    settle: Callable[[float], float]  # a bound rounded up to what plans can cost
    smoothing: float = SMOOTHING
    bounds: bool = True  # whether ``bound`` holds for every plan, and not for those of whole items alone
    on_bound: Callable[[float], None] | None = None
    bound: float = 0.0
    centre: tuple[Floats, Floats] | None = None
    converged: bool = False
    rounds: int = 0
    exact_rounds: int = 0
    stop: Stop = never

    def is_over(self, deadline_s: float) -> bool:
        """Whether it is ``deadline_s`` (of ``time.monotonic``), or the search was asked to end."""
        return time.monotonic() >= deadline_s or self.stop()


def generate(state: Generation, deadline_s: float) -> MasterSolution | None:
    """
    Add patterns until none pays or the rounded bound meets the rounded master.

    Returns the last solution of the master; None if even the first was not reached in time.
    """
    solution = state.master.solve(deadline_s)
    while solution is not None and not state.is_over(deadline_s):
        state.rounds += 1
        added = 0
        for smoothing in (state.smoothing, 0.0) if state.centre else (0.0,):
            prices = _prices(state, solution, smoothing)
            added = state.master.add(grown(state.space, *prices, solution))
            if added:
                break
        if not added:
            added = _exact_round(state, solution, deadline_s)
            met = state.settle(state.bound) >= state.settle(solution.value)
            if met or not added:
                state.converged = met or not state.is_over(deadline_s)
                return solution
        again = state.master.solve(deadline_s)
        if again is None:
            return solution
        solution = again
    return solution


def grown(
    space: PatternSpace,
    class_duals: Floats,
    pool_duals: Floats,
    solution: MasterSolution,
    copies: NDArray[np.int64] | None = None,
) -> list[Pattern]:
    """New patterns by growing sets; they must pay at the master's own duals, whatever prices grew them."""
    found = []
    room = np.zeros((len(space.copies), len(space.copies)), dtype=np.int64)
    for k, kind in enumerate(space.kinds):
        allowed = np.where(kind.fits, space.copies if copies is None else copies, 0)
        value = np.where(kind.fits, class_duals, 0.0)
        limit = kind.cost - pool_duals[kind.pool] * kind.gpus
        real = kind.cost - solution.pool_duals[kind.pool] * kind.gpus
        for power in GROWING_POWERS:
            count, _ = grown_sets(
                value,
                allowed,
                kind.sizes,
                kind.workspace,
                space.conflicts,
                space.members_max,
                min(limit, real) * (1 + COST_EPSILON) * 0.999,
                power,
                room,
            )
            worth = room[:count] @ solution.class_duals
            pays = np.flatnonzero(worth > real + COST_EPSILON * max(1.0, kind.cost))
            best = pays[np.argsort(-worth[pays], kind="stable")][:SETS_OF_ROUND]
            found += [pattern_of(space, k, room[j]) for j in best]
            if len(best):
                break
    return found


def _prices(state: Generation, solution: MasterSolution, smoothing: float) -> tuple[Floats, Floats]:
    if state.centre is None or smoothing == 0:
        return solution.class_duals, solution.pool_duals
    classes, pools = state.centre
    return (
        smoothing * classes + (1 - smoothing) * solution.class_duals,
        smoothing * pools + (1 - smoothing) * solution.pool_duals,
    )


def _exact_round(state: Generation, solution: MasterSolution, deadline_s: float) -> int:
    """Price every kind exactly at smoothed duals, then at the master's own if that brought nothing."""
    for smoothing in (state.smoothing, 0.0) if state.centre else (0.0,):
        state.exact_rounds += 1
        prices = _prices(state, solution, smoothing)
        patterns = _price_exactly(state, *prices, deadline_s)
        added = state.master.add(patterns)
        if added or state.is_over(deadline_s):
            return added
    return 0


def _price_exactly(
    state: Generation, class_duals: Floats, pool_duals: Floats, deadline_s: float
) -> list[Pattern]:
    """The best patterns of every kind at these duals; the bound and the centre of smoothing follow them."""
    space = state.space
    scale = 1.0
    found: list[Pattern] = []
    rows = np.zeros((SETS_KEPT, len(space.copies)), dtype=np.int64)
    for k, kind in enumerate(space.kinds):
        if state.is_over(deadline_s):
            return found
        value = np.where(kind.fits, class_duals, 0.0)
        allowed = np.where(kind.fits, space.copies, 0)
        limit = kind.cost - pool_duals[kind.pool] * kind.gpus
        met, most, _ = best_sets(
            value,
            allowed,
            kind.sizes,
            kind.workspace_least,
            space.conflicts,
            space.members_max,
            surrogate(value, allowed, kind.sizes),
            limit * (1 + COST_EPSILON),
            int(min(NODES_MAX, max(1_000.0, NODES_PER_S * (deadline_s - time.monotonic())))),
            rows,
        )
        kept = [rows[j] for j in range(min(met, SETS_KEPT)) if _roomy(kind, rows[j])]
        found += [pattern_of(space, k, counts) for counts in kept]
        worth = most + pool_duals[kind.pool] * kind.gpus
        if worth > kind.cost:
            scale = min(scale, kind.cost / worth)
    bound = scale * float(class_duals @ space.copies + pool_duals @ space.available)
    if bound > state.bound or state.centre is None:
        if bound > state.bound and state.bounds and state.on_bound is not None:
            state.on_bound(bound)
        state.bound = max(state.bound, bound)
        state.centre = (class_duals * scale, pool_duals * scale)
    return found


def _roomy(kind: Kind, counts: NDArray[np.int64]) -> bool:
    """Whether the set leaves room for the workspace that is planned for, beyond that of single requests."""
    here = counts > 0
    return bool(kind.sizes[here, 0] @ counts[here] + kind.workspace[here].max(initial=0.0) <= 1)
