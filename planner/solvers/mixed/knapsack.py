"""Pricing one kind of sub-cluster: which of its items, each at most once, are worth most together."""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from planner.solvers.mixed.kinds import Kind

Floats = NDArray[np.float64]


class Knapsack:
    """
    The linear relaxation of a kind's pricing problem, kept in HiGHS so that the next prices start warm.

    ``rows`` (S, R) are the kind's that any item uses, ``duals`` (R,) the last of these.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        used = np.flatnonzero(kind.rows.max(axis=0, initial=0.0) > 0)
        matrix = sparse.csc_matrix(kind.rows[:, used].T)
        count = len(kind.items)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = count, len(used)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.zeros(count), np.zeros(count), np.ones(count)
        lp.row_lower_, lp.row_upper_ = np.full(len(used), -np.inf), np.ones(len(used))
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        self._columns = np.arange(count, dtype=np.int32)
        self.rows = np.ascontiguousarray(kind.rows[:, used])
        self.duals = np.zeros(len(used))
        self.solver = highspy.Highs()
        self.solver.silent()
        self.solver.setOptionValue("threads", 1)
        self.solver.passModel(lp)

    def most(self, value: Floats, enough: float) -> tuple[float, Floats]:
        """
        A worth that no set exceeds, and how much of each item makes it; nothing of any up to ``enough``.

        ``value`` (K,) is of all items. The duals of another time often prove that no set is worth more than
        enough.
        """
        own = value[self.kind.items]
        known = float(self.duals.sum() + np.maximum(own - self.rows @ self.duals, 0.0).sum())
        if known <= enough:
            return known, np.zeros(len(own))
        self.solver.changeColsCost(len(self._columns), self._columns, own)
        self.solver.run()
        solution = self.solver.getSolution()
        self.duals = np.maximum(np.array(solution.row_dual), 0.0)
        return float(self.solver.getInfo().objective_function_value), np.array(solution.col_value)
