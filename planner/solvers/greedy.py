"""A good plan fast: greedy insertion under several orders, then ruin and recreate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import IDLE_RPS, CapacityTables
from planner.solvers.balanced import deal
from planner.solvers.draft import DraftCluster, SizedCluster
from planner.solvers.items import Items, active_clusters, empty_state, hot_parts, items_of, pack_of
from planner.solvers.packing import (
    ANY_ZONE,
    CLOSED,
    NOWHERE,
    WHOLE,
    Pack,
    State,
    admits,
    copied,
    insert_all,
    rebuild,
    settle,
)
from planner.solvers.ruin_recreate import improve, seed_rounds, value_of, valued
from planner.solvers.stopping import Stop, never

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

DEALT_FILL = 0.98  # of a largest sub-cluster, where models are dealt to their types
MARGIN_FIRST = 0.01  # a packing so much worse than the best may replace the present one, for
MARGIN_SUB_CLUSTERS = 5  # so many sub-clusters; less in proportion where there are more
INSERTIONS = 12_000  # items times orders: about a second; fewer orders are tried where there are more items
CHUNK_S = 0.05  # seconds of rounds between two looks at the clock
CHUNK_FIRST, CHUNK_MOST = 16, 4_096  # rounds
IDLE_ROUNDS_PER_ITEM = 60  # rounds without a better packing, for each item, before the search ends
IDLE_ROUNDS_LEAST = 100
CHURN_PRICE_TIE = 1e-6  # dollars per hour for a GiB loaded: decides between equal costs alone


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """What the search found: clusters, and whether every item has a home."""

    clusters: tuple[DraftCluster, ...]
    complete: bool
    rounds: int


def search(
    tables: CapacityTables,
    *,
    deadline_s: float,
    seed: int,
    churn_price: float = CHURN_PRICE_TIE,
    on_better: Callable[[float], None] | None = None,
    stop: Stop = never,
) -> Packing:
    """
    The best packing found until ``deadline_s`` (of ``time.monotonic``), ``stop`` or idle rounds end it.

    ``on_better`` hears the dollars per hour of each better packing that leaves no item out.
    """
    searching = Searching.begun(tables, seed=seed, churn_price=churn_price)
    searching.improve(deadline_s, on_better, stop)
    return searching.packing()


@dataclass(slots=True, eq=False)
class Searching:
    """A search that can be asked for its packing, and be given more time."""

    tables: CapacityTables
    items: Items
    pack: Pack | None
    penalty: Floats
    best: State | None
    rng: np.random.Generator
    rounds: int = 0

    @classmethod
    def begun(
        cls,
        tables: CapacityTables,
        *,
        seed: int,
        churn_price: float = CHURN_PRICE_TIE,
        apart: Sequence[SizedCluster] = (),
    ) -> Searching:
        """From the best of several insertions; sub-clusters ``apart`` have models and GPUs of their own."""
        lent = np.zeros(len(tables.pools), dtype=np.int64)
        for one in apart:
            lent[one.draft.pool] += int(one.gpus.max())
        items = items_of(tables, hot_parts(tables), {m for one in apart for m in one.draft.shares})
        rng = np.random.default_rng(seed)
        if len(items) == 0 or not tables.pools:
            return cls(tables, items, None, np.zeros(len(items)), None, rng)
        priced = churn_price if tables.problem.active_plan else 0.0
        pack = pack_of(tables, items, churn_price=priced, lent=lent)
        penalty = penalties(tables, items)
        return cls(tables, items, pack, penalty, _construct(tables, items, pack, penalty, rng), rng)

    def dealt(self, shares: Floats) -> bool:
        """Begin again from models dealt to GPU types by their shares there (M, G), if that is better."""
        if self.pack is None or self.best is None:
            return False
        pack, state = self.pack, empty_state(self.pack)
        order = np.argsort(-dearness(pack), kind="stable").astype(np.int64)
        deal(pack, state, _pools_of(self.items, pack, shares), order, DEALT_FILL)
        everywhere = np.ones(len(state.pool), dtype=np.bool_)
        insert_all(pack, state, order[state.home[order] == NOWHERE], everywhere, np.zeros_like(everywhere))
        better = _value(pack, state, self.penalty) < _value(pack, self.best, self.penalty)
        if better:
            self.best = state
        return better

    def improve(
        self, deadline_s: float, on_better: Callable[[float], None] | None = None, stop: Stop = never
    ) -> None:
        if self.pack is not None and self.best is not None:
            self.rounds += _improve(self.pack, self.best, self.penalty, self.rng, deadline_s, on_better, stop)

    def packing(self) -> Packing:
        if self.best is None:
            return Packing((), len(self.items) == 0, 0)
        complete = bool((self.best.home != NOWHERE).all())
        return Packing(_clusters(self.tables, self.items, self.best), complete, self.rounds)


def penalties(tables: CapacityTables, items: Items) -> Floats:
    """What leaving an item out counts: a higher priority class outweighs all of the lower ones."""
    rate = tables.rate_rps @ (tables.hours / tables.hours.sum())
    weight = (rate + IDLE_RPS)[items.model] * items.share
    classes = sorted({model.priority for model in tables.models}, reverse=True)
    scale, penalty = 1.0, np.zeros(len(items))
    for priority in classes:
        members = np.array([tables.models[int(m)].priority == priority for m in items.model], dtype=bool)
        if members.any():
            penalty[members] = scale * weight[members] / weight[members].sum()
            scale = 2 * scale / max(1e-3, float(penalty[members].min() / penalty[members].max()))
            scale = min(scale, 1e12)
    return penalty


def _construct(
    tables: CapacityTables, items: Items, pack: Pack, penalty: Floats, rng: np.random.Generator
) -> State:
    """The best of several insertion orders, and of what is active now."""
    orders = list(_orders(tables, items, pack, rng))
    orders = orders[: max(1, min(len(orders), INSERTIONS // max(1, len(items))))]
    starts = [empty_state(pack) for _ in orders]
    if tables.problem.active_plan:
        starts.append(_as_active(tables, items, pack))
        orders.append(orders[0])
    best, best_value = starts[0], (np.inf, np.inf)
    for state, order in zip(starts, orders, strict=True):
        everywhere = np.ones(len(state.pool), dtype=np.bool_)
        insert_all(pack, state, order[state.home[order] == NOWHERE], everywhere, np.zeros_like(everywhere))
        value = _value(pack, state, penalty)
        if value < best_value:
            best, best_value = state, value
    return best


def _orders(tables: CapacityTables, items: Items, pack: Pack, rng: np.random.Generator) -> list[Integers]:
    """By cost, by weight, by both, by SLO, at random; the most important priority class always first."""
    cheapest = dearness(pack)
    weight = (pack.weights / pack.usable[None, :]).max(axis=1)
    slo = np.array([tables.models[int(m)].slo_ms for m in items.model])
    priority = np.array([tables.models[int(m)].priority for m in items.model])
    relative = cheapest / max(1e-12, cheapest.sum()) + weight / max(1e-12, weight.sum())
    keys = [-relative, -cheapest, -weight, slo, -cheapest * weight, rng.random(len(items))]
    return [np.lexsort((np.arange(len(items)), key, priority)).astype(np.int64) for key in keys]


def dearness(pack: Pack) -> Floats:
    """(I,) dollars per hour of the item's peak in a largest sub-cluster of the pool that suits it best."""
    whole = (pack.need[:, pack.pool_type, -1].max(axis=2) * pack.price).min(axis=1)
    parts = (pack.need_parts[:, pack.pool_type, -1].max(axis=2) * pack.price).min(axis=1, initial=np.inf)
    found = np.where(pack.hot == WHOLE, whole[np.where(pack.hot == WHOLE, pack.row, 0)], 0.0)
    hot = np.flatnonzero(pack.hot != WHOLE)
    found[hot] = parts[pack.row[hot]]
    return np.where(np.isfinite(found), found, 0.0)


def _pools_of(items: Items, pack: Pack, shares: Floats) -> Integers:
    """(I,) the roomiest pool of the type that each item goes to, parts of a model in proportion."""
    pools = np.full(shares.shape[1], CLOSED, dtype=np.int64)
    for p in np.argsort(np.minimum(pack.pool_limit, pack.available), kind="stable"):
        pools[pack.pool_type[p]] = p
    found = np.full(len(items), CLOSED, dtype=np.int64)
    for m in np.unique(items.model):
        mine, total = np.flatnonzero(items.model == m), shares[m].sum()
        if total > 0:
            middles = (np.arange(len(mine)) + 0.5) / len(mine)
            found[mine] = pools[np.searchsorted(np.cumsum(shares[m]) / total, middles)]
    return found


def _as_active(tables: CapacityTables, items: Items, pack: Pack) -> State:
    """Items where the active plan has them, as far as they fit there now."""
    state = empty_state(pack)
    for k, (_, pool) in enumerate(active_clusters(tables)):
        here = np.flatnonzero((pack.held[k] > 0) & (state.home == NOWHERE))
        unique = here[np.unique(items.model[here], return_index=True)[1]]
        state.pool[k] = pool
        for i in unique:
            if admits(pack, state, i, k, pool):
                settle(pack, state, i, k)
        rebuild(pack, state, k)
    return state


def _improve(
    pack: Pack,
    best: State,
    penalty: Floats,
    rng: np.random.Generator,
    deadline_s: float,
    on_better: Callable[[float], None] | None,
    stop: Stop,
) -> int:
    """Ruin and recreate until time or patience ends; ``best`` holds the result. Returns the rounds made."""
    present, trial, dear = copied(best), copied(best), dearness(pack)
    best_value, present_value = np.zeros(2), np.zeros(2)
    valued(pack, best, penalty, best_value)
    present_value[:] = best_value
    seed_rounds(int(rng.integers(2**31)))
    patience = IDLE_ROUNDS_LEAST + IDLE_ROUNDS_PER_ITEM * len(best.home)
    idle = rounds = 0
    chunk, told = CHUNK_FIRST, np.inf
    while idle < patience and time.monotonic() < deadline_s and not stop():
        opened = int((best.pool != CLOSED).sum())
        scale = MARGIN_FIRST * min(1.0, MARGIN_SUB_CLUSTERS / max(1, opened)) * best_value[1]
        begun = time.monotonic()
        idle = improve(
            pack,
            best,
            present,
            trial,
            penalty,
            dear,
            best_value,
            present_value,
            idle,
            chunk,
            scale * (1 - idle / patience),
        )
        rounds += chunk
        taken = time.monotonic() - begun
        chunk = int(min(CHUNK_MOST, max(1, chunk * min(2.0, CHUNK_S / max(taken, 1e-6)))))
        cost = round(float(value_of(pack, best, penalty)[1]), 9)
        if on_better is not None and best_value[0] == 0 and cost < told:
            told = cost
            on_better(cost)
    return rounds


def _value(pack: Pack, state: State, penalty: Floats) -> tuple[float, float]:
    value = np.zeros(2)
    valued(pack, state, penalty, value)
    return float(value[0]), float(value[1])


def _clusters(tables: CapacityTables, items: Items, state: State) -> tuple[DraftCluster, ...]:
    known = active_clusters(tables)
    torn = set(items.model[(items.rank != ANY_ZONE) & (state.home == NOWHERE)].tolist())
    clusters = []
    for k in np.flatnonzero(state.pool != CLOSED):
        shares: dict[int, Floats] = {}
        for i in np.flatnonzero(state.home == k):
            m = int(items.model[i])
            if m in torn:  # spread over fewer zones than it asks for, it would not be
                continue
            shares[m] = shares.get(m, np.zeros(len(tables.hours))) + items.share[i]
        active_id = known[k][0] if k < len(known) else None
        if shares:
            clusters.append(DraftCluster(int(state.pool[k]), shares, active_id))
    return tuple(clusters)
