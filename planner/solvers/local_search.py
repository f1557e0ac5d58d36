"""Plans by local search: the active one kept, a first pass, more while time is left."""

from __future__ import annotations

import time

import numpy as np

from planner.plan.churn import churn_gib
from planner.problem.problem import Hardness
from planner.problem.tables import CapacityTables, strict_tables
from planner.solvers.draft import DraftCluster
from planner.solvers.filling import fill
from planner.solvers.greedy import CHURN_PRICE_TIE, Packing, search
from planner.solvers.refit import running_drafts
from planner.solvers.run import Run, all_served, by_columns, is_settled

GREEDY_TIME_SHARE = 0.3
GREEDY_TIME_MAX_S = 15.0
GUIDE_TIME_MAX_S = 1.0  # for the incumbent that only guides the choice of slots
EXACT_MODELS_MAX = 250  # beyond, a formulation of some slots finds nothing in time
SEARCH_LEAST_S, SEARCH_PATIENCE = 0.5, 6
CHURN_PRICES = (0.01, 0.1, 1.0, 10.0)  # dollars per hour and GiB, tried in turn until the budget holds


def greedy_pass(run: Run) -> None:
    """A packing; filled up where it leaves demand out; dearer loads where it breaks the churn budget."""
    remaining = run.deadline_s - time.monotonic()
    if run.solver == "auto" and not by_columns(run):
        remaining = min(remaining * GREEDY_TIME_SHARE, GREEDY_TIME_MAX_S)
    elif run.solver != "greedy":
        remaining = min(remaining * GREEDY_TIME_SHARE, GUIDE_TIME_MAX_S)
    prices = churn_prices(run)
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
            if run.offer(complete(tables, packing)) is not None:
                run.churn_price = price if run.best is not before else run.churn_price
                if not soft or _within_budget(run):
                    break
        if run.best is not None and all_served(run.tables, run.best):
            break
    run.short = run.best is None or not all_served(run.tables, run.best)


def _within_budget(run: Run) -> bool:
    budget = run.problem.policy.churn_gib_max
    return budget is None or (
        run.best is not None and churn_gib(run.problem, run.best, run.problem.active_plan) <= budget
    )


def keep_active(run: Run, *, fills: bool = True) -> None:
    """
    What nobody should do worse than: the active plan with the GPUs that today's demand needs.

    With ``fills`` what has no place there is filled in, which takes minutes where it is hundreds of models.
    """
    if run.problem.active_plan is not None:
        drafts = running_drafts(run.tables, range(len(run.tables.models)))
        kept = run.offer(drafts)
        if kept is None:
            loose = np.flatnonzero((run.tables.rules.zones_min == 1) | run.tables.rules.spread_may_break)
            drafts = running_drafts(run.tables, loose)
            kept = run.offer(drafts)
        if fills and (kept is None or not all_served(run.tables, kept)):
            run.offer(fill(run.tables, drafts))


def search_on(run: Run) -> None:
    """Further greedy searches, each from another seed, until several in a row find nothing better."""
    seed, in_vain = run.seed, 0
    while (
        in_vain < SEARCH_PATIENCE
        and not run.stop()
        and not is_settled(run)
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


def complete(tables: CapacityTables, packing: Packing) -> list[DraftCluster]:
    """The packing's sub-clusters, filled up where it leaves demand out."""
    drafts = list(packing.clusters)
    return drafts if packing.complete else fill(tables, drafts)


def churn_prices(run: Run) -> tuple[float, ...]:
    budget = run.problem.policy.churn_gib_max
    return (CHURN_PRICE_TIE, *CHURN_PRICES) if budget is not None else (CHURN_PRICE_TIE,)
