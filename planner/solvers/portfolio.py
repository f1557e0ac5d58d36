"""One door for all solvers: a greedy incumbent first, then an exact one that starts from it."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from planner.formulation.formulation import Formulation, build
from planner.formulation.instance import build_instance
from planner.formulation.slots import choose_slots, slots_are_exact
from planner.plan.plan import Plan, PlanStatus
from planner.problem.problem import PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers import cp_sat, highs
from planner.solvers.assemble import GAP_PROVEN, rounded_up, with_bound
from planner.solvers.at_scale import is_free, search_at_scale
from planner.solvers.columns import search_columns
from planner.solvers.draft import DraftCluster
from planner.solvers.items import splittable
from planner.solvers.local_search import (
    EXACT_MODELS_MAX,
    GREEDY_TIME_SHARE,
    GUIDE_TIME_MAX_S,
    greedy_pass,
    keep_active,
    search_on,
)
from planner.solvers.outcome import SolveOutcome, SolveStatus, StagedResult
from planner.solvers.proof import Proof, met
from planner.solvers.realised import Sizes, realised
from planner.solvers.replan import replan
from planner.solvers.run import Listener, Run, by_columns, is_settled
from planner.solvers.start import drafts_of, seats, start_of
from planner.solvers.stopping import Stop, never

Floats = NDArray[np.float64]

SOLVERS = ("auto", "highs", "cp-sat", "columns", "greedy")
TIME_LIMIT_S = 60.0
MIDDLING_MODELS_MIN = 40  # below, the formulation alone is as good
SCALE_TIME_SHARE, SCALE_TIME_MAX_S = 0.2, 60.0
GUIDED_TIME_SHARE = 0.6  # of what is left, for the formulation, before proposals are looked at again
PROPOSAL_PATIENCE_S = 3.0
REPLAN_TIME_SHARE = 0.2  # kept for the choice between the active plan and the one found
REPLAN_TIME_SHARE_LARGE = 0.05  # where the candidates have been searched for
PROVEN_RPS = 1e-6  # unserved demand that counts as proven


def solve(
    problem: PlanningProblem,
    *,
    solver: str = "auto",
    time_limit_s: float = TIME_LIMIT_S,
    seed: int = 0,
    progress: Listener | None = None,
    stop: Stop = never,
    incumbent: Plan | None = None,
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
    stop
        Asked while it searches, from any thread; once it says yes the best plan so far is the result.
    incumbent
        A plan of this very problem that an interrupted solve had found: it is where exact methods start
        from, and the result is no worse. One that does not keep the problem's rules is passed over.

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
    keep_active(run, fills=not _is_large(run))
    if incumbent is not None:
        run.resume(incumbent)
    if _is_large(run):
        return _large(run, started + time_limit_s, settles)
    if _is_middling(run):
        _as_at_scale(run)
    if time.monotonic() < run.deadline_s and (run.short or run.best is None or not _is_middling(run)):
        greedy_pass(run)
    if solver == "columns" or by_columns(run):
        _columns(run)
    formulated = _wants_formulation(run) and not run.is_over
    if formulated and not (run.short or run.best is None or slots_are_exact(run.tables)):
        _guided(run)
    elif formulated:
        _formulated(run, exact=slots_are_exact(run.tables), deadline_s=run.deadline_s, seed=seed)
    if solver == "auto":
        search_on(run)
    return _concluded(run, started + time_limit_s)


def _large(run: Run, deadline_s: float, settles: bool) -> SolveOutcome:
    """The outcome for a large fleet, whose search brings the candidates for the choice along."""
    if settles:
        run.deadline_s = deadline_s - REPLAN_TIME_SHARE_LARGE * (deadline_s - run.started_s)
    search_at_scale(run)
    return _concluded(run, deadline_s)


def _concluded(run: Run, deadline_s: float) -> SolveOutcome:
    """The outcome, once it is settled whether the active plan is worth replacing."""
    settled = replan(
        run.tables, run.best, run.refits, solver=run.solver, seed=run.seed, deadline_s=deadline_s
    )
    if settled is not None:
        run.best = settled.plan
    return _outcome(run)


def _is_large(run: Run) -> bool:
    """Whether local search and the Lagrangian bound do better than anything on a formulation."""
    large = len(run.tables.models) > EXACT_MODELS_MAX
    return run.solver == "auto" and large and run.tables.reserved and not by_columns(run)


def _is_middling(run: Run) -> bool:
    """Whether the search for large fleets is worth a part of the time before the formulation has its turn."""
    models = len(run.tables.models)
    few = not MIDDLING_MODELS_MIN <= models <= EXACT_MODELS_MAX
    return run.solver == "auto" and not few and run.tables.reserved and is_free(run) and not by_columns(run)


def _wants_formulation(run: Run) -> bool:
    """Whether to solve the formulation; after columns only where it is exact, and so can prove more."""
    if run.solver in ("highs", "cp-sat") or run.short or run.best is None:
        return run.solver not in ("greedy", "columns")
    if run.solver != "auto" or (by_columns(run) and is_settled(run)):
        return False
    return not by_columns(run) or slots_are_exact(run.tables)


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
        split=splittable(run.tables),
        cost=run.best.objective,
        deadline_s=run.deadline_s,
        seed=run.seed,
        offer=offer,
        on_bound=prove,
        stop=run.stop,
    )


def _as_at_scale(run: Run) -> None:
    """The search for large fleets, for a part of the time: what it finds guides the formulation."""
    until, now = run.deadline_s, time.monotonic()
    run.deadline_s = now + min(SCALE_TIME_SHARE * (until - now), SCALE_TIME_MAX_S)
    search_at_scale(run)
    run.deadline_s = until


def _guided(run: Run) -> None:
    """
    Slots that the best plan guides, again from every better plan that they lead to.

    They bound but themselves, so every plan is bounded by the relaxation, beside; the GPUs that it proposes
    are tried before, while they come soon, and after.
    """
    tried: set[Sizes] = set()
    with Proof(run, proposing=_may_realise(run)).beside() as proof:
        if _may_realise(run):
            _realise(run, proof, tried, PROPOSAL_PATIENCE_S)
        in_vain = 0
        while not run.is_over and (not is_settled(run) or run.problem.policy.balance):
            before, now = run.best, time.monotonic()
            share = 1.0 if in_vain or not _may_realise(run) else GUIDED_TIME_SHARE
            until = now + share * (run.deadline_s - now)
            _formulated(run, exact=False, deadline_s=until, seed=run.seed + in_vain)
            in_vain = in_vain + 1 if run.best is before else 0
            _realise(run, proof, tried, np.inf if in_vain else PROPOSAL_PATIENCE_S)
            if in_vain > 1:
                return


def _may_realise(run: Run) -> bool:
    """Whether sub-clusters may be made anew: GPUs are reserved, and no fleet runs that would be torn up."""
    return run.solver == "auto" and run.tables.reserved and run.problem.active_plan is None


def _realise(run: Run, proof: Proof, tried: set[Sizes], patience_s: float) -> None:
    """Plans of what the relaxation proposes, as long as that comes in time."""
    for found in proof.proposals(run.deadline_s, patience_s):
        if _may_realise(run):
            realised(run, found.amounts, tried)
        run.report(None, run.bound)


def _formulated(run: Run, *, exact: bool, deadline_s: float, seed: int) -> None:
    formulation = formulate(run.tables, run.best)
    if not formulation.instance.slots:
        return
    start = start_of(formulation, run.best) if run.best is not None else None
    result = _back_end(run, formulation, start, deadline_s, seed)
    if result.solution is not None:
        run.offer(drafts_of(formulation, result.solution))
    cost, balance = result.stage("cost"), result.stage("balance")
    run.balanced = balance is not None and balance.optimal
    earlier = [stage for stage in result.stages if stage.name.startswith("unserved")]
    broken = [stage for stage in result.stages if stage.name.startswith("broken")]
    settled = all(stage.optimal for stage in (*broken, *(earlier if run.short else ())))
    if exact and cost is not None and settled:
        run.prove(cost.bound, "formulation")
    run.proven = run.short and any(stage.bound > PROVEN_RPS for stage in earlier)


def formulate(tables: CapacityTables, guide: Plan | None) -> Formulation:
    """The formulation that a plan guides: its slots, and which models may be split or left out in part."""
    slots, _ = choose_slots(tables, seats(tables, guide) if guide else ())
    return build(build_instance(tables, slots, split=splittable(tables), elastic=_elastic(tables, guide)))


def guided_formulation(problem: PlanningProblem, *, seed: int = 0) -> Formulation:
    """The formulation as ``solve`` would build it after a quick incumbent."""
    started = time.monotonic()
    deadline = started + GUIDE_TIME_MAX_S / GREEDY_TIME_SHARE
    run = Run(capacity_tables(problem), "highs", seed, started, deadline, None)
    greedy_pass(run)
    return formulate(run.tables, run.best)


def _guides(run: Run) -> bool:
    """Whether a formulation is asked for cost alone, and so may end where the relaxation's bound is met."""
    return run.bound_method == "relaxation" and not run.problem.policy.balance


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


def _back_end(
    run: Run, formulation: Formulation, start: Floats | None, deadline_s: float, seed: int
) -> StagedResult:
    solve_stages = cp_sat.solve_stages if run.solver == "cp-sat" else highs.solve_stages
    return solve_stages(
        formulation,
        deadline_s=deadline_s,
        seed=seed,
        start=start,
        gap=GAP_PROVEN,
        proven_zero=not run.short,
        report=lambda incumbent, bound: run.report(incumbent, bound if run.bound is None else run.bound),
        stop=lambda: run.stop() or (_guides(run) and met(run, run.reported)),
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
    unsettled = ("balance",) if run.problem.policy.balance and not run.balanced else ()
    return SolveOutcome(status, plan, plan.bound, runtime, unsettled)
