"""Solvers of planning problems; ``solve`` is the door to all of them."""

from planner.solvers.outcome import Progress, SolveOutcome, SolverFailed, SolveStatus
from planner.solvers.portfolio import SOLVERS, solve

__all__ = ["SOLVERS", "Progress", "SolveOutcome", "SolveStatus", "SolverFailed", "solve"]
