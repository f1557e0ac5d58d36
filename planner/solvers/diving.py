"""
Diving: from the master's fractions to a plan, by fixing patterns and generating anew for what is left.

Each step fixes the patterns that the master uses whole, or the one it uses most, and prices patterns for the
items still uncovered. A dive ends where the master's value can no longer beat the best plan. The first dive
is greedy; at shallow depth a later dive forbids what earlier ones fixed there (limited discrepancy
search: Harvey and Ginsberg 1995; in diving: Sadykov, Vanderbeck, Pessoa, Tahiri and Uchoa 2019,
"Primal heuristics for branch and price"), and once those are spent dives draw at random.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.solvers.column_generation import Generation, grown
from planner.solvers.master import MasterSolution
from planner.solvers.patterns import Pattern

DISCREPANCIES_MAX = 2
DISCREPANCY_DEPTH = 4
ROUNDS_OF_STEP = 12  # pricing rounds after each step
WHOLE = 1e-6
NOISE = 0.25  # of a pattern's use, when dives draw at random


def discrepancies() -> Iterator[tuple[int, ...]]:
    """At which depths a dive leaves the first choice, fewest departures first; () for the greedy dive."""
    yield ()
    for count in range(1, DISCREPANCIES_MAX + 1):
        yield from _departures(count, 0)


def _departures(count: int, first: int) -> Iterator[tuple[int, ...]]:
    if count == 0:
        yield ()
        return
    for depth in range(first, DISCREPANCY_DEPTH):
        for rest in _departures(count - 1, depth):
            yield (depth, *rest)


def dive(
    state: Generation,
    *,
    cost_max: float,
    departures: tuple[int, ...],
    rng: np.random.Generator | None,
    deadline_s: float,
) -> list[Pattern] | None:
    """
    Patterns that cover every item and cost less than ``cost_max``; None where the dive ended without.

    ``rng`` adds noise to the choice; the master is left as it was found, with more patterns.
    """
    master = state.master
    touched: set[int] = set()
    try:
        for depth in range(int(state.space.copies.sum()) + 1):
            solution = _resolved(state, cost_max, deadline_s)
            if solution is None:
                return None
            skipped = _forbidden(state, solution, departures.count(depth))
            if skipped:
                touched |= skipped
                solution = _resolved(state, cost_max, deadline_s)
                if solution is None:
                    return None
            chosen = _choices(state, solution, rng)
            for column, count in chosen.items():
                master.fix(column, count)
                touched.add(column)
            if not master.left().any():
                return _whole(state, cost_max)
            if not chosen:
                return None
    finally:
        master.release(touched)
    return None


def _resolved(state: Generation, cost_max: float, deadline_s: float) -> MasterSolution | None:
    """The master after pricing for what is left; None where it cannot beat ``cost_max`` or time is over."""
    left = state.master.left()
    solution = None
    for _ in range(ROUNDS_OF_STEP):
        if state.is_over(deadline_s):
            return None
        solution = state.master.solve(deadline_s)
        if solution is None:
            return None
        duals = np.where(left > 0, solution.class_duals, 0.0)
        if not state.master.add(grown(state.space, duals, solution.pool_duals, solution, left)):
            break
    if solution is None or state.settle(solution.value) >= cost_max * (1 - 1e-9):
        return None
    return solution


def _forbidden(state: Generation, solution: MasterSolution, count: int) -> set[int]:
    """Forbid the ``count`` patterns that would be chosen next."""
    order = np.argsort(-_fractions(state, solution), kind="stable")[:count]
    for column in order:
        state.master.forbid(int(column))
    return {int(column) for column in order}


def _fractions(state: Generation, solution: MasterSolution) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    free = solution.used.copy()
    for column, count in state.master.fixed.items():
        free[column] -= count
    return free


def _choices(state: Generation, solution: MasterSolution, rng: np.random.Generator | None) -> dict[int, int]:
    """What to fix now: all that is used whole, else the pattern used most."""
    free = _fractions(state, solution)
    fixed = state.master.fixed
    whole = np.flatnonzero(free > 1 - WHOLE)
    if len(whole):
        return {int(j): fixed.get(int(j), 0) + int(free[j] + WHOLE) for j in whole}
    if rng is not None:
        free = free * (1 - NOISE * rng.random(len(free)))
    best = int(np.argmax(free))
    return {best: fixed.get(best, 0) + 1} if free[best] > WHOLE else {}


def _whole(state: Generation, cost_max: float) -> list[Pattern] | None:
    chosen = [state.master.patterns[j] for j, count in state.master.fixed.items() for _ in range(count)]
    cost = sum(state.space.kinds[pattern.kind].cost for pattern in chosen)
    return chosen if cost < cost_max * (1 - 1e-9) else None
