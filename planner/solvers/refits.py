"""Refits of the active plan for a large fleet: at what price of loads, and how long each may take."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

from planner.plan.plan import Plan
from planner.problem.problem import Hardness
from planner.solvers.draft import DraftCluster
from planner.solvers.levelling.loads import PRICE_TIE
from planner.solvers.refit import refitted
from planner.solvers.replan import LEAST_LOADS_PRICE, held_gib
from planner.solvers.run import Run

CHEAPER = 0.1  # of the price that the no-change rule asks: what loads more may be worth it all the same
BUDGET_PRICE_FIRST = 0.02  # of all that is paid, for all GiB held
BUDGET_PRICE_GROWTH = 4.0  # after each failure
BUDGET_HALVINGS = 3  # of the prices between the last that broke the budget and the first that kept it
TIME_SHARE = 0.5  # of what is left, for each refit


def refit(run: Run, split: Collection[int], deadline_s: float) -> None:
    """Offer the active plan with what is worth moving moved, at each price that the problem suggests."""
    last: list[DraftCluster] = []
    for price in _prices(run):
        plan, last = _refitted(run, split, price, deadline_s, last)
        if plan is not None:
            run.refits.append(plan)
    if run.problem.policy.churn_gib_max is not None:
        _within_budget(run, split, deadline_s)


def _prices(run: Run) -> Iterator[float]:
    """The price that the rule asks of loads, and a lower one; without it loads decide between equals."""
    active, worth_min = run.problem.active_plan, run.problem.policy.replan_worth_min
    if active is None or worth_min is None:
        yield PRICE_TIE
        return
    price = worth_min * _usd_per_gib(run, active)
    yield price
    yield CHEAPER * price


def _usd_per_gib(run: Run, active: Plan) -> float:
    """What is paid by the hour for a GiB held."""
    held = held_gib(run.problem, active)
    cost = active.cost_usd_per_hour if run.best is None else run.best.cost_usd_per_hour
    return cost / held if held > 0 else 0.0


def _within_budget(run: Run, split: Collection[int], deadline_s: float) -> None:
    """Dearer loads until the budget holds; then the lowest price of them at which it does."""
    active, hardness = run.problem.active_plan, run.problem.policy.hardness
    if active is None or hardness.churn is Hardness.SOFT or run.refits:
        return
    low, high = PRICE_TIE, BUDGET_PRICE_FIRST * _usd_per_gib(run, active)
    while True:
        plan, last = _refitted(run, split, high, deadline_s, [])
        if plan is not None:
            break
        if time.monotonic() >= deadline_s or run.stop() or high > LEAST_LOADS_PRICE:
            return
        low, high = high, high * BUDGET_PRICE_GROWTH
    run.refits.append(plan)
    for _ in range(BUDGET_HALVINGS):
        middle = (low * high) ** 0.5 if low > PRICE_TIE else high / 2
        plan, found = _refitted(run, split, middle, deadline_s, last)
        if plan is None:
            low = middle
        else:
            high, last = middle, found
            run.refits.append(plan)


def _refitted(
    run: Run, split: Collection[int], price: float, deadline_s: float, begin: list[DraftCluster]
) -> tuple[Plan | None, list[DraftCluster]]:
    """One refit's plan, offered, None where there is none in time or it breaks a rule; and its drafts."""
    left = deadline_s - time.monotonic()
    if left <= 0 or run.stop():
        return None, begin
    drafts = refitted(
        run.tables,
        split,
        load_price=price,
        deadline_s=time.monotonic() + TIME_SHARE * left,
        seed=run.seed,
        stop=run.stop,
        begin=begin,
    )
    return (None, begin) if drafts is None else (run.offer(drafts), drafts)
