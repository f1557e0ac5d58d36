r"""
The restricted master of the crowded part: sets of items known so far, and leaving for the other types.

.. math::
    \min \sum_j c_j z_j + \sum_i o_i f_i \quad\text{with}\quad
    \sum_j a_{ij} z_j + f_i \ge 1 \;(\pi_i), \quad \sum_{j \text{ of } g} n_j z_j \le A_g \;(\eta_g)
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.solvers.mixed.crowded import CrowdedPart
from planner.solvers.mixed.kinds import Kind
from planner.solvers.outcome import SolverFailed

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A set of items, some perhaps in part, as a sub-cluster of a kind."""

    kind: Kind
    items: Integers
    amount: Floats


@dataclass(frozen=True, slots=True, eq=False)
class MasterSolution:
    """Value, dollars per hour of each item (K,), and of a GPU of each crowded type beyond its price."""

    value: float
    prices: Floats
    scarcity: Floats


class CrowdedMaster:
    """Columns known so far; ``available`` are the GPUs of each crowded type."""

    def __init__(self, part: CrowdedPart, available: Floats, seed: int) -> None:
        self.part = part
        self.columns: list[Column] = []
        self._leaving = np.flatnonzero(np.isfinite(part.outside))
        self._solver = highspy.Highs()
        self._solver.silent()
        for option, value in (("threads", 1), ("random_seed", seed), ("presolve", "off")):
            self._solver.setOptionValue(option, value)
        nothing = np.array([], dtype=np.int32)
        for _ in range(len(part)):
            self._solver.addRow(1.0, highspy.kHighsInf, 0, nothing, np.array([]))
        for gpus in available:
            self._solver.addRow(-highspy.kHighsInf, float(gpus), 0, nothing, np.array([]))
        for i in self._leaving:
            row = np.array([i], dtype=np.int32)
            self._solver.addCol(float(part.outside[i]), 0.0, highspy.kHighsInf, 1, row, np.ones(1))

    def add(self, column: Column) -> None:
        kind = column.kind
        rows = np.append(column.items, len(self.part) + self.part.types.index(kind.gpu_type))
        values = np.append(column.amount, float(kind.gpus))
        self._solver.addCol(kind.cost, 0.0, highspy.kHighsInf, len(rows), rows.astype(np.int32), values)
        self.columns.append(column)

    def solve(self, deadline_s: float) -> MasterSolution | None:
        """The linear program's optimum; None where there is none, or time is over."""
        limit = self._solver.getRunTime() + max(0.01, deadline_s - time.monotonic())
        self._solver.setOptionValue("time_limit", limit)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kTimeLimit):
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed(f"HiGHS ended the crowded part's master with {status.name}.")
        duals = np.array(self._solver.getSolution().row_dual)
        count = len(self.part)
        return MasterSolution(
            value=float(self._solver.getInfo().objective_function_value),
            prices=np.maximum(duals[:count], 0.0),
            scarcity=np.maximum(-duals[count:], 0.0),
        )


def singles(part: CrowdedPart, kinds: list[Kind]) -> list[Column]:
    """Every item alone in the cheapest kind that holds it."""
    found: dict[int, Kind] = {}
    for kind in sorted(kinds, key=lambda kind: -kind.cost):
        for i in kind.items:
            found[int(i)] = kind
    return [Column(kind, np.array([i]), np.ones(1)) for i, kind in sorted(found.items())]
