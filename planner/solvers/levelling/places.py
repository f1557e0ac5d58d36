"""Sub-clusters as levelling sees them: what stays there, what split models would need there, free memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster, SizedCluster, batches_at, size_cluster
from planner.solvers.levelling.company import Company
from planner.solvers.levelling.loads import Loads

Floats = NDArray[np.float64]

COPIES_MAX = 40  # sub-clusters that one split model may be in
DEARER_MOST = 4.0  # against the cheapest place, where a copy may be added


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """
    A sub-cluster.

    Attributes
    ----------
    gpus
        Its GPUs so far.
    own
        By model that stays whole, the (E,) GPUs that it needs here.
    workspace_gib, free_gib
        Workspace as planned; what it and the weights leave for more weights.
    """

    draft: DraftCluster
    gpus: int
    own: dict[int, Floats]
    workspace_gib: float
    free_gib: float

    def load(self, epochs: int) -> Floats:
        """(E,) GPUs for all that stays."""
        return np.asarray(sum(self.own.values(), np.zeros(epochs)))


def place_of(tables: CapacityTables, one: SizedCluster, flowing: set[int]) -> Place:
    draft, gpus = one.draft, int(one.gpus.max())
    g = int(tables.pool_types[draft.pool])
    own: dict[int, Floats] = {}
    workspace = 0.0
    for m in draft.shares:
        workspace = max(workspace, one.batch_size[m] * float(tables.workspace_gib_per_item[m, g]))
        if m not in flowing:
            own[m] = _need(tables, m, g, gpus, one.batch_size[m]) * draft.planned(m)
    planned = max((float(tables.workspace_gib[m, g, gpus - 1]) for m in own), default=0.0)
    held = float(tables.weights_gib[list(draft.shares), g].sum())
    workspace = min(workspace, planned)
    return Place(draft, gpus, own, workspace, float(tables.usable_gib[g]) - held - workspace)


def sized_or_full(tables: CapacityTables, draft: DraftCluster) -> SizedCluster | None:
    """The draft sized; where no count is enough, on the most GPUs there are. None where memory is short."""
    one, limit = size_cluster(tables, draft), tables.pool_limit(draft.pool)
    if one is not None or limit < 1:
        return one
    batches = batches_at(tables, draft, limit)
    return None if batches is None else SizedCluster(draft, np.full(len(tables.hours), limit), batches)


def in_its_batches(tables: CapacityTables, place: Place) -> Place:
    """The same with what its whole models need in the batches that its memory leaves them."""
    batches = batches_at(tables, place.draft, place.gpus) if place.own else None
    if batches is None:
        return place
    g = int(tables.pool_types[place.draft.pool])
    own = {m: _need(tables, m, g, place.gpus, batches[m]) * place.draft.planned(m) for m in place.own}
    return dataclasses.replace(place, own=own)


def _need(tables: CapacityTables, m: int, g: int, gpus: int, batch_size: int) -> Floats:
    """(E,) GPUs for the model's whole demand in a sub-cluster of so many, with batches of at most that."""
    law = tables.law(m, g)
    share = law.usable_share(gpus, tables.models[m].arrival_cv)
    return np.asarray(law.load_gpus(tables.rate_rps[m], batch_size) / share, dtype=np.float64)


def needs(tables: CapacityTables, places: Sequence[Place], m: int) -> list[Floats | None]:
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


def hosts(
    tables: CapacityTables,
    places: Sequence[Place],
    flowing: Sequence[int],
    need: dict[int, list[Floats | None]],
    loads: Loads | None = None,
) -> dict[int, list[int]]:
    """
    The places of each split model: those it has, and more of the cheap ones where memory is left.

    Where loads are dear only new places get more: a copy is loaded on all GPUs of a place.
    """
    free = [place.free_gib for place in places]
    found = {m: [k for k, place in enumerate(places) if m in place.draft.shares] for m in flowing}
    shut = loads.gpus > 0 if loads is not None and loads.are_dear else np.zeros(len(places), dtype=bool)
    if shut.all():
        return found
    company = Company.of(tables, [place.draft.shares for place in places])
    for m in flowing:
        prices = {}
        for k, place in enumerate(places):
            own = need[m][k]
            if own is not None and not shut[k]:
                g = int(tables.pool_types[place.draft.pool])
                prices[k] = float(own.max() * tables.price_usd_per_hour[g])
        cheapest = min(prices.values(), default=np.inf)
        for k in sorted(prices, key=lambda k: (prices[k], -free[k])):
            g = int(tables.pool_types[places[k].draft.pool])
            size = float(tables.weights_gib[m, g])
            roomy = size + float(tables.workspace_gib[m, g, places[k].gpus - 1]) <= free[k]
            if len(found[m]) >= COPIES_MAX or prices[k] > DEARER_MOST * cheapest:
                break
            if k not in found[m] and roomy and company.admits([m], [], k):
                company.move([m], [], k)
                found[m].append(k)
                free[k] -= size
    return found
