r"""
Levelling: the traffic of split models is divided anew between sub-clusters, epoch by epoch.

Packing gives a part of a split model the same share all day. Here its copies stay, some are added where
memory is left, and the shares become variables: what is busy in the morning hands traffic to what is busy
at night. An integer program over GPU counts :math:`N_k` and shares :math:`f_{hke}`, with the load
:math:`F_{ke}` of whole models given,

.. math::
    \min \sum_k p_k N_k \quad\text{with}\quad F_{ke} + \sum_h \nu_{hke} f_{hke} \le N_k,\quad
    \sum_k f_{hke} = 1, \quad \sum_{k \text{ of } p} N_k \le A_p .

Need is that of the present count. So only the smallest sub-clusters of each pool may change theirs, which
is where slack gathers that shares can move to them; the result is sized exactly afterwards.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Builder
from planner.formulation.highs_lp import highs_lp
from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster, SizedCluster, size_cluster
from planner.solvers.stopping import Stop, highs_stopped_by

Floats = NDArray[np.float64]

COPIES_MAX = 40  # sub-clusters that one split model may be in
DEARER_MOST = 4.0  # against the cheapest place, where a copy may be added
CHANGING_LEAST, CHANGING_SHARE = 2, 0.1  # sub-clusters of a pool, the smallest, whose GPUs may change
SHRINK, GROW = 8, 4  # GPUs by which one may change at once
SHARE_LEAST = 2e-3  # of a model's traffic in an epoch; less is not worth a copy
SPARE_FIRST, SPARE_GROWTH = 5e-4, 4.0  # of a sub-cluster kept free for what linear shares leave out
CLOSER = 1e-4  # relative gap of the integer program


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A sub-cluster: its GPUs, the (E,) load of models that stay as they are, GiB left for more weights."""

    draft: DraftCluster
    gpus: int
    load: Floats
    free_gib: float


def levelled(
    tables: CapacityTables,
    drafts: Sequence[DraftCluster],
    split: Collection[int],
    *,
    time_limit_s: float,
    seed: int,
    stop: Stop,
) -> list[DraftCluster] | None:
    """The drafts with shares that need fewer GPUs, to be verified; None where none were found in time."""
    deadline_s = time.monotonic() + time_limit_s
    sized = [size_cluster(tables, draft) for draft in drafts]
    flowing = sorted({m for d in drafts for m in d.shares} & set(split))
    if not flowing or any(one is None for one in sized):
        return None
    places = [_place(tables, one, set(flowing)) for one in sized if one is not None]
    need = {m: _needs(tables, places, m) for m in flowing}
    hosts = _hosts(tables, places, flowing, need)
    spare = np.full(len(places), SPARE_FIRST)
    while time.monotonic() < deadline_s and not stop():
        builder, shares, counts = _program(tables, places, flowing, need, hosts, spare)
        point = _solved(tables, builder, places, counts, deadline_s, seed, stop)
        if point is None:
            return None
        found = _redrafted(places, {key: point[columns] for key, columns in shares.items()})
        beyond = _beyond(tables, found, np.round(point[counts]))
        if not beyond.any():
            return [draft for draft in found if draft.shares]
        spare = np.where(beyond, spare * SPARE_GROWTH, spare)
    return None


def _solved(
    tables: CapacityTables,
    builder: Builder,
    places: Sequence[_Place],
    counts: NDArray[np.int64],
    deadline_s: float,
    seed: int,
    stop: Stop,
) -> Floats | None:
    solver = highspy.Highs()
    solver.silent()
    solver.passModel(highs_lp(builder.arrays()))
    cost = np.zeros(len(builder.column_names))
    cost[counts] = [tables.price_usd_per_hour[tables.pool_types[place.draft.pool]] for place in places]
    solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    left = max(0.1, deadline_s - time.monotonic())
    for option, value in (
        ("threads", 1),
        ("random_seed", seed),
        ("mip_rel_gap", CLOSER),
        ("time_limit", left),
    ):
        solver.setOptionValue(option, value)
    with highs_stopped_by(solver, stop):
        solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return np.array(solver.getSolution().col_value)


def _beyond(tables: CapacityTables, drafts: Sequence[DraftCluster], counts: Floats) -> NDArray[np.bool_]:
    """Which sub-clusters need more than they were given: small shares form smaller batches."""
    sized = [size_cluster(tables, draft) if draft.shares else None for draft in drafts]
    return np.array(
        [
            bool(draft.shares) and (one is None or one.gpus.max() > count)
            for draft, one, count in zip(drafts, sized, counts, strict=True)
        ]
    )


def _place(tables: CapacityTables, one: SizedCluster, flowing: set[int]) -> _Place:
    draft, gpus = one.draft, int(one.gpus.max())
    g = int(tables.pool_types[draft.pool])
    load = np.zeros(len(tables.hours))
    workspace = 0.0
    for m in draft.shares:
        workspace = max(workspace, one.batch_size[m] * float(tables.workspace_gib_per_item[m, g]))
        if m not in flowing:
            load += _need(tables, m, g, gpus, one.batch_size[m]) * draft.planned(m)
    stay = [m for m in draft.shares if m not in flowing]
    planned = max((float(tables.workspace_gib[m, g, gpus - 1]) for m in stay), default=0.0)
    held = float(tables.weights_gib[list(draft.shares), g].sum())
    return _Place(draft, gpus, load, float(tables.usable_gib[g]) - held - min(workspace, planned))


def _need(tables: CapacityTables, m: int, g: int, gpus: int, batch_size: int) -> Floats:
    """(E,) GPUs for the model's whole demand in a sub-cluster of so many, with batches of at most that."""
    law = tables.law(m, g)
    share = law.usable_share(gpus, tables.models[m].arrival_cv)
    return np.asarray(law.load_gpus(tables.rate_rps[m], batch_size) / share, dtype=np.float64)


def _needs(tables: CapacityTables, places: Sequence[_Place], m: int) -> list[Floats | None]:
    """By place, (E,) GPUs for the model's whole demand; None where it cannot live."""
    found: list[Floats | None] = []
    known: dict[tuple[int, int], Floats | None] = {}
    for place in places:
        g = int(tables.pool_types[place.draft.pool])
        if (g, place.gpus) not in known:
            need = tables.need[m, g, place.gpus - 1]
            allowed = bool(tables.rules.allowed[m, place.draft.pool])
            known[g, place.gpus] = need if allowed and np.isfinite(need).all() else None
        found.append(known[g, place.gpus])
    return found


def _hosts(
    tables: CapacityTables,
    places: Sequence[_Place],
    flowing: Sequence[int],
    need: dict[int, list[Floats | None]],
) -> dict[int, list[int]]:
    """The places of each split model: those it has, and more of the cheap ones where memory is left."""
    free = [place.free_gib for place in places]
    hosts = {m: [k for k, place in enumerate(places) if m in place.draft.shares] for m in flowing}
    if not tables.rules.is_empty:
        return hosts
    for m in flowing:
        prices = {}
        for k, place in enumerate(places):
            own = need[m][k]
            if own is not None:
                g = int(tables.pool_types[place.draft.pool])
                prices[k] = float(own.max() * tables.price_usd_per_hour[g])
        cheapest = min(prices.values(), default=np.inf)
        for k in sorted(prices, key=lambda k: (prices[k], -free[k])):
            g = int(tables.pool_types[places[k].draft.pool])
            size = float(tables.weights_gib[m, g])
            roomy = size + float(tables.workspace_gib[m, g, places[k].gpus - 1]) <= free[k]
            if len(hosts[m]) >= COPIES_MAX or prices[k] > DEARER_MOST * cheapest:
                break
            if k not in hosts[m] and roomy:
                hosts[m].append(k)
                free[k] -= size
    return hosts


def _program(
    tables: CapacityTables,
    places: Sequence[_Place],
    flowing: Sequence[int],
    need: dict[int, list[Floats | None]],
    hosts: dict[int, list[int]],
    spare: Floats,
) -> tuple[Builder, dict[tuple[int, int], NDArray[np.int64]], NDArray[np.int64]]:
    """The integer program, the columns of shares by model and place, those of the counts."""
    b, epochs = Builder(), len(tables.hours)
    counts = np.zeros(len(places), dtype=np.int64)
    changing = _changing(places)
    for k, place in enumerate(places):
        least = max(1, place.gpus - SHRINK) if k in changing else place.gpus
        most = min(tables.pool_limit(place.draft.pool), place.gpus + GROW) if k in changing else place.gpus
        counts[k] = b.column(f"gpus_k{k}", lower=least, upper=most, integer=True)
    shares = {
        (m, k): np.array([b.column(f"share_m{m}_k{k}_e{e}", upper=1.0) for e in range(epochs)])
        for m in flowing
        for k in hosts[m]
    }
    for m in flowing:
        for e in range(epochs):
            columns = np.array([shares[m, k][e] for k in hosts[m]])
            b.row(f"placed_m{m}_e{e}", [columns], [1.0], lower=1.0, upper=1.0)
    here: list[list[int]] = [[] for _ in places]
    for m, k in shares:
        here[k].append(m)
    for k, place in enumerate(places):
        rows = [need[m][k] for m in here[k]]
        for e in range(epochs):
            columns = np.array([*(shares[m, k][e] for m in here[k]), counts[k]])
            values = np.array([*(row[e] for row in rows if row is not None), spare[k] - 1.0])
            b.row(f"throughput_k{k}_e{e}", [columns], [values], upper=-float(place.load[e]))
        _add_rate(b, tables, place, k, here[k], shares)
    for p, pool in enumerate(tables.pools):
        mine = [k for k, place in enumerate(places) if place.draft.pool == p]
        if mine:
            b.row(f"inventory_p{p}", [counts[mine]], [1.0], upper=float(pool.available))
    return b, shares, counts


def _changing(places: Sequence[_Place]) -> set[int]:
    """The smallest sub-clusters of each pool."""
    pools: dict[int, list[int]] = {}
    for k in sorted(range(len(places)), key=lambda k: places[k].gpus):
        pools.setdefault(places[k].draft.pool, []).append(k)
    counts = [max(CHANGING_LEAST, int(CHANGING_SHARE * len(mine))) for mine in pools.values()]
    return {k for mine, count in zip(pools.values(), counts, strict=True) for k in mine[:count]}


def _add_rate(
    b: Builder,
    tables: CapacityTables,
    place: _Place,
    k: int,
    here: Sequence[int],
    shares: dict[tuple[int, int], NDArray[np.int64]],
) -> None:
    """What one dispatcher takes, where that is limited."""
    limit = tables.problem.policy.scheduler_rate_rps_max
    if limit is None or not here:
        return
    stay = [m for m in place.draft.shares if m not in here]
    for e in range(len(tables.hours)):
        others = sum(tables.rate_rps[m, e] * place.draft.planned(m)[e] for m in stay)
        columns = np.array([shares[m, k][e] for m in here])
        b.row(f"rate_k{k}_e{e}", [columns], [tables.rate_rps[list(here), e]], upper=limit - others)


def _redrafted(places: Sequence[_Place], shares: dict[tuple[int, int], Floats]) -> list[DraftCluster]:
    """The drafts with these shares; crumbs go to each epoch's largest share."""
    kept: dict[int, dict[int, Floats]] = {}
    for (m, k), share in shares.items():
        kept.setdefault(m, {})[k] = np.where(share < SHARE_LEAST, 0.0, share)
    for places_of in kept.values():
        order = sorted(places_of)
        stack = np.array([places_of[k] for k in order])
        largest, at = stack.argmax(axis=0), np.arange(stack.shape[1])
        stack[largest, at] += 1 - stack.sum(axis=0)
        places_of.update(zip(order, stack, strict=True))
    drafts = []
    for k, place in enumerate(places):
        own = {m: share for m, share in place.draft.shares.items() if m not in kept}
        own |= {m: of[k] for m, of in kept.items() if k in of and of[k].max() > 0}
        drafts.append(dataclasses.replace(place.draft, shares=own))
    return drafts
