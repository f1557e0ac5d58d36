"""
The CP-SAT back end: the same arrays in whole numbers.

CP-SAT knows integers only, so columns and rows are scaled: shares count ten-thousandths, GiB count
1/1024, and every row of other coefficients is multiplied until its largest is about ``ROW_SCALE``.
Rounding is always to the safe side (coefficients of a row with an upper limit up, the limit
down), so that what CP-SAT finds keeps the formulation's rows. Its bounds hold for the
rounded program, which can be dearer than the formulation by what the rounding is worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from planner.formulation.builder import Arrays
from planner.formulation.formulation import Formulation, Stage
from planner.solvers.outcome import STAGE_TIME_MAX_S, SolverFailed, StagedResult, StageResult
from planner.solvers.stopping import Stop, cp_sat_stopped_by, never

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Report = Callable[[float | None, float | None], None]

SHARE_UNITS = 10_000
GIB_UNITS = 1_024
ROW_SCALE = 1e7
OBJECTIVE_SCALE = 1e9
ROUNDING = 1e-9
COLUMN_MOST = 10**9


def solve_stages(
    formulation: Formulation,
    *,
    deadline_s: float,
    seed: int,
    start: Floats | None = None,
    gap: float = 1e-4,
    proven_zero: bool = False,
    report: Report | None = None,
    stop: Stop = never,
) -> StagedResult:
    """Minimise the stages in order; parameters as for HiGHS."""
    scaled = _scale(formulation)
    results: list[StageResult] = []
    solution: Floats | None = None
    hint = start
    for stage in formulation.stages:
        if proven_zero and stage.name.startswith("unserved"):
            results.append(StageResult(stage.name, 0.0, 0.0, True))
            scaled.keep(stage, 0)
            continue
        remaining = deadline_s - time.monotonic()
        if remaining <= 0 or stop():
            break
        remaining = min(remaining, STAGE_TIME_MAX_S.get(stage.name, remaining))
        objective, unit = scaled.objective(stage)
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = remaining
        solver.parameters.random_seed = seed
        solver.parameters.num_workers = 1
        solver.parameters.relative_gap_limit = gap
        solver.parameters.catch_sigint_signal = False  # it would take the signal from whoever asks to stop
        scaled.aim(objective, hint)
        listener = _Listener(report, unit) if report is not None and stage.name == "cost" else None
        with cp_sat_stopped_by(solver, stop):
            status = solver.solve(scaled.model, listener)
        if status == cp_model.INFEASIBLE:
            return StagedResult(tuple(results), None, infeasible=True)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
            raise SolverFailed(f"CP-SAT ended stage {stage.name} with {solver.status_name(status)}.")
        if status == cp_model.UNKNOWN:
            results.append(StageResult(stage.name, np.inf, solver.best_objective_bound / unit, False))
            break
        solution = hint = scaled.read(solver)
        value = float(stage.cost @ solution)
        bound = min(value, solver.best_objective_bound / unit)
        results.append(StageResult(stage.name, value, bound, status == cp_model.OPTIMAL))
        scaled.keep(stage, round(solver.objective_value))
    return StagedResult(tuple(results), solution, infeasible=False)


class _Listener(cp_model.CpSolverSolutionCallback):
    def __init__(self, report: Report, unit: float) -> None:
        super().__init__()
        self.tell, self.unit = report, unit

    def on_solution_callback(self) -> None:
        self.tell(self.objective_value / self.unit, self.best_objective_bound / self.unit)


class _Scaled:
    """The integer program and how its columns relate to the formulation's: integer = units * value."""

    def __init__(self, arrays: Arrays) -> None:
        self.model = cp_model.CpModel()
        self.units = np.array(
            [
                _units(name, whole)
                for name, whole in zip(arrays.column_names, arrays.column_integer, strict=True)
            ]
        )
        lower = np.ceil(arrays.column_lower * self.units - ROUNDING).astype(np.int64)
        upper = np.floor(np.minimum(arrays.column_upper * self.units + ROUNDING, COLUMN_MOST)).astype(
            np.int64
        )
        self.columns = [
            self.model.new_int_var(int(low), int(high), name)
            for low, high, name in zip(lower, upper, arrays.column_names, strict=True)
        ]
        for row in range(arrays.row_count):
            inside = slice(arrays.row_starts[row], arrays.row_starts[row + 1])
            self._add(
                arrays.indices[inside], arrays.values[inside], arrays.row_lower[row], arrays.row_upper[row]
            )

    def _add(self, index: Integers, values: Floats, lower: float, upper: float) -> None:
        columns = [self.columns[i] for i in index]
        values = values / self.units[index]
        if lower == upper:
            factor = float(self.units[index].max(initial=1.0))
            whole = np.round(values * factor)
            if np.abs(whole - values * factor).max(initial=0.0) > ROUNDING:
                raise SolverFailed(
                    "an equation of the formulation has coefficients that do not scale to integers."
                )
            self.model.add(_sum(columns, whole) == round(upper * factor))
            return
        for limit, sign in ((upper, 1.0), (-lower, -1.0)):
            if np.isfinite(limit):
                signed = sign * values
                exact = [
                    f
                    for f in (1.0, float(self.units[index].max(initial=1.0)))
                    if _whole(signed * f, limit * f)
                ]
                largest = max(1e-12, float(np.abs(signed).max(initial=0.0)))
                factor = exact[0] if exact else _power_of_two(ROW_SCALE / largest)
                whole = np.ceil(signed * factor - ROUNDING)
                self.model.add(_sum(columns, whole) <= int(np.floor(limit * factor + ROUNDING)))

    def objective(self, stage: Stage) -> tuple[Integers, float]:
        """Integer coefficients, rounded down so that the bound stays one, and their unit."""
        values = stage.cost / self.units
        unit = OBJECTIVE_SCALE / max(1e-12, float(np.abs(values).max(initial=0.0)))
        return np.floor(values * unit + ROUNDING).astype(np.int64), unit

    def aim(self, objective: Integers, hint: Floats | None) -> None:
        present = np.flatnonzero(objective)
        self.model.minimize(_sum([self.columns[i] for i in present], objective[present]))
        self.model.clear_hints()
        if hint is not None:
            for column, value in zip(self.columns, np.round(hint * self.units), strict=True):
                self.model.add_hint(column, int(value))

    def keep(self, stage: Stage, value: int) -> None:
        objective, _ = self.objective(stage)
        present = np.flatnonzero(objective)
        if len(present):
            self.model.add(_sum([self.columns[i] for i in present], objective[present]) <= value)

    def read(self, solver: cp_model.CpSolver) -> Floats:
        values = np.array([solver.value(column) for column in self.columns], dtype=np.float64)
        return np.asarray(values / self.units)


def _scale(formulation: Formulation) -> _Scaled:
    return _Scaled(formulation.arrays)


def _units(name: str, whole: bool) -> float:
    if whole:
        return 1.0
    return float(SHARE_UNITS if name[0] in "fs" else GIB_UNITS)


def _whole(values: Floats, limit: float) -> bool:
    return bool(np.abs(values - np.round(values)).max(initial=0.0) < ROUNDING) and float(limit).is_integer()


def _power_of_two(factor: float) -> float:
    """The power of two below: binary fractions, 1/1024 GiB among them, stay exact."""
    return float(2.0 ** np.floor(np.log2(factor)))


def _sum(columns: list[cp_model.IntVar], coefficients: Floats | Integers) -> cp_model.LinearExpr:
    return cp_model.LinearExpr.weighted_sum(columns, [int(c) for c in coefficients])
