r"""
Pricing a kind where large items are whole: every set of them that fits, small ones in part.

Few large items fit into a GPU's memory, so all their sets S can be listed. Duals :math:`\lambda \ge 0` of the
knapsack's rows, of whatever prices :math:`\pi`, say of each set that with it nothing is worth more than

.. math::
    \sum_r \lambda_r + \sum_{i \in S} (\pi_i - \lambda a_i)
    + \sum_{i \text{ small}} \max(0, \pi_i - \lambda a_i)

(Benders 1962). So a linear program is solved only for the set that may be worth most, until it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.solvers.mixed.crowded import WHOLE_DAY, CrowdedPart
from planner.solvers.mixed.knapsack import Knapsack

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LARGE_LEAST = 0.1  # of a GPU's memory
SETS_MAX = 5_000
PROGRAMS_MAX = 60  # linear programs for one kind at one time
CLOSE = 1e-7  # relative to the best set's worth


@dataclass(frozen=True, slots=True, eq=False)
class LargeSets:
    """Large ``items`` (L,) of a part, and ``members`` (S, L): which of them each set holds."""

    items: Integers
    members: NDArray[np.bool_]


def large_sets(part: CrowdedPart, gpu_type: int) -> LargeSets:
    """The heaviest items, as many as have no more than ``SETS_MAX`` sets that fit, and these sets."""
    weights = np.where(part.epoch == WHOLE_DAY, part.tables.weights_gib[part.model, gpu_type], 0.0)
    shares = weights / part.tables.usable_gib[gpu_type]
    order = np.argsort(-shares, kind="stable")
    heaviest = order[shares[order] >= LARGE_LEAST]
    sets: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    taken = 0
    for at, i in enumerate(heaviest):
        more = [((*held, at), sum_ + shares[i]) for held, sum_ in sets if sum_ + shares[i] <= 1 + 1e-9]
        if len(sets) + len(more) > SETS_MAX:
            break
        sets += more
        taken = at + 1
    members = np.zeros((len(sets), taken), dtype=bool)
    for row, (held, _) in zip(members, sets, strict=True):
        row[list(held)] = True
    return LargeSets(heaviest[:taken], members)


class LargeKnapsack:
    """A kind's pricing problem with its large items whole, going on from that with all in part."""

    def __init__(self, relaxed: Knapsack, sets: LargeSets) -> None:
        self.kind = relaxed.kind
        self._relaxed = relaxed
        large = np.isin(self.kind.items, sets.items)
        self._large, self._small = np.flatnonzero(large), np.flatnonzero(~large)
        at = [int(np.flatnonzero(sets.items == i)[0]) for i in self.kind.items[self._large]]
        others = np.setdiff1d(np.arange(len(sets.items)), at)
        members = sets.members[~sets.members[:, others].any(axis=1)][:, at].astype(np.float64)
        used = members @ relaxed.rows[self._large]
        self._sets = members[(used <= 1 + 1e-9).all(axis=1)]
        self._duals: list[Floats] = [relaxed.duals]

    def most(self, value: Floats, enough: float) -> tuple[float, Floats]:
        """
        A worth that no set exceeds, and how much of each item makes the best one found.

        ``value`` (K,) is of all items. Nothing of any where no set is worth more than ``enough``.
        """
        own = value[self.kind.items]
        nothing = np.zeros(len(own))
        prices = np.stack(self._duals)
        left = own - prices @ self._relaxed.rows.T
        known = float((prices.sum(axis=1) + np.maximum(left, 0.0).sum(axis=1)).min())
        if known <= enough:
            return known, nothing
        worth = self._bounds(prices, left)
        best, found = -np.inf, nothing
        for _ in range(PROGRAMS_MAX):
            at = int(worth.argmax())
            if worth[at] <= max(enough, best * (1 + CLOSE)):
                break
            reached, amount, duals = self._with_set(own, self._sets[at])
            self._duals.append(duals)
            worth = np.minimum(worth, self._bounds(duals[None], (own - self._relaxed.rows @ duals)[None]))
            if reached > best:
                best, found = reached, amount
        return float(worth.max()), found if best > enough else nothing

    def _bounds(self, prices: Floats, left: Floats) -> Floats:
        """(sets,) what each is worth at most; (D, R) prices of rows leave (D, S) of the items'."""
        rest = prices.sum(axis=1) + np.maximum(left[:, self._small], 0.0).sum(axis=1)
        return np.asarray((rest[:, None] + left[:, self._large] @ self._sets.T).min(axis=0))

    def _with_set(self, own: Floats, held: Floats) -> tuple[float, Floats, Floats]:
        """The linear program with the large items as the set has them: its worth, its point, its duals."""
        solver, count = self._relaxed.solver, len(own)
        columns = np.arange(count, dtype=np.int32)
        lower, upper = np.zeros(count), np.ones(count)
        lower[self._large] = upper[self._large] = held
        solver.changeColsCost(count, columns, own)
        solver.changeColsBounds(count, columns, lower, upper)
        solver.run()
        solution = solver.getSolution()
        duals = np.maximum(np.array(solution.row_dual), 0.0)
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:  # by rounding: its bound says enough
            return -np.inf, np.zeros(count), duals
        return float(solver.getInfo().objective_function_value), np.array(solution.col_value), duals
