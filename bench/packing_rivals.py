"""Other ways of packing the same instance: best fit, and the compact model in three solvers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
import pulp
from ortools.sat.python import cp_model


@dataclass(frozen=True, slots=True)
class PackingInstance:
    """Capacity of a bin by dimension, and one tuple of sizes for each item."""

    name: str
    capacity: tuple[int, ...]
    sizes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """Bins used, a proven bound on bins, seconds."""

    bins: int
    bound: int
    seconds: float


def volume_bound(instance: PackingInstance) -> int:
    """The bins that the fullest dimension fills, rounded up."""
    total = np.array(instance.sizes, dtype=np.int64).reshape(-1, len(instance.capacity)).sum(axis=0)
    return int(max(-(-int(t) // c) for t, c in zip(total, instance.capacity, strict=True)))


def best_fit(instance: PackingInstance, time_limit_s: float) -> Result:
    """Best fit decreasing by the sum of relative sizes, into the bin that is then fullest."""
    started = time.monotonic()
    return Result(len(_bins(instance)), volume_bound(instance), time.monotonic() - started)


def _bins(instance: PackingInstance) -> list[list[int]]:
    sizes = np.array(instance.sizes, dtype=np.float64) / np.array(instance.capacity)
    room: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    bins: list[list[int]] = []
    for i in np.argsort(-sizes.sum(axis=1), kind="stable"):
        open_bins = [b for b, left in enumerate(room) if (sizes[i] <= left + 1e-9).all()]
        if open_bins:
            b = min(open_bins, key=lambda b: float((room[b] - sizes[i]).sum()))
        else:
            b = len(bins)
            bins.append([])
            room.append(np.ones(len(instance.capacity)))
        bins[b].append(int(i))
        room[b] = room[b] - sizes[i]
    return bins


def compact_cbc(instance: PackingInstance, time_limit_s: float) -> Result:
    """Binaries by item and bin, bins opened in order; CBC from the best fit."""
    return _pulp(instance, time_limit_s)


def _pulp(instance: PackingInstance, time_limit_s: float) -> Result:
    started = time.monotonic()
    fit = _bins(instance)
    items, bins = range(len(instance.sizes)), range(len(fit))
    program = pulp.LpProblem("packing", pulp.LpMinimize)
    x = [[pulp.LpVariable(f"x_{i}_{b}", cat="Binary") for b in bins] for i in items]
    y = [pulp.LpVariable(f"y_{b}", cat="Binary") for b in bins]
    program += pulp.lpSum(y)
    for i in items:
        program += pulp.lpSum(x[i]) == 1
    for b in bins:
        for d, capacity in enumerate(instance.capacity):
            program += pulp.lpSum(instance.sizes[i][d] * x[i][b] for i in items) <= capacity * y[b]
    for b in bins[1:]:
        program += y[b] <= y[b - 1]
    for b, members in enumerate(fit):
        y[b].setInitialValue(1)
        for i in items:
            x[i][b].setInitialValue(int(i in members))
    left = max(0.1, time_limit_s - (time.monotonic() - started))
    program.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=left, threads=1, warmStart=True))
    found = program.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    used = round(sum(v.value() or 0 for v in y)) if found else len(fit)
    bound = used if program.status == pulp.LpStatusOptimal and program.sol_status == 1 else 0
    return Result(min(used, len(fit)), max(bound, volume_bound(instance)), time.monotonic() - started)


def compact_highs(instance: PackingInstance, time_limit_s: float) -> Result:
    """The same program in HiGHS, from the best fit."""
    started = time.monotonic()
    fit = _bins(instance)
    items, bins, dims = len(instance.sizes), len(fit), len(instance.capacity)
    columns = items * bins + bins
    solver = highspy.Highs()
    solver.silent()
    solver.addVars(columns, np.zeros(columns), np.ones(columns))
    every = np.arange(columns, dtype=np.int32)
    solver.changeColsIntegrality(columns, every, np.ones(columns, dtype=np.uint8))
    solver.changeColsCost(bins, every[items * bins :], np.ones(bins))
    for i in range(items):
        solver.addRow(1.0, 1.0, bins, every[i * bins : (i + 1) * bins], np.ones(bins))
    sizes = np.array(instance.sizes, dtype=np.float64).reshape(items, dims)
    for b in range(bins):
        here = np.append(np.arange(items) * bins + b, items * bins + b).astype(np.int32)
        for d, capacity in enumerate(instance.capacity):
            solver.addRow(-highspy.kHighsInf, 0.0, items + 1, here, np.append(sizes[:, d], -float(capacity)))
        if b:
            pair = np.array([items * bins + b - 1, items * bins + b], dtype=np.int32)
            solver.addRow(0.0, highspy.kHighsInf, 2, pair, np.array([1.0, -1.0]))
    start = np.zeros(columns)
    start[items * bins :] = 1.0
    for b, members in enumerate(fit):
        start[np.array(members) * bins + b] = 1.0
    hint = highspy.HighsSolution()
    hint.col_value = start.tolist()
    solver.setSolution(hint)
    left = max(0.1, time_limit_s - (time.monotonic() - started))
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", left)
    solver.run()
    info = solver.getInfo()
    bound = int(np.ceil(info.mip_dual_bound - 1e-6)) if np.isfinite(info.mip_dual_bound) else 0
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    used = round(info.objective_function_value) if found else bins
    return Result(min(used, bins), max(bound, volume_bound(instance)), time.monotonic() - started)


def compact_cp_sat(instance: PackingInstance, time_limit_s: float) -> Result:
    """The same program in CP-SAT, one worker, from the best fit."""
    started = time.monotonic()
    fit = _bins(instance)
    items, bins = range(len(instance.sizes)), range(len(fit))
    model = cp_model.CpModel()
    x = [[model.new_bool_var(f"x_{i}_{b}") for b in bins] for i in items]
    y = [model.new_bool_var(f"y_{b}") for b in bins]
    for i in items:
        model.add_exactly_one(x[i])
    for b in bins:
        for d, capacity in enumerate(instance.capacity):
            model.add(sum(instance.sizes[i][d] * x[i][b] for i in items) <= capacity * y[b])
        if b:
            model.add_implication(y[b], y[b - 1])
    for b, members in enumerate(fit):
        model.add_hint(y[b], 1)
        for i in items:
            model.add_hint(x[i][b], int(i in members))
    model.minimize(sum(y))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = max(0.1, time_limit_s - (time.monotonic() - started))
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    used = round(solver.objective_value) if found else len(fit)
    bound = int(np.ceil(solver.best_objective_bound - 1e-6))
    return Result(min(used, len(fit)), max(bound, volume_bound(instance)), time.monotonic() - started)


RIVALS: dict[str, Callable[[PackingInstance, float], Result]] = {
    "best fit": best_fit,
    "compact, CBC": compact_cbc,
    "compact, HiGHS": compact_highs,
    "compact, CP-SAT": compact_cp_sat,
}
