"""
A good plan fast: greedy insertion under several orders, then ruin and recreate.

Each round takes some items out (at random, or whole sub-clusters) and puts them back in
where they cost least; a round that ends worse by more than a shrinking margin is undone (Schrimpf
et al. 2000, "Record breaking optimization results using the ruin and recreate principle").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import IDLE_RPS, CapacityTables
from planner.solvers.draft import DraftCluster
from planner.solvers.items import Items, active_clusters, empty_state, hot_parts, items_of, pack_of
from planner.solvers.packing import (
    ANY_ZONE,
    CLOSED,
    NOWHERE,
    Pack,
    State,
    admits,
    copied,
    insert_all,
    rebuild,
    remove_all,
    settle,
    value_of,
)
from planner.solvers.stopping import Stop, never

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

SMOOTH_WEIGHT = 0.2  # of GPUs before rounding up, against GPUs, when two packings are compared
MARGIN_FIRST = 0.01  # a packing so much worse than the best may replace the present one
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
    items = items_of(tables, hot_parts(tables))
    if len(items) == 0 or not tables.pools:
        return Packing((), len(items) == 0, 0)
    priced = churn_price if tables.problem.active_plan else 0.0
    pack = pack_of(tables, items, churn_price=priced)
    penalty = penalties(tables, items)
    rng = np.random.default_rng(seed)
    best = _construct(tables, items, pack, penalty, rng)
    rounds = _improve(pack, best, penalty, rng, deadline_s, on_better, stop)
    return Packing(_clusters(tables, items, best), bool((best.home != NOWHERE).all()), rounds)


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
    starts = [empty_state(pack) for _ in orders]
    if tables.problem.active_plan:
        starts.append(_as_active(tables, items, pack))
        orders.append(orders[0])
    best, best_value = starts[0], (np.inf, np.inf)
    for state, order in zip(starts, orders, strict=True):
        insert_all(pack, state, order[state.home[order] == NOWHERE])
        value = _value(pack, state, penalty)
        if value < best_value:
            best, best_value = state, value
    return best


def _orders(tables: CapacityTables, items: Items, pack: Pack, rng: np.random.Generator) -> list[Integers]:
    """By cost, by weight, by both, by SLO, at random; the most important priority class always first."""
    cost = pack.need[:, pack.pool_type, -1, :].max(axis=2) * pack.price[None, :]
    cheapest = np.where(np.isfinite(cost), cost, np.inf).min(axis=1)
    cheapest = np.where(np.isfinite(cheapest), cheapest, 0.0)
    weight = (pack.weights / pack.usable[None, :]).max(axis=1)
    slo = np.array([tables.models[int(m)].slo_ms for m in items.model])
    priority = np.array([tables.models[int(m)].priority for m in items.model])
    relative = cheapest / max(1e-12, cheapest.sum()) + weight / max(1e-12, weight.sum())
    keys = [-cheapest, -weight, -relative, slo, -cheapest * weight, rng.random(len(items))]
    return [np.lexsort((np.arange(len(items)), key, priority)).astype(np.int64) for key in keys]


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
    present, trial = copied(best), copied(best)
    best_value = present_value = _value(pack, best, penalty)
    patience = IDLE_ROUNDS_LEAST + IDLE_ROUNDS_PER_ITEM * len(best.home)
    idle = rounds = 0
    told = np.inf
    while idle < patience and time.monotonic() < deadline_s and not stop():
        rounds += 1
        margin = MARGIN_FIRST * (1 - idle / patience)
        removed = _ruin(pack, trial, rng)
        remove_all(pack, trial, removed)
        out = np.flatnonzero(trial.home == NOWHERE)
        insert_all(pack, trial, _recreation_order(pack, penalty, out, rng))
        value = _value(pack, trial, penalty)
        if (
            (value[0] <= present_value[0] and value[1] <= present_value[1])
            or (value[0] <= best_value[0] and value[1] < best_value[1] * (1 + margin))
            or value[0] < best_value[0]
        ):
            _copy(trial, present)
            present_value = value
        else:
            _copy(present, trial)
        if present_value < (best_value[0], best_value[1] - 1e-9):
            idle = 0
            best_value = present_value
            _copy(present, best)
            cost = round(float(value_of(pack, best, penalty)[1]), 9)
            if on_better is not None and best_value[0] == 0 and cost < told:
                told = cost
                on_better(cost)
        else:
            idle += 1
    return rounds


def _ruin(pack: Pack, state: State, rng: np.random.Generator) -> Integers:
    """Items to take out: one or two whole sub-clusters, or some of a few, or some of all."""
    opened = np.flatnonzero(state.pool != CLOSED)
    placed = np.flatnonzero(state.home != NOWHERE)
    if len(placed) == 0:
        return placed
    kind = rng.random()
    if kind < 0.35:
        chosen = rng.choice(opened, size=min(len(opened), int(rng.integers(1, 3))), replace=False)
        return np.flatnonzero(np.isin(state.home, chosen))
    if kind < 0.7:
        chosen = rng.choice(opened, size=min(len(opened), int(rng.integers(2, 4))), replace=False)
        inside = np.flatnonzero(np.isin(state.home, chosen))
        return rng.choice(inside, size=int(rng.integers(1, len(inside) + 1)), replace=False)
    most = max(2, min(len(placed), 20))
    return rng.choice(placed, size=min(len(placed), int(rng.integers(1, most + 1))), replace=False)


def _recreation_order(pack: Pack, penalty: Floats, out: Integers, rng: np.random.Generator) -> Integers:
    """The dearest to run first, or the dearest to leave out, with some noise; now and then at random."""
    kind = rng.random()
    if kind < 0.2:
        return rng.permutation(out).astype(np.int64)
    if kind < 0.5:
        return out[np.argsort(-penalty[out] * rng.uniform(0.7, 1.3, len(out)))].astype(np.int64)
    need = pack.need[out][:, pack.pool_type, -1].max(axis=2) * pack.price[None, :]
    cheapest = np.where(np.isfinite(need), need, 1e12).min(axis=1)
    return out[np.argsort(-cheapest * rng.uniform(0.5, 1.5, len(out)))].astype(np.int64)


def _value(pack: Pack, state: State, penalty: Floats) -> tuple[float, float]:
    unserved, cost, smooth = value_of(pack, state, penalty)
    return round(float(unserved), 12), float(cost) + SMOOTH_WEIGHT * float(smooth)


def _copy(source: State, target: State) -> None:
    """Slots closed on both sides hold nothing worth copying."""
    opened = (source.pool != CLOSED) | (target.pool != CLOSED)
    top = int(np.flatnonzero(opened).max(initial=-1)) + 1
    target.used[:] = source.used
    target.home[:] = source.home
    for name in ("pool", "load", "weights", "workspace", "rate", "gpus", "size", "models", "alone"):
        getattr(target, name)[:top] = getattr(source, name)[:top]


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
