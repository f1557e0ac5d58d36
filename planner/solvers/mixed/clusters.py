"""Sub-clusters for the crowded GPU types, by local search over groups of items."""

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
from planner.solvers.mixed.moves import (
    CLOSED,
    OUTSIDE,
    TOO_DEAR,
    Part,
    State,
    improve,
    insert,
    note_alone,
    seed_rounds,
    worth_of,
)
from planner.solvers.stopping import Stop

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GROUP_MAX = 160  # items of one group; larger parts lose little by being divided, sub-clusters are small
THREADS = 2  # that search groups at once
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

THRESHOLD_FIRST, THRESHOLD_AGAIN, THRESHOLD_LAST = (
    3e-3,
    1e-3,
    5e-5,
)  # relative to the start's dollars per hour
ROUNDS_OF_CHUNK = 1_024  # between two looks at the clock: about 50 ms


@dataclass(slots=True, eq=False)
class CrowdedSearch:
    """
    Sub-clusters for the crowded types, found group by group; it can go on at other prices of what is outside.

    Attributes
    ----------
    available
        (G,) GPUs of each crowded type.
    arrays, states
        Of each group: what does not change but for the prices, made when it is first searched; what was found
        last.
    """

    part: CrowdedPart
    available: Floats
    seed: int
    groups: list[Integers]
    arrays: list[Part | None]
    states: list[State | None]

    @classmethod
    def begun(cls, part: CrowdedPart, available: Floats, *, seed: int) -> CrowdedSearch:
        groups = _groups(part)
        return cls(part, available, seed, groups, [None] * len(groups), [None] * len(groups))

    def improve(self, outside: Sequence[Outside], *, deadline_s: float, stop: Stop) -> list[DraftCluster]:
        """Sub-clusters in the crowded types' pools; items in none of them are better off elsewhere."""
        turns = -(-len(self.groups) // THREADS)
        each_s = (deadline_s - time.monotonic()) / turns
        share = np.floor(self.available / len(self.groups))

        def searched(at: int) -> None:
            arrays = self.arrays[at] or _arrays(self.part, self.groups[at], share)
            self.arrays[at] = arrays = self._priced(arrays, self.groups[at], outside)
            limit = min(deadline_s, time.monotonic() + each_s)
            seed = self.seed + at
            self.states[at] = _searched(arrays, self.states[at], deadline_s=limit, seed=seed, stop=stop)

        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            list(pool.map(searched, range(len(self.groups))))
        return _seated(self.part.tables, self._sets())

    def _priced(self, arrays: Part, group: Integers, outside: Sequence[Outside]) -> Part:
        """With these prices of what is outside; what is no item is shared out to the groups alike."""
        return arrays._replace(
            outside=np.minimum(TOO_DEAR, np.stack([prices.items[group] for prices in outside], axis=1)),
            apart=np.array([prices.apart for prices in outside]) / len(self.groups),
        )

    def _sets(self) -> list[tuple[int, list[int]]]:
        """GPU type and models of each sub-cluster."""
        found = []
        for group, state in zip(self.groups, self.states, strict=True):
            if state is None:
                continue
            models = self.part.model[group]
            for k in np.flatnonzero(state.type != CLOSED):
                members = state.members[k, : state.members_count[k]]
                found.append((self.part.types[state.type[k]], models[members].tolist()))
        return found


def _groups(part: CrowdedPart) -> list[Integers]:
    """Items dealt out by weight and price, so that every group has some of each sort."""
    count = max(1, -(-len(part) // GROUP_MAX))
    order = np.lexsort((part.outside, part.tables.weights_gib[part.model, part.types[0]]))
    return [np.sort(order[at::count]) for at in range(count)]


def _searched(arrays: Part, begin: State | None, *, deadline_s: float, seed: int, stop: Stop) -> State:
    """The best found, from ``begin`` on or from every item where it costs least."""
    seed_rounds(seed)
    best = _greedy(arrays) if begin is None else begin
    if begin is not None:
        best = best._replace(outer=np.zeros(len(arrays.apart)))
    present, trial = _copied(best), _copied(best)
    begun = time.monotonic()
    start = worth_of(arrays, best)[0]
    first = THRESHOLD_FIRST if begin is None else THRESHOLD_AGAIN
    while (now := time.monotonic()) < deadline_s and not stop():
        done = (now - begun) / max(deadline_s - begun, 1e-9)
        threshold = start * first * (THRESHOLD_LAST / first) ** done
        improve(arrays, best, present, trial, ROUNDS_OF_CHUNK, threshold)
    return best


def _arrays(part: CrowdedPart, group: Integers, available: Floats) -> Part:
    """All but the prices of what is outside."""
    tables, models, share = part.tables, part.model[group].tolist(), part.share[group]
    types = list(part.types)
    need = np.stack(
        [
            np.stack(
                [
                    need_in_workspace(
                        tables, g, models, share, np.full(len(group), kept * tables.usable_gib[g])
                    )
                    for kept in KEPT
                ]
            )
            for g in types
        ]
    )
    limit = [max(tables.pool_limit(int(p)) for p in np.flatnonzero(tables.pool_types == g)) for g in types]
    rate_max = tables.problem.policy.scheduler_rate_rps_max
    rate = np.zeros((len(group), 0))
    if rate_max is not None:
        rate = tables.rate_rps[models] * share[:, None] / rate_max
    arrays = Part(
        need=need,
        kept=np.array(KEPT),
        weights=tables.weights_gib[models][:, types].T.copy(),
        usable=tables.usable_gib[types],
        price=tables.price_usd_per_hour[types],
        limit=np.array(limit, dtype=np.int64),
        available=available.astype(np.int64),
        outside=np.zeros((len(group), 0)),
        apart=np.zeros(0),
        rate=rate,
        alone_gpus=np.zeros((len(types), len(group)), dtype=np.int64),
        alone_size=np.zeros((len(types), len(group))),
        member_max=MEMBERS_MAX,
    )
    note_alone(arrays)
    return arrays


def _greedy(arrays: Part) -> State:
    """Every item where it costs least, the heaviest first."""
    items = len(arrays.outside)
    state = State(
        home=np.full(items, OUTSIDE, dtype=np.int64),
        members=np.zeros((items + 1, arrays.member_max), dtype=np.int64),
        members_count=np.zeros(items + 1, dtype=np.int64),
        type=np.full(items + 1, CLOSED, dtype=np.int64),
        weight=np.zeros(items + 1),
        gpus=np.zeros(items + 1, dtype=np.int64),
        size=np.zeros(items + 1),
        level=np.zeros(items + 1, dtype=np.int64),
        load=np.zeros((items + 1, arrays.need.shape[4])),
        peak=np.zeros(items + 1, dtype=np.int64),
        used=np.zeros(len(arrays.price), dtype=np.int64),
        outer=arrays.apart + arrays.outside.sum(axis=0),
    )
    for i in np.argsort(-arrays.weights[0], kind="stable"):
        insert(arrays, state, i, np.flatnonzero(state.type != CLOSED), 0.0)
    return state


def _copied(state: State) -> State:
    return State(**{name: array.copy() for name, array in state._asdict().items()})


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
