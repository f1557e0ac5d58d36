r"""
The restricted master: which of the patterns known so far to use, and how often, as a linear program in HiGHS.

.. math::
    \min \sum_j c_j z_j \quad\text{with}\quad \sum_j a_{ij} z_j \ge b_i \;(\pi_i \ge 0), \quad
    \sum_{j \in p} n_j z_j \le A_p \;(\mu_p \le 0), \quad z \ge 0

Columns are added to the running solver, which goes on from the last basis.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.solvers.outcome import SolverFailed
from planner.solvers.patterns import Pattern, PatternSpace
from planner.solvers.stopping import Stop, highs_stopped_by, never

Floats = NDArray[np.float64]
COVERED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class MasterSolution:
    """Value, how often each pattern is used, duals of classes (C,) and of pools (P,)."""

    value: float
    used: Floats
    class_duals: Floats
    pool_duals: Floats


class RestrictedMaster:
    """Patterns known so far; ``fix`` and ``release`` hold some of them in the plan while diving."""

    def __init__(self, space: PatternSpace, seed: int) -> None:
        self.space = space
        self.patterns: list[Pattern] = []
        self.fixed: dict[int, int] = {}
        self._known: set[Pattern] = set()
        self._solver = highspy.Highs()
        self._solver.silent()
        for option, value in (
            ("threads", 1),
            ("random_seed", seed),
            ("presolve", "off"),
            ("simplex_strategy", 4),
        ):
            self._solver.setOptionValue(option, value)
        nothing = np.array([], dtype=np.int32)
        for count in space.copies:
            self._solver.addRow(float(count), highspy.kHighsInf, 0, nothing, np.array([]))
        for available in space.available:
            self._solver.addRow(-highspy.kHighsInf, float(available), 0, nothing, np.array([]))

    def add(self, patterns: Iterable[Pattern]) -> int:
        """Add those that are new; returns how many were."""
        added = 0
        for pattern in patterns:
            if pattern in self._known:
                continue
            self._known.add(pattern)
            self.patterns.append(pattern)
            kind = self.space.kinds[pattern.kind]
            rows = [c for c, _ in pattern.counts] + [len(self.space.copies) + kind.pool]
            values = [float(n) for _, n in pattern.counts] + [float(kind.gpus)]
            self._solver.addCol(
                kind.cost, 0.0, highspy.kHighsInf, len(rows), np.array(rows, dtype=np.int32), np.array(values)
            )
            added += 1
        return added

    def solve(self, deadline_s: float = np.inf) -> MasterSolution | None:
        """The linear program's optimum; None where fixed patterns exceed a pool, or time is over."""
        if np.isfinite(deadline_s):
            limit = self._solver.getRunTime() + max(0.01, deadline_s - time.monotonic())
            self._solver.setOptionValue("time_limit", limit)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kTimeLimit):
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed(f"HiGHS ended the restricted master with {status.name}.")
        solution = self._solver.getSolution()
        duals = np.array(solution.row_dual)
        classes = len(self.space.copies)
        return MasterSolution(
            value=float(self._solver.getInfo().objective_function_value),
            used=np.array(solution.col_value),
            class_duals=np.maximum(duals[:classes], 0.0),
            pool_duals=np.minimum(duals[classes:], 0.0),
        )

    def fix(self, column: int, count: int) -> None:
        """Use the pattern at least so often."""
        self.fixed[column] = count
        self._solver.changeColBounds(column, float(count), highspy.kHighsInf)

    def forbid(self, column: int) -> None:
        self._solver.changeColBounds(column, 0.0, 0.0)

    def release(self, columns: Iterable[int]) -> None:
        """Neither fixed nor forbidden any more."""
        for column in columns:
            self.fixed.pop(column, None)
            self._solver.changeColBounds(column, 0.0, highspy.kHighsInf)

    def left(self) -> NDArray[np.int64]:
        """(C,) items that the fixed patterns leave uncovered."""
        left = self.space.copies.copy()
        for column, times in self.fixed.items():
            for c, count in self.patterns[column].counts:
                left[c] -= count * times
        return np.maximum(left, 0)

    def whole(
        self, deadline_s: float, cost_max: float, seed: int, stop: Stop = never
    ) -> list[Pattern] | None:
        """The best plan of the known patterns, cheaper than ``cost_max``; None if none was found."""
        remaining = deadline_s - time.monotonic()
        if remaining <= 0:
            return None
        solver = highspy.Highs()
        solver.silent()
        solver.passModel(self._solver.getLp())
        columns = np.arange(len(self.patterns), dtype=np.int32)
        kinds = np.full(len(columns), int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        solver.changeColsIntegrality(len(columns), columns, kinds)
        options = (
            ("threads", 1),
            ("random_seed", seed),
            ("time_limit", remaining),
            ("objective_bound", cost_max),
            ("mip_heuristic_effort", 0.3),
            ("mip_max_improving_sols", 1),
        )
        for option, value in options:
            solver.setOptionValue(option, value)
        with highs_stopped_by(solver, stop):
            solver.run()
        if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        if solver.getInfo().objective_function_value >= cost_max - COVERED:
            return None
        used = np.round(np.array(solver.getSolution().col_value)).astype(int)
        return [self.patterns[j] for j in np.flatnonzero(used) for _ in range(used[j])]
