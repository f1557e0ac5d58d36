"""The HiGHS back end: arrays in, stages one after another, solution and bounds out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import highspy
import numpy as np
from highspy import HighsModelStatus
from numpy.typing import NDArray

from planner.formulation.formulation import Formulation, Stage
from planner.formulation.highs_lp import highs_lp
from planner.solvers.outcome import STAGE_TIME_MAX_S, SolverFailed, StagedResult, StageResult
from planner.solvers.stopping import Stop, highs_stopped_by, never

Floats = NDArray[np.float64]
Report = Callable[[float | None, float | None], None]

ZERO = 1e-9  # a stage's value below which its columns (none of them negative) are fixed
STAGE_TOLERANCE = (
    1e-5  # relative slack with which an earlier stage is kept; HiGHS 1.14 errs with a tighter one
)
_STOPPED_EARLY = {
    HighsModelStatus.kTimeLimit,
    HighsModelStatus.kSolutionLimit,
    HighsModelStatus.kInterrupt,
    HighsModelStatus.kIterationLimit,
}
_INFEASIBLE = {HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible}


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
    """
    Minimise the stages in order, each within what the stages before it reached.

    Parameters
    ----------
    deadline_s
        Of ``time.monotonic``; a stage not begun by then is left out.
    start
        A point to begin from; one that breaks a row is only a hint.
    proven_zero
        The start leaves nothing unserved: those stages are over before they begin.
    report
        Hears incumbent and bound of the cost stage.
    stop
        Asked while it solves; once it says yes, what was found so far is the result.
    """
    solver = _load(formulation, seed, gap)
    results: list[StageResult] = []
    solution = start if start is not None and formulation.arrays.violation(start) < 1e-6 else None
    for stage in formulation.stages:
        if proven_zero and stage.name.startswith("unserved"):
            results.append(StageResult(stage.name, 0.0, 0.0, True))
            _keep(solver, stage, 0.0)
            continue
        remaining = deadline_s - time.monotonic()
        if remaining <= 0 or stop():
            break
        remaining = min(remaining, STAGE_TIME_MAX_S.get(stage.name, remaining))
        hint = solution if solution is not None else start
        with highs_stopped_by(solver, stop):
            result, values = _solve_stage(
                solver, stage, remaining, hint, report if stage.name == "cost" else None
            )
        if result is None:
            return StagedResult(tuple(results), None, infeasible=True)
        if values is not None:
            solution = values
        results.append(result)
        if solution is None:
            break
        _keep(solver, stage, float(stage.cost @ solution))
    return StagedResult(tuple(results), solution, infeasible=False)


def _load(formulation: Formulation, seed: int, gap: float) -> highspy.Highs:
    solver = highspy.Highs()
    solver.silent()
    for option, value in (("random_seed", seed), ("threads", 1), ("mip_rel_gap", gap), ("mip_abs_gap", 1e-7)):
        solver.setOptionValue(option, value)
    if solver.passModel(highs_lp(formulation.arrays)) == highspy.HighsStatus.kError:
        raise SolverFailed("HiGHS refused the formulation's arrays.")
    return solver


def _solve_stage(
    solver: highspy.Highs, stage: Stage, time_limit_s: float, hint: Floats | None, report: Report | None
) -> tuple[StageResult | None, Floats | None]:
    """None as result: proven infeasible."""
    _aim(solver, stage)
    solver.setOptionValue(
        "time_limit", solver.getRunTime() + time_limit_s
    )  # its clock runs on over the stages
    if hint is not None:
        solution = highspy.HighsSolution()
        solution.col_value = hint.tolist()
        solver.setSolution(solution)
    listen = _listener(solver, report) if report is not None else None
    solver.run()
    if listen is not None:
        solver.cbMipImprovingSolution.unsubscribe(listen)
    status, info = solver.getModelStatus(), solver.getInfo()
    if status in _INFEASIBLE:
        return None, None
    if status != HighsModelStatus.kOptimal and status not in _STOPPED_EARLY:
        raise SolverFailed(f"HiGHS ended stage {stage.name} with {status.name}.")
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(solver.getSolution().col_value) if found else None
    bound = float(info.mip_dual_bound)
    value = float(stage.cost @ values) if values is not None else np.inf
    return StageResult(stage.name, value, min(bound, value), status == HighsModelStatus.kOptimal), values


def _aim(solver: highspy.Highs, stage: Stage) -> None:
    columns = np.arange(len(stage.cost), dtype=np.int32)
    solver.changeColsCost(len(columns), columns, stage.cost)


def _keep(solver: highspy.Highs, stage: Stage, value: float) -> None:
    """Later stages may not give up what this one reached."""
    columns = np.flatnonzero(stage.cost).astype(np.int32)
    if value <= ZERO:
        zeros = np.zeros(len(columns))
        solver.changeColsBounds(len(columns), columns, zeros, zeros)
        return
    limit = value * (1 + STAGE_TOLERANCE)
    solver.addRow(-highspy.kHighsInf, limit, len(columns), columns, stage.cost[columns])


def _listener(solver: highspy.Highs, report: Report) -> Any:
    def listen(event: Any) -> None:
        report(float(event.data_out.objective_function_value), float(event.data_out.mip_dual_bound))

    solver.cbMipImprovingSolution.subscribe(listen)
    return listen
