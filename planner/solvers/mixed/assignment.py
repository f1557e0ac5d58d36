r"""
Which GPU type each model goes to, where sub-clusters are large: a linear program over the poured fleet.

.. math::
    \min \sum_g p_g N_g \quad\text{with}\quad \sum_m \nu_{mge} f_{mg} \le N_g,\quad \sum_g f_{mg} = 1,\quad
    N_g \le A_g

with the need of a largest sub-cluster. A vertex has a model in part for at most every binding row, so
rounding costs little. Split models flow by epoch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from planner.solvers.mixed.crowded import CrowdedPart, Outside, outside_of
from planner.solvers.poured import Fleet

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class _Matrix:
    """Entries of the program, column by column; ``owners`` are model and type of each share's column."""

    first: int  # column of the first share
    rows: list[Integers] = field(default_factory=list)
    columns: list[Integers] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    owners: list[tuple[int, int]] = field(default_factory=list)

    def enter(self, rows: Integers, columns: Integers, values: Floats) -> None:
        self.rows.append(rows)
        self.columns.append(columns)
        self.values.append(values)

    def shares(self, models: Integers, gpu_type: int) -> Integers:
        """New columns, one for each of the models."""
        begin = self.first + len(self.owners)
        self.owners += [(int(m), gpu_type) for m in models]
        return np.arange(begin, begin + len(models))


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """
    Attributes
    ----------
    shares
        (M, G) mean shares of the models by GPU type.
    most
        (G,) GPUs of the sub-clusters whose need counted, 0 for types that took no part.
    throughput
        (G, E) what one GPU's work is worth, dollars per hour.
    """

    shares: Floats
    most: Integers
    throughput: Floats

    def outside(self, fleet: Fleet, part: CrowdedPart) -> Outside:
        """What items of the part cost here, and all else: together never more than the program's optimum."""
        epochs = fleet.need.shape[3]
        by_epoch = np.full((len(fleet.served), epochs), np.inf)
        whole = np.full(len(fleet.served), np.inf)
        for g in np.flatnonzero(self.most):
            need = fleet.need[:, g, self.most[g] - 1]
            with np.errstate(invalid="ignore"):
                worth = np.where(np.isfinite(need), need * self.throughput[g], np.inf)
            by_epoch = np.minimum(by_epoch, worth)
            whole = np.minimum(whole, worth.sum(axis=1))
        scarcity = np.maximum(0.0, self.throughput.sum(axis=1) - fleet.price)
        lent = float((scarcity * fleet.available)[self.most > 0].sum())
        return outside_of(fleet, part, whole, by_epoch, lent)


def assigned(
    fleet: Fleet, models: NDArray[np.bool_], available: Floats, *, deadline_s: float
) -> Assignment | None:
    """The program's optimum for these models; None where time or GPUs are not enough."""
    types = np.flatnonzero((fleet.limit > 0) & (available >= 1))
    epochs = fleet.need.shape[3]
    whole, flowing = np.flatnonzero(models & ~fleet.split), np.flatnonzero(models & fleet.split)
    placed = len(whole) + len(flowing) * epochs
    if not len(types) or not placed:
        return None
    matrix = _Matrix(len(types))
    most = np.zeros(len(fleet.limit), dtype=np.int64)
    most[types] = np.minimum(fleet.limit[types], available[types])
    for t, g in enumerate(types):
        _add_type(fleet, matrix, int(g), int(most[g]), (whole, flowing), placed + t * epochs, t)
    found = _solved(fleet, matrix, types, available, placed, deadline_s)
    if found is None:
        return None
    point, duals = found
    shares, throughput = np.zeros(fleet.need.shape[:2]), np.zeros((len(fleet.limit), epochs))
    throughput[types] = np.maximum(0.0, -duals[placed:]).reshape(len(types), epochs)
    owner = np.array(matrix.owners, dtype=np.int64).reshape(-1, 2)
    amount = point[len(types) :] / np.where(fleet.split[owner[:, 0]], epochs, 1)
    np.add.at(shares, (owner[:, 0], owner[:, 1]), amount)
    return Assignment(shares, most, throughput)


def _add_type(
    fleet: Fleet, matrix: _Matrix, g: int, most: int, models: tuple[Integers, Integers], first: int, t: int
) -> None:
    """GPUs of a type and the shares of models there; its throughput rows begin at ``first``."""
    epochs = fleet.need.shape[3]
    throughput = first + np.arange(epochs)
    matrix.enter(throughput, np.full(epochs, t), np.full(epochs, -1.0))
    need = fleet.need[:, g, most - 1]
    whole, flowing = models
    here = np.flatnonzero(np.isfinite(need[whole, 0]))
    own = matrix.shares(whole[here], g)
    matrix.enter(here, own, np.ones(len(here)))
    matrix.enter(np.tile(throughput, len(here)), np.repeat(own, epochs), need[whole[here]].ravel())
    there = np.flatnonzero(np.isfinite(need[flowing, 0]))
    by_epoch = matrix.shares(np.repeat(flowing[there], epochs), g)
    rows = len(whole) + (there[:, None] * epochs + np.arange(epochs)).ravel()
    matrix.enter(rows, by_epoch, np.ones(len(rows)))
    matrix.enter(np.tile(throughput, len(there)), by_epoch, need[flowing[there]].ravel())


def _solved(
    fleet: Fleet, matrix: _Matrix, types: Integers, available: Floats, placed: int, deadline_s: float
) -> tuple[Floats, Floats] | None:
    """The program's point and its row duals at its optimum."""
    width = matrix.first + len(matrix.owners)
    height = placed + len(types) * fleet.need.shape[3]
    entries = (np.concatenate(matrix.rows), np.concatenate(matrix.columns))
    columns = sparse.csc_matrix((np.concatenate(matrix.values), entries), shape=(height, width))
    is_placed = np.arange(height) < placed
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = width, height
    lp.col_cost_ = np.concatenate([fleet.price[types], np.zeros(len(matrix.owners))])
    lp.col_lower_ = np.zeros(width)
    lp.col_upper_ = np.concatenate([available[types], np.ones(len(matrix.owners))])
    lp.row_lower_ = np.where(is_placed, 1.0, -np.inf)
    lp.row_upper_ = np.where(is_placed, 1.0, 0.0)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = columns.indptr, columns.indices
    lp.a_matrix_.value_ = columns.data
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", max(0.1, deadline_s - time.monotonic()))
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = solver.getSolution()
    return np.array(solution.col_value), np.array(solution.row_dual)
