"""
Fleets of hundreds of models and more: a plan on one core, a bound for every plan on another.

The poured fleet's multipliers say which GPU types are crowded (``planner.solvers.mixed``). For these,
sub-clusters are searched for first, models leaving them where they are cheaper elsewhere; what has left is
then packed on all that remains. Where nothing is crowded everything is packed at once. Models that rules
tie to places are packed with what remains (``planner.solvers.free``).

A fleet that runs is refitted first (``planner.solvers.refits``), then dealt as if nothing ran.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from planner.plan.plan import Plan
from planner.problem.problem import Hardness
from planner.problem.tables import CapacityTables
from planner.solvers.assemble import rounded_up
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.dual_guess import Guess, guess
from planner.solvers.free import afresh, as_the_rules_allow, pinned_apart, without
from planner.solvers.greedy import Searching
from planner.solvers.items import splittable
from planner.solvers.lagrangian import lagrangian_bound
from planner.solvers.lean import growable_tables, lean_tables
from planner.solvers.levelling import levelled
from planner.solvers.levelling.company import tied
from planner.solvers.local_search import churn_prices, complete, keep_active
from planner.solvers.mixed.assignment import Assignment, assigned
from planner.solvers.mixed.bound import crowded_bound
from planner.solvers.mixed.clusters import CrowdedSearch
from planner.solvers.mixed.crowded import crowded_part, crowded_types, outside_at
from planner.solvers.poured import Fleet, feasible, fleet_of
from planner.solvers.rank import rank
from planner.solvers.refit import carried
from planner.solvers.refits import refit
from planner.solvers.reserves import with_reserves
from planner.solvers.run import Run, all_served

GUESS_TIME_SHARE = 0.2  # of the time limit, at most
LAGRANGIAN_TIME_SHARE = 0.2  # of the time limit, before the crowded part is bounded
REFIT_TIME_SHARE = 0.35  # of what is left after the first plan, at most
REFIT_TIME_SHARE_ALONE = 0.9  # where the fleet may not be dealt anew
CROWDED_TIME_SHARE = 0.5  # of what is left after the first plan
CROWDED_TURNS = 3  # times that what is outside is priced anew
ASSIGNMENT_TIME_SHARE = 0.3  # of what is left then, at most
LEVELLING_TIME_SHARE = 0.8  # of what is left then: it brings more than searching on
TURN_LEAST_S = 1.0  # less is not worth another turn of searching and levelling
PLAN_TIME_FACTOR = 1.5  # a last plan may take so much longer to put together than the first did


def search_at_scale(run: Run) -> None:
    """A first plan at once; then better ones, beside bounds for every plan."""
    searching, plan_s = _first(run)
    split = splittable(run.tables)
    tables = afresh(run.tables)
    fleet = fleet_of(tables, split)
    prices = _priced(run, fleet)
    with ThreadPoolExecutor(max_workers=1) as pool:
        proof = pool.submit(_bounded, run, tables, fleet, prices, split)
        last_s = run.deadline_s - PLAN_TIME_FACTOR * plan_s
        if run.problem.active_plan is not None:
            share = REFIT_TIME_SHARE if may_deal(run) else REFIT_TIME_SHARE_ALONE
            refit(run, split, time.monotonic() + share * (last_s - time.monotonic()))
        kept = pinned_apart(tables, run.drafts)
        if may_deal(run) and _pinned(tables) <= {m for draft in kept for m in draft.shares}:
            _dealt(run, without(tables, kept), kept, prices, split, last_s)
        else:
            searching.improve(last_s, lambda cost: run.report(cost, None), run.stop)
            run.offer(complete(run.tables, searching.packing()))
        bounds = proof.result()
    if run.best is None or (not all_served(run.tables, run.best) and time.monotonic() < run.deadline_s):
        keep_active(run)  # filled up as far as rules and GPUs let it
    if run.best is None:
        run.offer(carried(run.tables))
    run.short = run.best is None or not all_served(run.tables, run.best)
    if not run.short:
        for bound, method in bounds:
            run.prove(rounded_up(run.problem, bound), method)
        run.report(None, run.bound)


def _priced(run: Run, fleet: Fleet) -> Guess:
    """Prices from a sample of the models, which tells crowded types; then from all of them."""
    until = time.monotonic() + GUESS_TIME_SHARE * (run.deadline_s - time.monotonic())
    first = guess(fleet, deadline_s=until, seed=run.seed)
    everyone = len(run.tables.models)
    types = crowded_types(fleet, first)
    second = guess(fleet, deadline_s=until, seed=run.seed, sample_max=everyone, several=types)
    return second if second.gpus.any() else first


def is_free(run: Run) -> bool:
    """Whether nothing ties models to places: no rule, no fleet that runs."""
    return run.tables.rules.is_empty and run.problem.active_plan is None


def may_deal(run: Run) -> bool:
    """
    Whether models may be dealt as if nothing ran, but for sub-clusters kept for those pinned to them.

    Not where rules may stay broken, as only the active plan says how far, nor where loads have a budget: what
    is dealt anew loads most of the fleet.
    """
    policy = run.problem.policy
    limited = policy.churn_gib_max is not None and policy.hardness.churn is not Hardness.SOFT
    return not run.tables.rules.lenient and not (limited and run.problem.active_plan is not None)


def _pinned(tables: CapacityTables) -> set[int]:
    """Models that only one running sub-cluster may hold."""
    return {m for m, pin in enumerate(tables.rules.pinned) if pin is not None}


def _dealt(
    run: Run,
    tables: CapacityTables,
    kept: list[DraftCluster],
    prices: Guess,
    split: set[int],
    deadline_s: float,
) -> None:
    """Plans of these tables' models, beside what is kept."""
    fleet = fleet_of(tables, split)
    clusters, assignment = _crowded(run, tables, fleet, prices, split, deadline_s)
    _around(run, tables, kept, clusters, assignment, split - tied(tables.rules), deadline_s)


def _first(run: Run) -> tuple[Searching, float]:
    """The greedy's plan, and the seconds that making a plan of it took."""
    for price in churn_prices(run):
        searching = Searching.begun(run.tables, seed=run.seed, churn_price=price)
        begun = time.monotonic()
        found = run.offer(complete(run.tables, searching.packing()))
        plan_s = time.monotonic() - begun
        if found is not None:
            break
    return searching, plan_s


def _bounded(
    run: Run, tables: CapacityTables, fleet: Fleet, prices: Guess, split: set[int]
) -> list[tuple[float, str]]:
    """Bounds for every plan, dollars per hour, and the method of each."""
    until = time.monotonic() + LAGRANGIAN_TIME_SHARE * (run.deadline_s - time.monotonic())
    found = [(lagrangian_bound(fleet, prices, deadline_s=until), "lagrangian")]
    crowded_bound(
        tables,
        fleet,
        prices,
        crowded_types(fleet, prices),
        split,
        deadline_s=run.deadline_s,
        seed=run.seed,
        on_bound=lambda bound: found.append((bound, "crowded")),
        stop=run.stop,
    )
    return found


def _crowded(
    run: Run,
    tables: CapacityTables,
    fleet: Fleet,
    prices: Guess,
    split: set[int],
    deadline_s: float,
) -> tuple[list[DraftCluster], Assignment | None]:
    """
    Sub-clusters of the crowded types, none where there is no such type; and where all else goes.

    What leaves the crowded types costs what the assignment of all else says, which depends on what has
    left. So both are asked in turn: each assignment's prices bound that cost from below, and the search
    goes on under the largest of them (as in Benders 1962).
    """
    types = crowded_types(fleet, prices)
    staying = split | tied(tables.rules)
    part = None
    if types:
        multipliers = feasible(fleet, prices.multipliers)
        part = crowded_part(growable_tables(tables), fleet, multipliers, types, staying, flowing=False)
    until = deadline_s - (1 - CROWDED_TIME_SHARE) * (deadline_s - time.monotonic())
    last_s = until + ASSIGNMENT_TIME_SHARE * (deadline_s - until)
    if part is None or len(part) == 0:
        return [], _elsewhere(fleet, prices, [], last_s)
    outside = [outside_at(fleet, part, multipliers)]
    search = CrowdedSearch.begun(part, fleet.available[list(types)], seed=run.seed)
    for turn in range(CROWDED_TURNS):
        left = until - time.monotonic()
        clusters = search.improve(
            outside,
            deadline_s=until - left * (CROWDED_TURNS - 1 - turn) / (CROWDED_TURNS - turn),
            stop=run.stop,
        )
        clusters = as_the_rules_allow(tables, clusters)
        assignment = _elsewhere(fleet, prices, clusters, last_s)
        if assignment is None:
            break
        outside.append(assignment.outside(fleet, part))
    return clusters, assignment


def _elsewhere(
    fleet: Fleet, prices: Guess, clusters: list[DraftCluster], deadline_s: float
) -> Assignment | None:
    """Types for what is in none of these sub-clusters."""
    available, models = fleet.available.copy(), fleet.served.copy()
    for draft in clusters:
        models[list(draft.shares)] = False
    if clusters:  # what has left the crowded types did so for the others
        available[list(crowded_types(fleet, prices))] = 0
    return assigned(fleet, models, available, deadline_s=deadline_s)


def _around(
    run: Run,
    tables: CapacityTables,
    kept: list[DraftCluster],
    clusters: list[DraftCluster],
    assignment: Assignment | None,
    split: set[int],
    deadline_s: float,
) -> None:
    """Sub-clusters for what is in none of these, on the GPUs they leave: searched and levelled in turns."""
    sized = [one for one in (size_cluster(tables, draft) for draft in clusters) if one is not None]
    price = tables.price_usd_per_hour[tables.pool_types]
    apart_cost = sum(float(one.gpus.max() * price[one.draft.pool]) for one in sized)
    tables = growable_tables(tables)
    rest = Searching.begun(lean_tables(tables), seed=run.seed, apart=sized)
    if assignment is not None:
        rest.dealt(assignment.shares)
    offers = _Offers(run, kept + clusters)
    offers.is_better(list(rest.packing().clusters))
    while (left := deadline_s - time.monotonic()) > TURN_LEAST_S and not run.stop():
        until = deadline_s - LEVELLING_TIME_SHARE * left
        rest.improve(until, lambda cost: run.report(cost + apart_cost, None), run.stop)
        drafts = list(rest.packing().clusters)
        offers.is_better(drafts)
        _level(offers, tables, drafts, split, deadline_s)


@dataclass(slots=True, eq=False)
class _Offers:
    """Plans of what is dealt beside what is fixed; the best of these alone says whether to go on."""

    run: Run
    fixed: list[DraftCluster]
    best: Plan | None = None

    def is_better(self, drafts: list[DraftCluster]) -> bool:
        """Offer these; whether they make a better plan than all before."""
        plan = self.run.offer(self.fixed + drafts)
        if plan is None:
            return False
        problem = self.run.problem
        better = self.best is None or rank(problem, plan) < rank(problem, self.best)
        self.best = plan if better else self.best
        return better


def _level(
    offers: _Offers, tables: CapacityTables, drafts: list[DraftCluster], split: set[int], deadline_s: float
) -> None:
    """Divide the traffic of split models anew, as long as that makes a better plan."""
    run = offers.run
    while (left := deadline_s - time.monotonic()) > 0 and not run.stop():
        drafts = with_reserves(tables, drafts)
        better = levelled(tables, drafts, split, time_limit_s=left, seed=run.seed, stop=run.stop)
        if better is None or not offers.is_better(better):
            return
        drafts = better
