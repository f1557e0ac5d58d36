"""
From the sub-clusters that run to ones that serve today's demand, where what is loaded has a price.

Their placements stay; what has come anew joins where it costs least. Then whole models move, and the
traffic of split models is divided anew (``planner.solvers.levelling``), each move paying for its loads.
Where that cannot make the demand fit, models leave the sub-clusters that are too full, those that ask for
the most GPUs by the GiB first, for new ones.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster, batches_at, busy_gpus, size_cluster
from planner.solvers.greedy import Searching
from planner.solvers.lean import growable_tables, lean_tables
from planner.solvers.levelling import levelled
from planner.solvers.levelling.company import Company, tied
from planner.solvers.levelling.loads import Loads
from planner.solvers.levelling.places import sized_or_full
from planner.solvers.reserves import may_join, with_reserves
from planner.solvers.stopping import Stop

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WHOLE_LEAST = 1 - 1e-6  # of a model's traffic that is placed, for none of it to be looked after
PACKING_TIME_SHARE = 0.1  # of what is left, for new sub-clusters
LIGHT_GIB = 1e-6  # lighter weights count as this much
LAST = 1e-9  # times what it is worth that a model leaves which lives elsewhere too
FULL = 0.995  # of its GPUs that a sub-cluster is left with which was too full
BETTER = 2e-4  # share of dollars per hour that is worth levelling once more for


def running_drafts(tables: CapacityTables, models: Collection[int]) -> list[DraftCluster]:
    """
    The active plan over again, with those of the ``models`` that its rules let stay where they are.

    With another number of epochs a model's share is the least of those that it has.
    """
    active = tables.problem.active_plan
    index, wanted = tables.model_index(), set(map(int, models))
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    drafts = []
    for cluster in active.sub_clusters if active else ():
        pool = pools.get((cluster.gpu_type, cluster.zone))
        if pool is None:
            continue
        draft = DraftCluster(pool, {}, cluster.id)
        for placement in cluster.placements:
            m, share = index.get(placement.model, -1), _share_of(placement.share, len(tables.hours))
            if m in wanted and share.max() > 0 and may_join(tables, draft, m):
                draft.shares[m] = share
        if draft.shares:
            drafts.append(draft)
    return drafts


def _share_of(share: Sequence[float], epochs: int) -> Floats:
    """An active share for each epoch of another horizon: the same where they are as many, else the least."""
    return np.array(share) if len(share) == epochs else np.full(epochs, min(share))


def refitted(
    tables: CapacityTables,
    split: Collection[int],
    *,
    load_price: float,
    deadline_s: float,
    seed: int,
    stop: Stop,
    begin: Sequence[DraftCluster] = (),
) -> list[DraftCluster] | None:
    """
    Sub-clusters to be verified; None where time, memory or GPUs do not let any be found.

    ``load_price`` is dollars per hour for a GiB loaded, ``deadline_s`` of ``time.monotonic``; ``begin`` an
    earlier refit to go on from, else what runs is.
    """
    running = with_reserves(tables, begin or running_drafts(tables, range(len(tables.models))))
    best, least = None, np.inf
    for thinned, limited in itertools.product((False, True), (growable_tables(tables), tables)):
        if best is not None and thinned:
            break
        start = _begun(limited, running, split, load_price, thinned, deadline_s, seed, stop)
        if start is None or stop():
            continue
        found = _improved(limited, *start, load_price, deadline_s, seed, stop)
        if (cost := _cost(tables, found, load_price)) < least:
            best, least = found, cost
        if best is not None and least <= _cost(tables, start[0], load_price):
            break
    return best


def _begun(
    tables: CapacityTables,
    running: Sequence[DraftCluster],
    split: Collection[int],
    load_price: float,
    thinned: bool,
    deadline_s: float,
    seed: int,
    stop: Stop,
) -> tuple[list[DraftCluster], set[int]] | None:
    """Drafts with all that is to be served, and the models that may have shares in several; None without."""
    housed = [draft for draft in (_housed(tables, one) for one in running) if draft.shares]
    drafts, left, flowing = _joined(tables, housed, split, load_price)
    if thinned:
        homes = Counter(m for draft in drafts for m in draft.shares)
        most = np.array([tables.pool_limit(draft.pool) for draft in drafts], dtype=np.int64)
        drafts, out = _thinned(tables, drafts, {m for m, count in homes.items() if count > 1}, most)
        left |= out
    if (tables.rules.zones_min[sorted(left)] > 1).any():
        return None  # where a part of it may go depends on where the others are
    until = time.monotonic() + PACKING_TIME_SHARE * (deadline_s - time.monotonic())
    new = _packed(tables, drafts, left, deadline_s=until, seed=seed, stop=stop)
    return None if new is None else (drafts + new, flowing)


def _improved(
    tables: CapacityTables,
    drafts: list[DraftCluster],
    flowing: Collection[int],
    load_price: float,
    deadline_s: float,
    seed: int,
    stop: Stop,
) -> list[DraftCluster]:
    """Levelled as long as that makes them cheaper; as they are where it never does."""
    best, least = drafts, _cost(tables, drafts, load_price)
    while (time_s := deadline_s - time.monotonic()) > 0 and not stop():
        found = levelled(
            tables, best, flowing, time_limit_s=time_s, seed=seed, stop=stop, load_price=load_price
        )
        cost = np.inf if found is None else _cost(tables, found, load_price)
        if found is None or cost >= least:
            break
        is_worth_another = cost < least * (1 - BETTER)
        best, least = found, cost
        if not is_worth_another:
            break
    return best


def _cost(tables: CapacityTables, drafts: Sequence[DraftCluster], load_price: float) -> float:
    """Dollars per hour, with what the loads count as."""
    loads, total = Loads.of(tables, drafts, load_price), 0.0
    for k, draft in enumerate(drafts):
        one = size_cluster(tables, draft)
        if one is None:
            return np.inf
        gpus = int(one.gpus.max())
        total += gpus * float(tables.price_usd_per_hour[tables.pool_types[draft.pool]])
        total += load_price * loads.gib(k, list(draft.shares), gpus)
    return total


def _housed(tables: CapacityTables, draft: DraftCluster) -> DraftCluster:
    """The draft without what cannot live there any more, the heaviest first where memory is short."""
    g, limit = int(tables.pool_types[draft.pool]), tables.pool_limit(draft.pool)
    shares = {m: s for m, s in draft.shares.items() if limit and tables.batch_size[m, g, limit - 1]}
    while shares and batches_at(tables, dataclasses.replace(draft, shares=shares), limit) is None:
        del shares[max(shares, key=lambda m: float(tables.weights_gib[m, g]))]
    return dataclasses.replace(draft, shares=shares)


def _joined(
    tables: CapacityTables, drafts: Sequence[DraftCluster], split: Collection[int], load_price: float
) -> tuple[list[DraftCluster], set[int], set[int]]:
    """
    The drafts with all that is not placed whole beside what is, where memory holds it and it costs least.

    Also the models that no draft has room for, and those that may have shares in several places.
    """
    placed = np.zeros_like(tables.rate_rps)
    homes = np.zeros(len(tables.models), dtype=np.int64)
    for draft in drafts:
        for m, share in draft.shares.items():
            placed[m] += share
            homes[m] += 1
    shared = (homes > 1) & np.array([model.may_split for model in tables.models], dtype=bool)
    shared[[m for m in split if homes[m]]] = True
    flowing = set(map(int, np.flatnonzero(shared))) - tied(tables.rules)
    loose = tables.servable & (placed.min(axis=1) < WHOLE_LEAST)
    loose[list(flowing)] = False
    stay = [
        dataclasses.replace(draft, shares={m: s for m, s in draft.shares.items() if not loose[m]})
        for draft in drafts
    ]
    joining, left = _Joining.of(tables, stay, load_price), set()
    for m in map(int, np.flatnonzero(loose)):
        if not joining.joins(m):
            left.add(m)
    return [draft for draft in stay if draft.shares], left, flowing


@dataclass(slots=True, eq=False)
class _Joining:
    """Whole models join drafts; ``room`` are the GiB that weights and workspace as planned leave in each."""

    tables: CapacityTables
    drafts: Sequence[DraftCluster]
    loads: Loads
    company: Company
    room: list[float]

    @classmethod
    def of(cls, tables: CapacityTables, drafts: Sequence[DraftCluster], load_price: float) -> _Joining:
        room = []
        for draft in drafts:
            g, limit, here = (
                int(tables.pool_types[draft.pool]),
                tables.pool_limit(draft.pool),
                [*draft.shares],
            )
            workspace = float(tables.workspace_gib[here, g, limit - 1].max(initial=0.0))
            room.append(float(tables.usable_gib[g] - tables.weights_gib[here, g].sum()) - workspace)
        loads = Loads.of(tables, drafts, load_price)
        return cls(tables, drafts, loads, Company.of(tables, [draft.shares for draft in drafts]), room)

    def joins(self, m: int) -> bool:
        """Put the model where it costs least; whether any draft has room for it."""
        costs = [self._cost(m, k) for k in range(len(self.drafts))]
        if self.tables.rules.zones_min[m] > 1 or min(costs, default=np.inf) == np.inf:
            return False
        home = int(np.argmin(costs))
        self.drafts[home].shares[m] = np.ones(len(self.tables.hours))
        self.company.move([m], [], home)
        self.room[home] -= float(self.tables.weights_gib[m, self.tables.pool_types[self.drafts[home].pool]])
        return True

    def _cost(self, m: int, k: int) -> float:
        """Dollars per hour in draft k with its loads; inf where it may not live or has no room."""
        tables, draft = self.tables, self.drafts[k]
        g, limit = int(tables.pool_types[draft.pool]), tables.pool_limit(draft.pool)
        asked = float(tables.weights_gib[m, g] + tables.workspace_gib[m, g, limit - 1])
        may = tables.rules.allowed[m, draft.pool] and tables.rules.pinned[m] in (None, draft.active_id)
        if not may or asked > self.room[k] or not self.company.admits([m], [], k):
            return np.inf
        gpus = min(limit, max(1, int(self.loads.gpus[k])))
        loaded = self.loads.price_usd_per_hour * self.loads.gib(k, [m], gpus)
        return float(tables.need[m, g, limit - 1].max() * tables.price_usd_per_hour[g]) + loaded


def carried(tables: CapacityTables) -> list[DraftCluster]:
    """What runs, as far as its GPUs carry it today: a plan that loads nothing and may leave demand out."""
    drafts = [_housed(tables, one) for one in running_drafts(tables, range(len(tables.models)))]
    drafts = [draft for draft in drafts if draft.shares]
    gpus = Loads.of(tables, drafts, 0.0).gpus
    return _thinned(tables, drafts, (), gpus)[0]


def _thinned(
    tables: CapacityTables, drafts: Sequence[DraftCluster], shared: Collection[int], most: Integers
) -> tuple[list[DraftCluster], set[int]]:
    """
    The drafts with no more than ``most`` (K,) GPUs carry, and what has left: much demand by the GiB first.
    """
    staying, out = tied(tables.rules), set[int]()
    for draft, limit in zip(drafts, map(int, most), strict=True):
        g = int(tables.pool_types[draft.pool])
        load, here = busy_gpus(tables, draft, limit), [m for m in draft.shares if m not in staying]
        if load.max() <= limit:
            continue
        need = np.array([tables.need[m, g, limit - 1] * draft.planned(m) for m in here])
        while here and load.max() > FULL * limit:
            worth = need[:, load.argmax()] / np.maximum(tables.weights_gib[here, g], LIGHT_GIB)
            worth[[m in shared for m in here]] *= LAST  # they leave all of their places
            at = int(worth.argmax())
            load, need = load - need[at], np.delete(need, at, axis=0)
            out.add(here.pop(at))
    thinned = [
        dataclasses.replace(draft, shares={m: s for m, s in draft.shares.items() if m not in out})
        for draft in drafts
    ]
    return [draft for draft in thinned if draft.shares], out


def _packed(
    tables: CapacityTables,
    drafts: Sequence[DraftCluster],
    models: Collection[int],
    *,
    deadline_s: float,
    seed: int,
    stop: Stop,
) -> list[DraftCluster] | None:
    """New sub-clusters for these models on the GPUs that the drafts leave; None where they do not fit."""
    if not models:
        return []
    sized = [one for one in (sized_or_full(tables, draft) for draft in drafts) if one is not None]
    if any(tables.rules.pinned[m] is not None for m in models) or len(sized) < len(drafts):
        return None
    alone = dataclasses.replace(tables, problem=dataclasses.replace(tables.problem, active_plan=None))
    searching = Searching.begun(lean_tables(alone), seed=seed, apart=sized)
    searching.improve(deadline_s, None, stop)
    packing = searching.packing()
    return list(packing.clusters) if packing.complete else None
