"""One solve in progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.plan.plan import Plan
from planner.plan.verify import gap, verify
from planner.problem.problem import PlanningProblem
from planner.problem.tables import CapacityTables
from planner.solvers.assemble import GAP_PROVEN, assemble
from planner.solvers.columns import bound_holds, columns_apply
from planner.solvers.draft import DraftCluster, drafts_of_plan
from planner.solvers.greedy import CHURN_PRICE_TIE
from planner.solvers.items import splittable
from planner.solvers.outcome import Progress
from planner.solvers.rank import rank
from planner.solvers.stopping import Stop, never

Floats = NDArray[np.float64]
Listener = Callable[[Progress], None]


@dataclass(slots=True)
class Run:
    """One solve in progress: its limits, the best verified plan, what is proven."""

    tables: CapacityTables
    solver: str
    seed: int
    started_s: float
    deadline_s: float
    progress: Listener | None
    stop: Stop = never
    best: Plan | None = None
    drafts: list[DraftCluster] = field(default_factory=list)
    refits: list[Plan] = field(default_factory=list)  # of the active plan, at one price of loads each
    bound: float | None = None
    bound_method: str = "fluid"
    proven: bool = False
    short: bool = False
    balanced: bool = False
    churn_price: float = CHURN_PRICE_TIE
    searched: CapacityTables | None = None  # those of the first pass that serves all, else of the last
    reported: float = field(default=float("inf"))
    proving: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        """Whether time is up or the search was asked to end."""
        return time.monotonic() >= self.deadline_s or self.stop()

    @property
    def problem(self) -> PlanningProblem:
        return self.tables.problem

    def offer(self, drafts: list[DraftCluster]) -> Plan | None:
        """Make a plan of the drafts; keep it if it is verified and better than the best."""
        plan = assemble(self.tables, drafts, solver=self.solver, seed=self.seed)
        if plan is None or verify(self.problem, plan):
            return None
        if self.best is None or rank(self.problem, plan) < rank(self.problem, self.best):
            self.best, self.drafts = plan, drafts
            self.reported = plan.objective  # more served may cost more: no cost of less is to be beaten
            self.report(plan.objective, None)
        return plan

    def resume(self, plan: Plan) -> None:
        """Take up an earlier solve's plan of this problem: what is found from here on is no worse."""
        if verify(self.problem, plan):
            return
        drafts = drafts_of_plan(self.tables, plan)
        offered = self.offer(drafts)
        if self.best is None or (
            self.best is not offered and rank(self.problem, plan) < rank(self.problem, self.best)
        ):
            self.best, self.drafts = plan, drafts
            self.reported = plan.objective
            self.report(plan.objective, None)

    def prove(self, bound: float, method: str) -> None:
        """Keep the bound if it is the best so far, and who proved it; from any thread."""
        with self.proving:
            if self.bound is None or bound > self.bound:
                self.bound, self.bound_method = bound, method

    def report(self, incumbent: float | None, bound: float | None) -> None:
        if incumbent is not None:
            self.reported = min(self.reported, incumbent)
        if self.progress is None:
            return
        shown = self.reported if np.isfinite(self.reported) else None
        proven = bound if bound is not None and np.isfinite(bound) else None
        runtime_s = time.monotonic() - self.started_s
        self.progress(Progress(self.solver, runtime_s, shown, proven, self.best))


def all_served(tables: CapacityTables, plan: Plan) -> bool:
    """Whether only models that no GPU type can serve are left out."""
    index = tables.model_index()
    return not any(tables.servable[index[left.model]] for left in plan.unserved)


def is_settled(run: Run) -> bool:
    """Whether further search cannot help, or is not for this: all served at a cost that is proven."""
    if run.best is None or run.short:
        return True
    bound = run.best.fluid_bound if run.bound is None else run.bound
    return gap(run.best.objective, bound) <= GAP_PROVEN


def by_columns(run: Run) -> bool:
    """Whether ``auto`` generates columns: they bound every plan, and the kinds of sub-clusters are few."""
    return (
        run.solver == "auto" and columns_apply(run.tables) and bound_holds(run.tables, splittable(run.tables))
    )
