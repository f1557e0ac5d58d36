"""
Multipliers to begin with: a linear program over a sample of the models and some GPU counts.

The sampled models stand for all of their kind, so needs and memory of each are multiplied; what lies
between two counts is interpolated. Nothing here has to be right: ``planner.solvers.lagrangian`` prices
every model and count with what comes out, and that is the bound.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from planner.solvers.poured import Fleet, Multipliers

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COUNTS = (1, 2, 4, 8, 16, 32)  # and the most of each type
SAMPLE_MAX = 1_000
FLOWING_MAX = (
    400  # split models that may flow by epoch in the guess, the dearest; to largest sub-clusters alone
)
OPTIMALITY = 1e-5
GPUS_NOISE = 1e-3  # of an interior point


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Multipliers, and ``gpus`` (G, N) that the sampled program uses of each type and count."""

    multipliers: Multipliers
    gpus: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Models that flow by epoch, models in one piece and how many each of these stands for, kinds (g, n)."""

    flowing: Integers
    whole: Integers
    times: Floats
    kinds: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """Columns of one kind of variable: rows, columns and values of the matrix."""

    rows: Integers
    columns: Integers
    values: Floats
    count: int


def guess(
    fleet: Fleet,
    *,
    deadline_s: float,
    seed: int,
    sample_max: int = SAMPLE_MAX,
    several: Collection[int] | None = None,
) -> Guess:
    """
    The sampled program's dual, spread over all counts; equal shares of the price where it has none.

    ``several`` are the types of which sub-clusters of several counts take part, by default all of them; of
    the others only the largest does.
    """
    sample = _sampled(fleet, sample_max, range(len(fleet.limit)) if several is None else several)
    epochs, functions = fleet.need.shape[3], fleet.memory.shape[2]
    shape = (len(sample.kinds), epochs)
    types, counts = fleet.need.shape[1:3]
    gpus = np.zeros((types, counts))
    solved = _solved(fleet, sample, deadline_s, seed)
    if solved is None:
        equal = np.ones((types, counts, epochs)), np.zeros((types, counts, functions)), np.zeros(types)
        return Guess(Multipliers(*equal), gpus)
    duals, lent = solved
    for (g, n), used in zip(sample.kinds, lent, strict=True):
        gpus[g, n - 1] = used if used > GPUS_NOISE else 0.0
    first = len(sample.whole) + len(sample.flowing) * epochs
    second = first + len(sample.kinds) * epochs
    third = second + len(sample.kinds) * functions
    throughput = _spread(fleet, sample, duals[first:second].reshape(shape))
    memory = _spread(fleet, sample, duals[second:third].reshape(len(sample.kinds), functions))
    return Guess(Multipliers(throughput, memory, np.maximum(0.0, duals[third:])), gpus)


def _sampled(fleet: Fleet, sample_max: int, several: Collection[int]) -> _Sample:
    """The dearest split models, and every k-th of the others by type and cost."""
    at_most = np.maximum(fleet.limit - 1, 0)
    peak = fleet.need[:, np.arange(len(at_most)), at_most].max(axis=2)
    cost = np.where(fleet.limit > 0, peak * fleet.price, np.inf)
    cheapest, where = cost.min(axis=1), cost.argmin(axis=1)
    split = np.flatnonzero(fleet.split & fleet.served)
    flowing = split[np.argsort(-cheapest[split], kind="stable")][:FLOWING_MAX]
    rest = np.setdiff1d(np.flatnonzero(fleet.served), flowing)
    heavy = (fleet.memory[rest, where[rest], 0] * 8).astype(np.int64)
    rest = rest[np.lexsort((cheapest[rest], heavy, where[rest]))]
    groups = np.array_split(rest, max(1, min(len(rest), sample_max)))
    groups = [group for group in groups if len(group)]
    whole = np.array([group[len(group) // 2] for group in groups], dtype=np.int64)
    times = np.array(
        [cheapest[group].sum() / max(cheapest[group[len(group) // 2]], 1e-12) for group in groups]
    )
    kinds = [
        (g, n)
        for g, most in enumerate(fleet.limit)
        for n in sorted({*(COUNTS if g in several else ()), int(most)})
        if 1 <= n <= most
    ]
    return _Sample(np.sort(flowing), whole, np.minimum(times, 1e6), tuple(kinds))


def _solved(fleet: Fleet, sample: _Sample, deadline_s: float, seed: int) -> tuple[Floats, Floats] | None:
    """
    Row duals by the interior point method, without the sign of a minimisation, and the kinds' GPUs.

    None in lack of time.
    """
    epochs, functions = fleet.need.shape[3], fleet.memory.shape[2]
    placed = len(sample.whole) + len(sample.flowing) * epochs
    blocks, count = [], 0
    for block in (_whole, _flowing, _lent):
        entries = block(fleet, sample, count)
        blocks.append(entries)
        count += entries.count
    rows = placed + len(sample.kinds) * (epochs + functions) + len(fleet.available)
    matrix = sparse.csc_matrix(
        (
            np.concatenate([b.values for b in blocks]),
            (np.concatenate([b.rows for b in blocks]), np.concatenate([b.columns for b in blocks])),
        ),
        shape=(rows, count),
    )
    cost = np.zeros(count)
    cost[count - len(sample.kinds) :] = [fleet.price[g] for g, _ in sample.kinds]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = count, rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(count), np.full(count, np.inf)
    lp.row_lower_ = np.where(np.arange(rows) < placed, 1.0, -np.inf)
    lp.row_upper_ = np.concatenate(
        [np.ones(placed), np.zeros(rows - placed - len(fleet.available)), fleet.available]
    )
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    solver.silent()
    for option, value in (
        ("solver", "ipm"),
        ("run_crossover", "off"),
        ("threads", 1),
        ("random_seed", seed),
        ("ipm_optimality_tolerance", OPTIMALITY),
        ("time_limit", max(0.1, deadline_s - time.monotonic())),
    ):
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    solver.run()
    solution = solver.getSolution()
    duals = -np.array(solution.row_dual)
    if len(duals) != rows or not np.isfinite(duals).all() or not duals.any():
        return None
    return duals, np.array(solution.col_value)[count - len(sample.kinds) :]


def _whole(fleet: Fleet, sample: _Sample, first: int) -> _Entries:
    """Shares of the models in one piece; more of them than one GPU's worth are as many copies."""
    epochs, functions = fleet.need.shape[3], fleet.memory.shape[2]
    placed = len(sample.whole) + len(sample.flowing) * epochs
    rows, columns, values, count = [], [], [], 0
    for k, (g, n) in enumerate(sample.kinds):
        need = fleet.need[sample.whole, g, n - 1]
        here = np.flatnonzero(np.isfinite(need[:, 0]))
        own = first + count + np.arange(len(here))
        copies = n * np.maximum(1.0, need[here].max(axis=1) / n)
        at = placed + k * epochs + np.arange(epochs)
        kept = placed + len(sample.kinds) * epochs + k * functions + np.arange(functions)
        rows += [here, np.tile(at, len(here)), np.tile(kept, len(here))]
        columns += [own, np.repeat(own, epochs), np.repeat(own, functions)]
        shares = fleet.memory[sample.whole[here], g] * copies[:, None]
        times = sample.times[here, None]
        values += [np.ones(len(here)), (need[here] * times).ravel(), (shares * times).ravel()]
        count += len(here)
    return _Entries(_joined(rows), _joined(columns), np.concatenate([*values, np.zeros(0)]), count)


def _flowing(fleet: Fleet, sample: _Sample, first: int) -> _Entries:
    """Shares by epoch of the dearest split models."""
    epochs = fleet.need.shape[3]
    placed = len(sample.whole) + len(sample.flowing) * epochs
    rows, columns, values, count = [], [], [], 0
    largest = [(k, g, n) for k, (g, n) in enumerate(sample.kinds) if n == fleet.limit[g]]
    for at, m in enumerate(sample.flowing):
        for k, g, n in largest:
            need = fleet.need[m, g, n - 1]
            if np.isfinite(need[0]):
                own = first + count + np.arange(epochs)
                rows += [len(sample.whole) + at * epochs + np.arange(epochs)]
                rows += [placed + k * epochs + np.arange(epochs)]
                columns += [own, own]
                values += [np.ones(epochs), need * fleet.slack[m, g]]
                count += epochs
    return _Entries(_joined(rows), _joined(columns), np.concatenate([*values, np.zeros(0)]), count)


def _lent(fleet: Fleet, sample: _Sample, first: int) -> _Entries:
    """GPUs of each kind: what they carry in every epoch, hold, and take from their type's inventory."""
    epochs, functions = fleet.need.shape[3], fleet.memory.shape[2]
    kinds = len(sample.kinds)
    placed = len(sample.whole) + len(sample.flowing) * epochs
    own = first + np.arange(kinds)
    kept = placed + kinds * epochs
    rows = [placed + np.arange(kinds * epochs), kept + np.arange(kinds * functions)]
    rows += [kept + kinds * functions + np.array([g for g, _ in sample.kinds], dtype=np.int64)]
    columns = [np.repeat(own, epochs), np.repeat(own, functions), own]
    values = [-np.ones(kinds * (epochs + functions)), np.ones(kinds)]
    return _Entries(_joined(rows), _joined(columns), np.concatenate(values), kinds)


def _joined(parts: list[Integers]) -> Integers:
    return np.concatenate([*parts, np.zeros(0, dtype=np.int64)])


def _spread(fleet: Fleet, sample: _Sample, duals: Floats) -> Floats:
    """(G, N, ...) the kinds' duals, linear in the logarithm of the count between them."""
    types, counts = fleet.need.shape[1:3]
    found = np.zeros((types, counts, duals.shape[1]))
    at = np.log(np.arange(1, counts + 1))
    for g in range(types):
        mine = [k for k, (kind, _) in enumerate(sample.kinds) if kind == g]
        known = np.log([sample.kinds[k][1] for k in mine]) if mine else np.zeros(0)
        for column in range(duals.shape[1] if mine else 0):
            found[g, :, column] = np.interp(at, known, np.maximum(0.0, duals[mine, column]))
    return found
