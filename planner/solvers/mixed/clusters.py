"""
Sub-clusters for the crowded GPU types, by local search over groups of them that are dealt anew.

Searching a few sub-clusters at a time is quick, and what they may exchange is soon found; which of hundreds
belong together, models with peaks at different hours above all, is not. So groups are drawn again and again
while one threshold falls, over all of a turn (Kirkpatrick, Gelatt and Vecchi 1983).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables, need_in_workspace
from planner.solvers.draft import DraftCluster, SizedCluster, size_cluster
from planner.solvers.mixed.crowded import CrowdedPart, Outside
from planner.solvers.mixed.moves import improve, insert, seed_rounds
from planner.solvers.mixed.state import (
    CLOSED,
    TOO_DEAR,
    Part,
    Sets,
    State,
    copied,
    note_alone,
    seated,
    sets_of,
)
from planner.solvers.stopping import Stop

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GROUP_MAX = 160  # items of one group
GROUP_S = 0.7  # seconds for a group before all are dealt anew
THREADS = 2  # that search groups at once
SEEDS = 1_000  # of groups in a deal, and of deals
MEMBERS_MAX = 128  # items of one sub-cluster
KEPT = (
    1 / 128,
    1 / 64,
    1 / 32,
    3 / 64,
    1 / 16,
    1 / 12,
    1 / 8,
    1 / 6,
    1 / 4,
    1 / 3,
    5 / 12,
    1 / 2,
    7 / 12,
    2 / 3,
)
"""Memory left for workspace, as shares of a GPU's, at which need is tabulated."""

THRESHOLD_FIRST, THRESHOLD_AGAIN, THRESHOLD_LAST = 0.3, 0.15, 0.0075
"""By how much a state may be dearer than the one before, in prices of a GPU: at first, later, at last."""

ROUNDS_OF_CHUNK = 1_024  # between two looks at the clock: about 30 ms


@dataclass(slots=True, eq=False)
class CrowdedSearch:
    """
    Sub-clusters for the crowded types; the search can go on at other prices of what is outside.

    Attributes
    ----------
    available
        (G,) GPUs of each crowded type.
    arrays
        Of all items: what does not change but for the prices.
    sets, used
        What was found last, and its (G,) GPUs of each crowded type.
    deals
        How many times groups were dealt.
    """

    part: CrowdedPart
    available: Integers
    seed: int
    arrays: Part
    sets: Sets
    used: Integers
    deals: int = 0

    @classmethod
    def begun(cls, part: CrowdedPart, available: Floats, *, seed: int) -> CrowdedSearch:
        gpus = available.astype(np.int64)
        return cls(part, gpus, seed, _arrays(part, gpus), [], np.zeros_like(gpus))

    def improve(self, outside: Sequence[Outside], *, deadline_s: float, stop: Stop) -> list[DraftCluster]:
        """Sub-clusters in the crowded types' pools; items in none of them are better off elsewhere."""
        self.arrays = self.arrays._replace(
            outside=np.minimum(TOO_DEAR, np.stack([prices.items for prices in outside], axis=1)),
            apart=np.array([prices.apart for prices in outside]),
        )
        groups = -(-len(self.part) // GROUP_MAX)
        each_s = GROUP_S * -(-groups // THREADS) if groups > 1 else np.inf
        cooling = Cooling(THRESHOLD_AGAIN if self.sets else THRESHOLD_FIRST, time.monotonic(), deadline_s)
        if not self.sets:
            begin = _greedy(self.arrays)
            self.sets, self.used = sets_of(begin), begin.used
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            while (now_s := time.monotonic()) < deadline_s and not stop():
                until_s = now_s + each_s if deadline_s - now_s > 1.5 * each_s else deadline_s
                self._search_groups(groups, until_s, cooling, stop, pool)
        return _seated(self.part.tables, self._models())

    def _search_groups(
        self, groups: int, until_s: float, cooling: Cooling, stop: Stop, pool: ThreadPoolExecutor
    ) -> None:
        """Deal items and sub-clusters to groups, and search these, as many at once as there are threads."""
        each_s = (until_s - time.monotonic()) / -(-groups // THREADS)
        spare = (self.available - self.used) // groups
        self.deals += 1

        def searched(group: int, items: Integers, sets: Sets) -> tuple[Sets, Integers]:
            arrays = _of_items(self.arrays, items, 1 / groups)
            begin = seated(arrays, [(g, np.searchsorted(items, members)) for g, members in sets])
            arrays = arrays._replace(available=begin.used + spare)
            seed_rounds((self.seed * SEEDS + self.deals) * SEEDS + group)
            limit_s = min(until_s, time.monotonic() + each_s)
            found = _searched(arrays, begin, cooling, deadline_s=limit_s, stop=stop)
            return [(g, items[members]) for g, members in sets_of(found)], found.used

        found = list(pool.map(searched, range(groups), *zip(*self._dealt(groups), strict=True)))
        self.sets = [one for sets, _ in found for one in sets]
        self.used = np.sum([used for _, used in found], axis=0)

    def _dealt(self, groups: int) -> list[tuple[Integers, Sets]]:
        """Items, in order, and sub-clusters of each group; what is outside is dealt out as well."""
        random = np.random.default_rng((self.seed, self.deals))
        is_outside = np.ones(len(self.part), dtype=bool)
        for _, members in self.sets:
            is_outside[members] = False
        outside, order = random.permutation(np.flatnonzero(is_outside)), random.permutation(len(self.sets))
        found = []
        for group in range(groups):
            sets = [self.sets[at] for at in order[group::groups]]
            items = np.concatenate([outside[group::groups], *(members for _, members in sets)])
            found.append((np.sort(items), sets))
        return found

    def _models(self) -> list[tuple[int, list[int]]]:
        """GPU type and models of each sub-cluster."""
        return [(self.part.types[g], self.part.model[members].tolist()) for g, members in self.sets]


@dataclass(frozen=True, slots=True)
class Cooling:
    """A threshold that falls from ``first`` to ``THRESHOLD_LAST`` between two instants."""

    first: float
    begin_s: float
    end_s: float

    def threshold(self, now_s: float) -> float:
        done = min(1.0, (now_s - self.begin_s) / max(self.end_s - self.begin_s, 1e-9))
        return float(self.first * (THRESHOLD_LAST / self.first) ** done)


def _searched(arrays: Part, begin: State, cooling: Cooling, *, deadline_s: float, stop: Stop) -> State:
    """Where the search stands at its deadline; the best that it found when that ends the cooling."""
    best, present, trial = begin, copied(begin), copied(begin)
    price = float(arrays.price.min())
    while (now_s := time.monotonic()) < deadline_s and not stop():
        improve(arrays, best, present, trial, ROUNDS_OF_CHUNK, price * cooling.threshold(now_s))
    return best if deadline_s >= cooling.end_s or stop() else present


def _of_items(arrays: Part, items: Integers, part: float) -> Part:
    """The arrays of these items, with this part of what is no item."""
    return arrays._replace(
        need=np.ascontiguousarray(arrays.need[:, :, items]),
        weights=np.ascontiguousarray(arrays.weights[:, items]),
        outside=arrays.outside[items],
        apart=arrays.apart * part,
        rate=arrays.rate[items],
        alone_gpus=np.ascontiguousarray(arrays.alone_gpus[:, items]),
        alone_size=np.ascontiguousarray(arrays.alone_size[:, items]),
    )


def _greedy(arrays: Part) -> State:
    """Every item where it costs least, the heaviest first."""
    state = seated(arrays)
    for i in np.argsort(-arrays.weights[0], kind="stable"):
        insert(arrays, state, i, np.flatnonzero(state.type != CLOSED), 0.0)
    return state


def _arrays(part: CrowdedPart, available: Integers) -> Part:
    """All but the prices of what is outside."""
    tables, models, share = part.tables, part.model.tolist(), part.share
    types = list(part.types)
    need = np.stack(
        [
            np.stack(
                [
                    need_in_workspace(
                        tables, g, models, share, np.full(len(part), kept * tables.usable_gib[g])
                    )
                    for kept in KEPT
                ]
            )
            for g in types
        ]
    )
    limit = [max(tables.pool_limit(int(p)) for p in np.flatnonzero(tables.pool_types == g)) for g in types]
    rate_max = tables.problem.policy.scheduler_rate_rps_max
    rate = np.zeros((len(part), 0))
    if rate_max is not None:
        rate = tables.rate_rps[models] * share[:, None] / rate_max
    arrays = Part(
        need=need,
        kept=np.array(KEPT),
        weights=tables.weights_gib[models][:, types].T.copy(),
        usable=tables.usable_gib[types],
        price=tables.price_usd_per_hour[types],
        limit=np.array(limit, dtype=np.int64),
        available=available,
        outside=np.zeros((len(part), 0)),
        apart=np.zeros(0),
        rate=rate,
        alone_gpus=np.zeros((len(types), len(part)), dtype=np.int64),
        alone_size=np.zeros((len(types), len(part))),
        member_max=MEMBERS_MAX,
    )
    note_alone(arrays)
    return arrays


def _seated(tables: CapacityTables, sets: Sequence[tuple[int, list[int]]]) -> list[DraftCluster]:
    """The sets in pools that have the GPUs for them, the largest first; those without a pool are left out."""
    sized: list[tuple[SizedCluster, int]] = []
    for g, models in sets:
        pool = max(map(int, np.flatnonzero(tables.pool_types == g)), key=tables.pool_limit)
        one = size_cluster(tables, DraftCluster(pool, {m: np.ones(len(tables.hours)) for m in models}))
        if one is not None:
            sized.append((one, g))
    free = [pool.available for pool in tables.pools]
    seated = []
    for one, g in sorted(sized, key=lambda pair: -int(pair[0].gpus.max())):
        gpus = int(one.gpus.max())
        for p in map(int, np.flatnonzero(tables.pool_types == g)):
            if gpus <= min(free[p], tables.pool_limit(p)):
                free[p] -= gpus
                seated.append(dataclasses.replace(one.draft, pool=p))
                break
    return seated
