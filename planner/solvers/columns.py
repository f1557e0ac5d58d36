"""
The column generation solver: root, dives and the master in whole numbers, in turn.

It packs items that live whole, and hot models in equal parts, into sub-clusters reserved for the horizon.
Its bound holds for every plan where no model may be split and nothing is estimated (see ``bound_holds``).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Sequence

import numpy as np

from planner.problem.tables import CapacityTables
from planner.solvers.assemble import GAP_PROVEN, rounded_up
from planner.solvers.column_generation import Generation, generate
from planner.solvers.diving import discrepancies, dive
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.items import Items, hot_parts, items_of
from planner.solvers.master import RestrictedMaster
from planner.solvers.patterns import (
    Pattern,
    PatternSpace,
    drafts_of_patterns,
    pattern_of,
    pattern_space,
    patterns_of,
)
from planner.solvers.relaxation_program import batching_slack
from planner.solvers.stopping import Stop, never

Offer = Callable[[list[DraftCluster]], float | None]

KINDS_MAX = 64  # more kinds of sub-clusters (pool, GPU count) than these take too long to price
ITEMS_MAX = 1_000
ROUNDS_IN_VAIN_MAX = 50  # rounds of dives without a better plan before the search ends
ROOT_TIME_SHARE = 0.4  # of what is left, before the first dives
DIVES_OF_ROUND = 6  # between two solves of the master in whole numbers
WHOLE_TIME_SHARE = 0.1


def columns_apply(tables: CapacityTables) -> bool:
    """Whether column generation is worth its time here; patterns know nothing of business rules."""
    kinds = sum(tables.pool_limit(p) for p in range(len(tables.pools)))
    few = kinds <= KINDS_MAX and len(tables.models) <= ITEMS_MAX
    return tables.reserved and few and tables.rules.is_empty


def bound_holds(tables: CapacityTables, split: Collection[int]) -> bool:
    """
    Whether the bound is one for every plan.

    Not where models may be split, for patterns hold whole models or equal parts; not where a smaller batch
    could cost less GPU time for each request, for patterns count the largest batch.
    """
    if split or not tables.reserved:
        return False
    servable = map(int, np.flatnonzero(tables.servable))
    return all(
        batching_slack(tables, m, g) >= 1 - 1e-12
        for m in servable
        for g in range(len(tables.gpu_types))
        if tables.batch_size[m, g].any()
    )


def search_columns(
    tables: CapacityTables,
    start: Sequence[DraftCluster],
    *,
    split: Collection[int],
    cost: float,
    deadline_s: float,
    seed: int,
    offer: Offer,
    on_bound: Callable[[float], None],
    stop: Stop = never,
) -> None:
    """
    Better plans than ``start``, and bounds, until ``deadline_s`` (of ``time.monotonic``).

    Parameters
    ----------
    start
        A plan that serves everything and keeps the inventory, at ``cost`` dollars per hour.
    offer
        Takes the sub-clusters of a plan; answers its dollars per hour, None where it is refused.
    on_bound
        Hears of each better bound, dollars per hour; never called where ``bound_holds`` is false.
    """
    items = items_of(tables, hot_parts(tables))
    space = pattern_space(tables, items, cost_max=cost)
    if not space.kinds or not len(items):
        return
    state = Generation(
        space,
        RestrictedMaster(space, seed),
        settle=lambda bound: rounded_up(tables.problem, bound),
        bounds=bound_holds(tables, split),
        on_bound=on_bound,
        stop=stop,
    )
    state.master.add(patterns_of(space, _as_items(tables, items, start)))
    state.master.add(_singles(space))
    _search(state, cost, deadline_s, seed, offer)


def _search(state: Generation, cost: float, deadline_s: float, seed: int, offer: Offer) -> None:
    """Columns while they pay, some dives, the master in whole numbers; until proven, or in vain."""
    rng = np.random.default_rng(seed)
    tries = itertools.chain(
        ((departures, None) for departures in discrepancies()), itertools.repeat(((), rng))
    )
    in_vain = 0
    while in_vain <= ROUNDS_IN_VAIN_MAX:
        if not state.converged and generate(state, _slice(deadline_s, ROOT_TIME_SHARE)) is None:
            return
        before = cost
        for departures, noise in itertools.islice(tries, DIVES_OF_ROUND):
            if state.is_over(deadline_s) or state.settle(state.bound) >= cost * (1 - GAP_PROVEN):
                return
            chosen = dive(state, cost_max=cost, departures=departures, rng=noise, deadline_s=deadline_s)
            cost = min(cost, _offered(state.space, chosen, offer))
        if state.settle(state.bound) >= cost * (1 - GAP_PROVEN):
            return
        chosen = state.master.whole(_slice(deadline_s, WHOLE_TIME_SHARE), cost, seed, state.stop)
        cost = min(cost, _offered(state.space, chosen, offer))
        in_vain = 0 if cost < before or not state.converged else in_vain + 1


def _slice(deadline_s: float, share: float) -> float:
    """An instant that leaves the rest of the time to others."""
    now = time.monotonic()
    return now + share * (deadline_s - now)


def _offered(space: PatternSpace, chosen: list[Pattern] | None, offer: Offer) -> float:
    """Dollars per hour of the plan that the patterns make; inf without one."""
    if chosen is None:
        return np.inf
    cost = offer(drafts_of_patterns(space, chosen))
    return np.inf if cost is None else cost


def _singles(space: PatternSpace) -> list[Pattern]:
    """Every class alone, in every kind that can hold it."""
    one = np.eye(len(space.copies), dtype=np.int64)
    return [
        pattern_of(space, k, one[c])
        for k, kind in enumerate(space.kinds)
        for c in np.flatnonzero(kind.fits & (kind.sizes[:, 0] + kind.workspace <= 1))
    ]


def _as_items(
    tables: CapacityTables, items: Items, start: Sequence[DraftCluster]
) -> list[tuple[int, int, list[int]]]:
    """Pool, GPUs and items of a plan's sub-clusters; parts of a hot model are counted off its shares."""
    left: dict[int, list[int]] = {}
    for i, m in enumerate(items.model):
        left.setdefault(int(m), []).append(i)
    clusters = []
    for draft in start:
        sized = size_cluster(tables, draft)
        members = []
        for m, share in draft.shares.items():
            own = left.get(m, [])
            count = round(float(share.max()) / items.share[own[0]]) if own else 0
            members += [own.pop() for _ in range(min(count, len(own)))]
        if sized is not None and members:
            clusters.append((draft.pool, int(sized.gpus.max()), members))
    return clusters
