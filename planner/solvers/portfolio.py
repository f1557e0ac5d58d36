"""One door for all solvers: a greedy incumbent first, then an exact one that starts from it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.formulation.formulation import Formulation, build
from planner.formulation.instance import build_instance
from planner.formulation.slots import choose_slots, slots_are_exact
from planner.plan.churn import churn_gib
from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import gap, verify
from planner.problem.problem import Hardness, PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables, strict_tables
from planner.solvers import cp_sat, highs
from planner.solvers.assemble import GAP_PROVEN, assemble, rounded_up, with_bound
from planner.solvers.draft import DraftCluster
from planner.solvers.filling import fill
from planner.solvers.greedy import CHURN_PRICE_TIE, Packing, Searching, search
from planner.solvers.items import hot_parts
from planner.solvers.lagrangian import lagrangian_bound
from planner.solvers.outcome import Progress, SolveOutcome, SolveStatus, StagedResult
from planner.solvers.rank import rank
from planner.solvers.relaxation import relaxed_bound
from planner.solvers.replan import replan
from planner.solvers.reserves import may_join
from planner.solvers.start import drafts_of, seats, start_of
from planner.solvers.stopping import Stop, never

Floats = NDArray[np.float64]
Listener = Callable[[Progress], None]

SOLVERS = ("auto", "highs", "cp-sat", "greedy")
TIME_LIMIT_S = 60.0
GREEDY_TIME_SHARE = 0.3
GREEDY_TIME_MAX_S = 15.0
GUIDE_TIME_MAX_S = 1.0  # for the incumbent that only guides the choice of slots
EXACT_MODELS_MAX = 250  # beyond, a formulation of some slots finds nothing in time
BOUND_TIME_SHARE = 0.5  # of the time limit, on a core of its own
PLAN_TIME_FACTOR = 1.5  # a last plan may take so much longer to put together than the first did
ALL_SPLIT_MODELS_MAX = 12  # in problems up to this size every model may be split
RELAXATION_TIME_SHARE, RELAXATION_TIME_MAX_S = 0.3, 20.0
REPLAN_TIME_SHARE = 0.2  # kept for the choice between the active plan and the one found
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
    stop: Stop = never
    best: Plan | None = None
    bound: float | None = None
    bound_method: str = "fluid"
    proven: bool = False
    short: bool = False
    balanced: bool = False
    churn_price: float = CHURN_PRICE_TIE
    searched: CapacityTables | None = None  # those of the first pass that serves all, else of the last
    reported: float = field(default=float("inf"))

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
            self.best = plan
            self.report(plan.objective, None)
        return plan

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
    stop: Stop = never,
) -> SolveOutcome:
    """
    Plan: the best verified plan within the time limit, and what is proven about it.

    Parameters
    ----------
    solver
        ``greedy`` alone; ``highs`` or ``cp-sat`` on the formulation, from a quick incumbent; ``auto``:
        the greedy search at length, then HiGHS from what it found, the better of both.
    progress
        Hears of every better incumbent and bound.
    stop
        Asked while it searches, from any thread; once it says yes the best plan so far is the result.

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
    settles = problem.active_plan is not None and problem.policy.replan_worth_min is not None
    deadline = started + time_limit_s * (1 - REPLAN_TIME_SHARE if settles else 1)
    run = Run(capacity_tables(problem), solver, seed, started, deadline, progress, stop)
    _keep_active(run)
    if solver == "auto" and len(problem.models) > EXACT_MODELS_MAX and run.tables.reserved:
        _at_scale(run)
        return _concluded(run, started + time_limit_s)
    if time.monotonic() < run.deadline_s:
        _greedy(run)
    if solver != "greedy" and not run.is_over:
        _exact(run)
    if solver == "auto":
        _search_on(run)
    return _concluded(run, started + time_limit_s)


def _concluded(run: Run, deadline_s: float) -> SolveOutcome:
    """The outcome, once it is settled whether the active plan is worth replacing."""
    settled = replan(run.tables, run.best, solver=run.solver, seed=run.seed, deadline_s=deadline_s)
    if settled is not None:
        run.best = settled.plan
    return _outcome(run)


def _greedy(run: Run) -> None:
    """A packing; filled up where it leaves demand out; dearer loads where it breaks the churn budget."""
    remaining = run.deadline_s - time.monotonic()
    if run.solver == "auto":
        remaining = min(remaining * GREEDY_TIME_SHARE, GREEDY_TIME_MAX_S)
    elif run.solver != "greedy":
        remaining = min(remaining * GREEDY_TIME_SHARE, GUIDE_TIME_MAX_S)
    prices = _churn_prices(run)
    soft = run.problem.policy.hardness.churn is Hardness.SOFT
    passes = [strict_tables(run.tables), run.tables] if run.tables.rules.lenient else [run.tables]
    for tables in passes:
        run.searched = tables
        for price in prices:
            packing = search(
                tables,
                deadline_s=time.monotonic() + remaining / len(prices) / len(passes),
                seed=run.seed,
                churn_price=price,
                on_better=lambda cost: run.report(cost, None),
                stop=run.stop,
            )
            before = run.best
            if run.offer(_complete(tables, packing)) is not None:
                run.churn_price = price if run.best is not before else run.churn_price
                if not soft or _within_budget(run):
                    break
        if run.best is not None and _all_served(run.tables, run.best):
            break
    run.short = run.best is None or not _all_served(run.tables, run.best)


def _within_budget(run: Run) -> bool:
    budget = run.problem.policy.churn_gib_max
    return budget is None or (
        run.best is not None and churn_gib(run.problem, run.best, run.problem.active_plan) <= budget
    )


def _keep_active(run: Run) -> None:
    """What nobody should do worse than: the active plan with the GPUs that today's demand needs."""
    if run.problem.active_plan is not None:
        drafts = _as_active(run.tables, range(len(run.tables.models)))
        kept = run.offer(drafts)
        if kept is None:
            loose = np.flatnonzero((run.tables.rules.zones_min == 1) | run.tables.rules.spread_may_break)
            drafts = _as_active(run.tables, loose)
            kept = run.offer(drafts)
        if kept is None or not _all_served(run.tables, kept):
            run.offer(fill(run.tables, drafts))


def _at_scale(run: Run) -> None:
    """A first plan at once; then local search on one core, a bound for every plan on another."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        for price in _churn_prices(run):
            searching = Searching.begun(run.tables, seed=run.seed, churn_price=price)
            begun = time.monotonic()
            packing = searching.packing()
            found = run.offer(_complete(run.tables, packing))
            plan_s = time.monotonic() - begun
            if found is not None:
                break
        share = (run.deadline_s - time.monotonic()) * BOUND_TIME_SHARE
        proof = pool.submit(
            lagrangian_bound,
            run.tables,
            _split(run.tables),
            deadline_s=time.monotonic() + share,
            seed=run.seed,
        )
        searching.improve(
            run.deadline_s - PLAN_TIME_FACTOR * plan_s, lambda cost: run.report(cost, None), run.stop
        )
        run.offer(_complete(run.tables, searching.packing()))
        bound = proof.result()
    run.short = run.best is None or not _all_served(run.tables, run.best)
    if bound is not None and not run.short:
        run.bound, run.bound_method = rounded_up(run.problem, bound), "lagrangian"
        run.report(None, run.bound)


def _complete(tables: CapacityTables, packing: Packing) -> list[DraftCluster]:
    """The packing's sub-clusters, filled up where it leaves demand out."""
    drafts = list(packing.clusters)
    return drafts if packing.complete else fill(tables, drafts)


def _churn_prices(run: Run) -> tuple[float, ...]:
    budget = run.problem.policy.churn_gib_max
    return (CHURN_PRICE_TIE, *CHURN_PRICES) if budget is not None else (CHURN_PRICE_TIE,)


def _search_on(run: Run) -> None:
    """Further greedy searches, each from another seed, until several in a row find nothing better."""
    seed, in_vain = run.seed, 0
    while (
        in_vain < SEARCH_PATIENCE
        and not run.stop()
        and not _is_settled(run)
        and run.deadline_s - time.monotonic() > SEARCH_LEAST_S
    ):
        seed, before = seed + 1, run.best
        packing = search(
            run.searched or run.tables,
            deadline_s=run.deadline_s,
            seed=seed,
            churn_price=run.churn_price,
            on_better=lambda cost: run.report(cost, run.bound),
            stop=run.stop,
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


def _as_active(tables: CapacityTables, models: Iterable[int]) -> list[DraftCluster]:
    """
    The active plan over again, its demand of today: what never loads more than it must.

    Of the ``models``, those are left out that their rules keep from where they are.
    """
    active = tables.problem.active_plan
    index, wanted = tables.model_index(), set(map(int, models))
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    epochs = len(tables.hours)
    drafts = []
    for cluster in active.sub_clusters if active else ():
        pool = pools.get((cluster.gpu_type, cluster.zone))
        if pool is None:
            continue
        draft = DraftCluster(pool, {}, cluster.id)
        for placement in cluster.placements:
            m, share = index.get(placement.model, -1), _share_of(placement.share, epochs)
            if m in wanted and share.max() > 0 and may_join(tables, draft, m):
                draft.shares[m] = share
        drafts.append(draft)
    return drafts


def _share_of(share: Sequence[float], epochs: int) -> Floats:
    """An active share for each epoch of another horizon: the same where they are as many, else the least."""
    return np.array(share) if len(share) == epochs else np.full(epochs, min(share))


def _all_served(tables: CapacityTables, plan: Plan) -> bool:
    """Whether only models that no GPU type can serve are left out."""
    index = tables.model_index()
    return not any(tables.servable[index[left.model]] for left in plan.unserved)


def _exact(run: Run) -> None:
    formulation = formulate(run.tables, run.best)
    if not formulation.instance.slots:
        return
    exact = slots_are_exact(run.tables)
    if not exact and _proven_by_relaxation(run) and not run.problem.policy.balance:
        return
    start = start_of(formulation, run.best) if run.best is not None else None
    result = _back_end(run, formulation, start)
    if result.solution is not None:
        run.offer(drafts_of(formulation, result.solution))
    cost, balance = result.stage("cost"), result.stage("balance")
    run.balanced = balance is not None and balance.optimal
    earlier = [stage for stage in result.stages if stage.name.startswith("unserved")]
    broken = [stage for stage in result.stages if stage.name.startswith("broken")]
    settled = all(stage.optimal for stage in (*broken, *(earlier if run.short else ())))
    if exact and cost is not None and settled:
        run.bound, run.bound_method = cost.bound, "dual"
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
        stop=run.stop,
    )
    if bound is None:
        return False
    run.bound, run.bound_method = rounded_up(run.problem, bound), "relaxation"
    run.report(run.best.objective, run.bound)
    return gap(run.best.objective, run.bound) <= GAP_PROVEN


def _split(tables: CapacityTables) -> set[int]:
    """Models that may be split: hot ones, those to be spread over zones, and all where there are few."""
    few = len(tables.models) <= ALL_SPLIT_MODELS_MAX
    spread = set(map(int, np.flatnonzero(tables.rules.zones_min > 1)))
    return set(range(len(tables.models))) if few else set(hot_parts(tables)) | spread


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
        stop=run.stop,
    )


def _outcome(run: Run) -> SolveOutcome:
    runtime = time.monotonic() - run.started_s
    if run.best is None:
        return SolveOutcome(SolveStatus.NO_INCUMBENT, None, 0.0, runtime)
    bound = run.best.fluid_bound if run.bound is None else run.bound
    plan = dataclasses.replace(with_bound(run.problem, run.best, bound), solver=run.solver)
    hopeless = not run.tables.servable.all()
    if plan.status is PlanStatus.PARTIAL and (run.proven or hopeless):
        status = SolveStatus.INFEASIBLE
    else:
        status = SolveStatus.OPTIMAL if plan.gap <= GAP_PROVEN else SolveStatus.FEASIBLE
    unsettled = ("balance",) if run.problem.policy.balance and not run.balanced else ()
    method = run.bound_method if bound > run.best.fluid_bound else "fluid"
    return SolveOutcome(status, plan, plan.bound, runtime, unsettled, method)
