"""
Slots: the sub-clusters that the formulation may open, each a pool and a size class.

A slot's batches, needs and spare parts are those of its class's smallest count, which is conservative for
all the others: the more GPUs, the larger the batch and the smaller the spare part.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.problem.tables import CapacityTables

EXACT_SLOTS_MAX = 36
CLASS_GROWTH = 1.25  # from one size class to the next, once steps of one GPU are smaller than that
STARTING_CLASSES = (2, 6, 16, 40)  # where a pool that no incumbent uses may begin


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One sub-cluster that may be opened, with ``gpus_min`` to ``gpus_max`` GPUs once it is.

    ``active_id`` names the active sub-cluster that it would continue, ``gpus_active`` the GPUs of that.
    """

    pool: int
    gpus_min: int
    gpus_max: int
    active_id: str | None = None
    gpus_active: int = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """Where an incumbent has a sub-cluster: what guides the choice of slots."""

    pool: int
    gpus_min: int
    active_id: str | None = None


def size_classes(limit: int, also: Sequence[int] = ()) -> list[int]:
    """Smallest counts of the classes up to ``limit``: by ones, later by a quarter; ``also`` are added."""
    classes, count = set(also), 1
    while count <= limit:
        classes.add(count)
        count = max(count + 1, int(count * CLASS_GROWTH))
    return sorted(c for c in classes if c <= limit)


def choose_slots(tables: CapacityTables, seats: Sequence[Seat]) -> tuple[list[Slot], bool]:
    """Slots for every count where these are few, else guided by an incumbent; and whether they are exact."""
    if slots_are_exact(tables):
        return exact_slots(tables), True
    return guided_slots(tables, seats), False


def slots_are_exact(tables: CapacityTables) -> bool:
    """Whether every sub-cluster a plan could have finds its slot; only then the bound is every plan's."""
    return len(exact_slots(tables)) <= EXACT_SLOTS_MAX and tables.problem.active_plan is None


def exact_slots(tables: CapacityTables) -> list[Slot]:
    """One class for every count that can be of use, as many slots of each as the pool or the models allow."""
    slots: list[Slot] = []
    for p in range(len(tables.pools)):
        limit = _useful_gpus(tables, p)
        for gpus in range(1, limit + 1):
            copies = min(len(tables.models), tables.pools[p].available // gpus)
            largest = gpus if tables.reserved else limit
            slots += [Slot(p, gpus, largest)] * copies
            if len(slots) > EXACT_SLOTS_MAX:
                return slots
    return slots


def _useful_gpus(tables: CapacityTables, pool: int) -> int:
    """The count with which one sub-cluster of the pool could serve every model; more is never needed."""
    limit = tables.pool_limit(pool)
    g = int(tables.pool_types[pool])
    if limit == 0:
        return 0
    possible = tables.batch_size[:, g, limit - 1] > 0
    need = tables.need[possible, g, :limit].sum(axis=0).max(axis=1)
    enough = np.flatnonzero(need <= np.arange(1, limit + 1))
    return int(enough[0]) + 1 if len(enough) else limit


def guided_slots(tables: CapacityTables, seats: Sequence[Seat]) -> list[Slot]:
    """The incumbent's own classes, those beside them, and a few for pools that it does not use."""
    slots: list[Slot] = []
    for p in range(len(tables.pools)):
        limit = tables.pool_limit(p)
        if limit == 0:
            continue
        mine = [seat for seat in seats if seat.pool == p]
        classes = size_classes(limit, [seat.gpus_min for seat in mine])
        slots += _continued(tables, p, classes, mine)
        taken = Counter(classes.index(seat.gpus_min) for seat in mine if seat.active_id is None)
        wanted: Counter[int] = Counter(taken)
        for index in taken:
            for beside in (index - 1, index, index + 1):
                if 0 <= beside < len(classes):
                    wanted[beside] = max(
                        wanted[beside], taken[beside] + (beside == index or not taken[beside])
                    )
        if not mine:
            wanted.update(i for i, c in enumerate(classes) if c in STARTING_CLASSES)
        elif not wanted:
            wanted[classes.index(min(mine, key=lambda seat: seat.gpus_min).gpus_min)] = 1
        for index in sorted(wanted):
            slots += [_slot(tables, p, classes, index)] * wanted[index]
    return slots


def _slot(
    tables: CapacityTables,
    pool: int,
    classes: list[int],
    index: int,
    active_id: str | None = None,
    active: int = 0,
) -> Slot:
    limit = tables.pool_limit(pool)
    next_class = classes[index + 1] if index + 1 < len(classes) else limit + 1
    largest = next_class - 1 if tables.reserved else limit
    return Slot(pool, classes[index], largest, active_id, active)


def _continued(tables: CapacityTables, pool: int, classes: list[int], seats: list[Seat]) -> list[Slot]:
    """For each active sub-cluster of the pool: its present class, the incumbent's, and those beside them."""
    active = tables.problem.active_plan
    slots: list[Slot] = []
    place = tables.pools[pool]
    for cluster in active.sub_clusters if active else ():
        if (cluster.gpu_type, cluster.zone) != (place.gpu_type, place.zone):
            continue
        counts = [max(1, min(cluster.gpus)), *(s.gpus_min for s in seats if s.active_id == cluster.id)]
        indices = {max(i for i, c in enumerate(classes) if c <= count) for count in counts}
        beside = itertools.chain.from_iterable((i - 1, i, i + 1) for i in indices)
        chosen = sorted({i for i in beside if 0 <= i < len(classes)})
        slots += [_slot(tables, pool, classes, i, cluster.id, cluster.gpus_max) for i in chosen]
    return slots
