"""Which GPU types are crowded, which models may live there, and what these would cost elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.dual_guess import Guess
from planner.solvers.poured import Fleet, Multipliers

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MEMORY_PRICE_LEAST = 0.005  # share of a GPU's price that its memory must be worth to count as scarce
USE_LEAST_GPUS = 0.5  # GPUs of a type in the guess that count as use
WHOLE_DAY = -1


@dataclass(frozen=True, slots=True, eq=False)
class CrowdedPart:
    """
    The crowded GPU types and the items (K) that may live on them.

    Attributes
    ----------
    types
        GPU types of which whole sub-clusters are chosen.
    model, share
        (K,) the item's model and the part of its demand that it is.
    epoch
        (K,) the only epoch in which the item asks for GPUs, ``WHOLE_DAY`` for all; items of one
        epoch are the demand of a split model and bring no weights.
    outside
        (K,) dollars per hour on the other types, inf where it cannot live there.
    """

    tables: CapacityTables
    types: tuple[int, ...]
    model: Integers
    share: Floats
    epoch: Integers
    outside: Floats

    def __len__(self) -> int:
        return len(self.model)


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """Dollars per hour on the other types: ``items`` (K,) of each item, ``apart`` of all that is no item."""

    items: Floats
    apart: float


def crowded_types(fleet: Fleet, guess: Guess) -> tuple[int, ...]:
    """GPU types in use whose memory has a price, on the mean over the GPUs in use."""
    used = guess.gpus.sum(axis=1)
    spent = (guess.multipliers.memory.sum(axis=2) * guess.gpus).sum(axis=1)
    worth = spent / np.maximum(used * fleet.price, 1e-12)
    return tuple(int(g) for g in np.flatnonzero((worth >= MEMORY_PRICE_LEAST) & (used >= USE_LEAST_GPUS)))


def crowded_part(
    tables: CapacityTables,
    fleet: Fleet,
    multipliers: Multipliers,
    types: tuple[int, ...],
    split: Collection[int],
    *,
    flowing: bool,
) -> CrowdedPart:
    """
    The crowded part at these multipliers.

    With ``flowing`` the split models take part as demand by epoch, as a bound asks for; without, not at all.
    """
    others = np.array([g not in types for g in range(len(tables.gpu_types))])
    whole, by_epoch = elsewhere(fleet, multipliers, others)
    rows: list[tuple[int, int, float]] = []
    for m in np.flatnonzero(tables.servable & tables.batch_size[:, list(types)].any(axis=(1, 2))):
        if m not in split:
            rows.append((int(m), WHOLE_DAY, float(whole[m])))
        elif flowing:
            rows += [(int(m), e, float(by_epoch[m, e])) for e in range(len(tables.hours))]
    return CrowdedPart(
        tables=tables,
        types=types,
        model=np.array([row[0] for row in rows], dtype=np.int64),
        share=np.ones(len(rows)),
        epoch=np.array([row[1] for row in rows], dtype=np.int64),
        outside=np.array([row[2] for row in rows]),
    )


def outside_of(fleet: Fleet, part: CrowdedPart, whole: Floats, by_epoch: Floats, lent: float) -> Outside:
    """From what models are charged, (M,) whole and (M, E) by epoch; ``lent`` is what inventory is worth."""
    rest = fleet.served.copy()
    rest[part.model] = False
    apart = float(whole[rest & ~fleet.split].sum() + by_epoch[rest & fleet.split].sum())
    return Outside(whole[part.model], apart - lent)


def outside_at(fleet: Fleet, part: CrowdedPart, multipliers: Multipliers) -> Outside:
    """At multipliers of the poured fleet."""
    others = np.array([g not in part.types for g in range(len(fleet.price))])
    whole, by_epoch = elsewhere(fleet, multipliers, others)
    lent = float((multipliers.inventory * fleet.available)[others].sum())
    return outside_of(fleet, part, whole, by_epoch, lent)


@njit(cache=True)
def elsewhere(fleet, multipliers, others):  # type: ignore[no-untyped-def]
    """(M,) and (M, E): what each model is charged, whole and by epoch, where it is cheapest of ``others``."""
    models, types, _, epochs = fleet.need.shape
    whole = np.full(models, np.inf)
    by_epoch = np.full((models, epochs), np.inf)
    for m in range(models):
        for g in range(types):
            if not others[g]:
                continue
            for n in range(fleet.limit[g]):
                if fleet.need[m, g, n, 0] == np.inf:
                    continue
                cost = 0.0
                for e in range(epochs):
                    part = multipliers.throughput[g, n, e] * fleet.need[m, g, n, e] * fleet.slack[m, g]
                    cost += part
                    by_epoch[m, e] = min(by_epoch[m, e], part)
                for j in range(fleet.memory.shape[2]):
                    cost += (n + 1) * multipliers.memory[g, n, j] * fleet.memory[m, g, j]
                whole[m] = min(whole[m], cost)
    return whole, by_epoch
