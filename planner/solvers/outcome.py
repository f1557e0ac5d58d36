"""What a solver has to say, in one shape for every solver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from planner.plan.plan import Plan
from planner.plan.verify import gap

STAGE_TIME_MAX_S = {"balance": 5.0}  # a nicety that is worth no more


class SolverFailed(RuntimeError):
    """A solver ended in a state that we do not know how to read."""


class SolveStatus(StrEnum):
    OPTIMAL = "optimal"  # proven within the gap asked for
    FEASIBLE = "feasible"  # stopped early; a plan exists
    INFEASIBLE = "infeasible"  # proven: not all demand can be served; the plan serves what it can
    NO_INCUMBENT = "no-incumbent"  # stopped early with nothing to show


@dataclass(frozen=True, slots=True)
class SolveOutcome:
    """
    A run's result: its own status, the best verified plan, what is proven, how long it took.

    ``unsettled`` names the stages after cost that were asked for and that time did not allow to prove.
    """

    status: SolveStatus
    plan: Plan | None
    bound: float
    runtime_s: float
    unsettled: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.status is SolveStatus.NO_INCUMBENT) != (self.plan is None):
            raise ValueError(f"status {self.status} and plan disagree.")

    @property
    def gap(self) -> float | None:
        r"""Relative gap :math:`(z - \underline z)/z`; None without a plan."""
        return None if self.plan is None else gap(self.plan.objective, self.bound)


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a running solve is: seconds since its start, best cost and bound in dollars per hour.

    ``plan`` is the best verified plan so far, the same object until a better one is found; its bound is the
    fluid one. ``incumbent`` may be below its cost: of an answer that is no plan yet.
    """

    solver: str
    runtime_s: float
    incumbent: float | None
    bound: float | None
    plan: Plan | None = None

    @property
    def gap(self) -> float | None:
        """Relative gap; None while either side of it is missing."""
        if self.incumbent is None or self.bound is None:
            return None
        return max(0.0, gap(self.incumbent, self.bound))


@dataclass(frozen=True, slots=True, eq=False)
class StageResult:
    """How one stage of the objective ended: the best value reached and the limit proven for it."""

    name: str
    value: float
    bound: float
    optimal: bool


@dataclass(frozen=True, slots=True, eq=False)
class StagedResult:
    """A formulation solved stage by stage; ``solution`` has one value for each column, or is None."""

    stages: tuple[StageResult, ...]
    solution: NDArray[np.float64] | None
    infeasible: bool

    def stage(self, name: str) -> StageResult | None:
        return next((stage for stage in self.stages if stage.name == name), None)
