"""One door for all solvers: a greedy incumbent first, then an exact one that starts from it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.formulation.formulation import Formulation, build
from planner.formulation.instance import build_instance
from planner.formulation.slots import choose_slots, slots_are_exact
from planner.plan.churn import churn_gib
from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import gap, verify
from planner.problem.problem import PlanningProblem
from planner.problem.tables import IDLE_RPS, CapacityTables, capacity_tables
from planner.solvers import cp_sat, highs
from planner.solvers.assemble import GAP_PROVEN, assemble, rounded_up, with_bound
from planner.solvers.columns import bound_holds, columns_apply, search_columns
from planner.solvers.draft import DraftCluster
from planner.solvers.filling import fill
from planner.solvers.greedy import CHURN_PRICE_TIE, search
from planner.solvers.items import hot_parts
from planner.solvers.outcome import Progress, SolveOutcome, SolveStatus, StagedResult
from planner.solvers.relaxation import relaxed_bound
from planner.solvers.start import drafts_of, seats, start_of

Floats = NDArray[np.float64]
Listener = Callable[[Progress], None]

SOLVERS = ("auto", "highs", "cp-sat", "columns", "greedy")
TIME_LIMIT_S = 60.0
GREEDY_TIME_SHARE = 0.3
GREEDY_TIME_MAX_S = 15.0
GUIDE_TIME_MAX_S = 1.0  # for the incumbent that only guides the choice of slots
ALL_SPLIT_MODELS_MAX = 12  # in problems up to this size every model may be split
RELAXATION_TIME_SHARE, RELAXATION_TIME_MAX_S = 0.3, 20.0
SEARCH_LEAST_S, SEARCH_PATIENCE = 0.5, 6
PROVEN_RPS = 1e-6  # unserved demand that counts as proven
CHURN_PRICES = (0.01, 0.1, 1.0, 10.0)  # dollars per hour and GiB, tried in turn until the budget holds


@dataclass(slots=True)
class Run:
    """One solve in progress: its limits, the best verified plan, what is proven."""

    tables: CapacityTables
    solver: str
    seed: int
    started_s: float
    deadline_s: float
    progress: Listener | None
    best: Plan | None = None
    drafts: list[DraftCluster] = field(default_factory=list)
    bound: float | None = None
    bound_method: str = "fluid"
    proven: bool = False
    short: bool = False
    churn_price: float = CHURN_PRICE_TIE
    reported: float = field(default=float("inf"))

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
            self.report(plan.objective, None)
        return plan

    def prove(self, bound: float, method: str) -> None:
        """Keep the bound if it is the best so far, and who proved it."""
        if self.bound is None or bound > self.bound:
            self.bound, self.bound_method = bound, method

    def report(self, incumbent: float | None, bound: float | None) -> None:
        if self.progress is None:
            return
        if incumbent is not None:
            self.reported = min(self.reported, incumbent)
        shown = self.reported if np.isfinite(self.reported) else None
        proven = bound if bound is not None and np.isfinite(bound) else None
        self.progress(Progress(self.solver, time.monotonic() - self.started_s, shown, proven))


def solve(
    problem: PlanningProblem,
    *,
    solver: str = "auto",
    time_limit_s: float = TIME_LIMIT_S,
    seed: int = 0,
    progress: Listener | None = None,
) -> SolveOutcome:
    """
    Plan: the best verified plan within the time limit, and what is proven about it.

    Parameters
    ----------
    solver
        ``greedy`` alone; ``highs`` or ``cp-sat`` on the formulation, ``columns`` by column generation, from a
        quick incumbent; ``auto``: column generation where it bounds every plan, else the greedy search
        at length, then HiGHS from what it found, the better of both.
    progress
        Hears of every better incumbent and bound.

    Raises
    ------
    ValueError
        Unknown solver or a time limit that is not positive.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {solver!r}.")
    if not time_limit_s > 0:
        raise ValueError(f"time_limit_s must be positive, got {time_limit_s}.")
    started = time.monotonic()
    run = Run(capacity_tables(problem), solver, seed, started, started + time_limit_s, progress)
    if time.monotonic() < run.deadline_s:
        _greedy(run)
    if solver == "columns" or _by_columns(run):
        _columns(run)
    if _wants_formulation(run) and time.monotonic() < run.deadline_s:
        _exact(run)
    if solver == "auto":
        _search_on(run)
    return _outcome(run)


def rank(problem: PlanningProblem, plan: Plan) -> tuple[float, ...]:
    """Lexicographic worth, less is better: unserved requests/s by priority, dollars per hour, GiB loaded."""
    classes = sorted({model.priority for model in problem.models.values()})
    unserved = dict.fromkeys(classes, 0.0)
    for left in plan.unserved:
        model = problem.models[left.model]
        unserved[model.priority] += sum(
            share * max(rate, IDLE_RPS) * epoch.hours
            for share, rate, epoch in zip(left.share, model.demand_rps, problem.epochs, strict=True)
        )
    loaded = churn_gib(problem, plan, problem.active_plan)
    return (*(round(value, 6) for value in unserved.values()), round(plan.objective, 9), round(loaded, 6))


def _greedy(run: Run) -> None:
    """A packing; filled up where it leaves demand out; dearer loads where it breaks the churn budget."""
    remaining = run.deadline_s - time.monotonic()
    if run.solver == "auto" and not _by_columns(run):
        remaining = min(remaining * GREEDY_TIME_SHARE, GREEDY_TIME_MAX_S)
    elif run.solver != "greedy":
        remaining = min(remaining * GREEDY_TIME_SHARE, GUIDE_TIME_MAX_S)
    prices = (
        (CHURN_PRICE_TIE, *CHURN_PRICES)
        if run.problem.policy.churn_gib_max is not None
        else (CHURN_PRICE_TIE,)
    )
    for price in prices:
        packing = search(
            run.tables,
            deadline_s=time.monotonic() + remaining / len(prices),
            seed=run.seed,
            churn_price=price,
            on_better=lambda cost: run.report(cost, None),
        )
        drafts = list(packing.clusters)
        if run.offer(drafts if packing.complete else fill(run.tables, drafts)) is not None:
            run.churn_price = price
            break
    else:
        run.offer(_as_active(run.tables))
    run.short = run.best is None or not _all_served(run.tables, run.best)


def _by_columns(run: Run) -> bool:
    """Whether ``auto`` generates columns: they bound every plan, and the kinds of sub-clusters are few."""
    return run.solver == "auto" and columns_apply(run.tables) and bound_holds(run.tables, _split(run.tables))


def _wants_formulation(run: Run) -> bool:
    """Whether to solve the formulation; after columns only where it is exact, and so can prove more."""
    if run.solver in ("highs", "cp-sat") or run.short or run.best is None:
        return run.solver not in ("greedy", "columns")
    if run.solver != "auto" or (_by_columns(run) and _is_settled(run)):
        return False
    return not _by_columns(run) or slots_are_exact(run.tables)


def _columns(run: Run) -> None:
    """Column generation from the incumbent, where that serves everything and GPUs are reserved."""
    if run.short or run.best is None or not run.tables.reserved:
        return

    def offer(drafts: list[DraftCluster]) -> float | None:
        plan = run.offer(drafts)
        return None if plan is None else plan.objective

    def prove(bound: float) -> None:
        run.prove(rounded_up(run.problem, bound), "columns")
        run.report(None, run.bound)

    search_columns(
        run.tables,
        run.drafts,
        split=_split(run.tables),
        cost=run.best.objective,
        deadline_s=run.deadline_s,
        seed=run.seed,
        offer=offer,
        on_bound=prove,
    )


def _search_on(run: Run) -> None:
    """Further greedy searches, each from another seed, until several in a row find nothing better."""
    seed, in_vain = run.seed, 0
    while (
        in_vain < SEARCH_PATIENCE
        and not _is_settled(run)
        and run.deadline_s - time.monotonic() > SEARCH_LEAST_S
    ):
        seed, before = seed + 1, run.best
        packing = search(
            run.tables,
            deadline_s=run.deadline_s,
            seed=seed,
            churn_price=run.churn_price,
            on_better=lambda cost: run.report(cost, run.bound),
        )
        if packing.complete:
            run.offer(list(packing.clusters))
        in_vain = in_vain + 1 if run.best is before else 0


def _is_settled(run: Run) -> bool:
    """Whether further search cannot help, or is not for this: all served at a cost that is proven."""
    if run.best is None or run.short:
        return True
    bound = run.best.fluid_bound if run.bound is None else run.bound
    return gap(run.best.objective, bound) <= GAP_PROVEN


def _as_active(tables: CapacityTables) -> list[DraftCluster]:
    """The active plan over again, its demand of today: what never loads more than it must."""
    active = tables.problem.active_plan
    index = tables.model_index()
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    drafts = []
    for cluster in active.sub_clusters if active else ():
        pool = pools.get((cluster.gpu_type, cluster.zone))
        if pool is not None:
            shares = {
                index[p.model]: min(p.share) * (tables.hours > 0).astype(float)
                for p in cluster.placements
                if p.model in index and min(p.share) > 0
            }
            drafts.append(DraftCluster(pool, shares, cluster.id))
    return drafts


def _all_served(tables: CapacityTables, plan: Plan) -> bool:
    """Whether only models that no GPU type can serve are left out."""
    index = tables.model_index()
    return not any(tables.servable[index[left.model]] for left in plan.unserved)


def _exact(run: Run) -> None:
    formulation = formulate(run.tables, run.best)
    if not formulation.instance.slots:
        return
    exact = slots_are_exact(run.tables)
    if not exact and _proven_by_relaxation(run):
        return
    start = start_of(formulation, run.best) if run.best is not None else None
    result = _back_end(run, formulation, start)
    if result.solution is not None:
        run.offer(drafts_of(formulation, result.solution))
    cost = result.stage("cost")
    earlier = [stage for stage in result.stages if stage.name.startswith("unserved")]
    if exact and cost is not None and (not run.short or all(stage.optimal for stage in earlier)):
        run.prove(cost.bound, "formulation")
    run.proven = run.short and any(stage.bound > PROVEN_RPS for stage in earlier)


def _proven_by_relaxation(run: Run) -> bool:
    """
    Bound every plan where the formulation, with some slots only, bounds but its own.

    True when the incumbent meets the bound: nothing is left to search for.
    """
    if run.short or run.best is None:
        return False
    now = time.monotonic()
    share = min((run.deadline_s - now) * RELAXATION_TIME_SHARE, RELAXATION_TIME_MAX_S)
    bound = relaxed_bound(
        run.tables,
        _split(run.tables),
        deadline_s=now + share,
        seed=run.seed,
        cost_max=run.best.objective,
    )
    if bound is None:
        return False
    run.prove(rounded_up(run.problem, bound), "relaxation")
    run.report(run.best.objective, run.bound)
    return run.bound is not None and gap(run.best.objective, run.bound) <= GAP_PROVEN


def _split(tables: CapacityTables) -> set[int]:
    """Models that may be split between sub-clusters: the hot ones, and all where there are few."""
    if len(tables.models) > ALL_SPLIT_MODELS_MAX:
        return set(hot_parts(tables))
    return {m for m, model in enumerate(tables.models) if model.may_split}


def formulate(tables: CapacityTables, guide: Plan | None) -> Formulation:
    """The formulation that a plan guides: its slots, and which models may be split or left out in part."""
    slots, _ = choose_slots(tables, seats(tables, guide) if guide else ())
    return build(build_instance(tables, slots, split=_split(tables), elastic=_elastic(tables, guide)))


def guided_formulation(problem: PlanningProblem, *, seed: int = 0) -> Formulation:
    """The formulation as ``solve`` would build it after a quick incumbent."""
    started = time.monotonic()
    deadline = started + GUIDE_TIME_MAX_S / GREEDY_TIME_SHARE
    run = Run(capacity_tables(problem), "highs", seed, started, deadline, None)
    _greedy(run)
    return formulate(run.tables, run.best)


def _elastic(tables: CapacityTables, guide: Plan | None) -> set[int]:
    """Models of the most important priority class that the guide leaves short, and of all below it."""
    everything = set(range(len(tables.models)))
    if guide is None:
        return everything
    index = tables.model_index()
    short = [
        tables.models[index[u.model]].priority for u in guide.unserved if tables.servable[index[u.model]]
    ]
    if not short:
        return set()
    return {m for m in everything if tables.models[m].priority >= min(short)}


def _back_end(run: Run, formulation: Formulation, start: Floats | None) -> StagedResult:
    solve_stages = cp_sat.solve_stages if run.solver == "cp-sat" else highs.solve_stages
    return solve_stages(
        formulation,
        deadline_s=run.deadline_s,
        seed=run.seed,
        start=start,
        gap=GAP_PROVEN,
        proven_zero=not run.short,
        report=lambda incumbent, bound: run.report(incumbent, bound if run.bound is None else run.bound),
    )


def _outcome(run: Run) -> SolveOutcome:
    runtime = time.monotonic() - run.started_s
    if run.best is None:
        return SolveOutcome(SolveStatus.NO_INCUMBENT, None, 0.0, runtime)
    bound = run.best.fluid_bound if run.bound is None else run.bound
    plan = dataclasses.replace(with_bound(run.problem, run.best, bound, run.bound_method), solver=run.solver)
    hopeless = not run.tables.servable.all()
    if plan.status is PlanStatus.PARTIAL and (run.proven or hopeless):
        status = SolveStatus.INFEASIBLE
    else:
        status = SolveStatus.OPTIMAL if plan.gap <= GAP_PROVEN else SolveStatus.FEASIBLE
    return SolveOutcome(status, plan, plan.bound, runtime)
