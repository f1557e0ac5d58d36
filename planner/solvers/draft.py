"""What a solver decides before GPUs are counted: sub-clusters as pools with shares of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.plan.plan import Plan
from planner.problem.tables import CapacityTables

Floats = NDArray[np.float64]

SHARE_LEAST = 1e-7  # shares below are the solver's noise
SMALLER_BATCH = 1.05  # where a curve has steps, a smaller batch may need a little less


@dataclass(frozen=True, slots=True)
class DraftCluster:
    """
    A sub-cluster to be: indices are those of the capacity tables.

    ``shares`` maps each model to its share of traffic by epoch; ``active_id`` names the active
    sub-cluster that this one continues, if any. ``reserve`` has the shares to plan for where these
    are others than the shares of normal times: of models spread over zones.
    """

    pool: int
    shares: dict[int, Floats]
    active_id: str | None = None
    reserve: dict[int, Floats] = field(default_factory=dict)

    def planned(self, model: int) -> Floats:
        """(E,) the share of the model that GPUs are counted for."""
        return self.reserve.get(model, self.shares[model])


@dataclass(frozen=True, slots=True)
class SizedCluster:
    """A draft with its GPUs by epoch and the largest batch of each of its models."""

    draft: DraftCluster
    gpus: NDArray[np.int64]
    batch_size: dict[int, int]


def drafts_of_plan(tables: CapacityTables, plan: Plan) -> list[DraftCluster]:
    """The plan's sub-clusters before their GPUs are counted; those that continue active ones say so."""
    active = tables.problem.active_plan
    known = {(s.id, s.gpu_type, s.zone) for s in active.sub_clusters} if active else set()
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    index = tables.model_index()
    return [
        DraftCluster(
            pools[cluster.gpu_type, cluster.zone],
            {index[p.model]: np.array(p.share) for p in cluster.placements},
            cluster.id if (cluster.id, cluster.gpu_type, cluster.zone) in known else None,
        )
        for cluster in plan.sub_clusters
    ]


def size_cluster(tables: CapacityTables, draft: DraftCluster) -> SizedCluster | None:
    """
    The cheapest GPU counts with which the sub-cluster keeps every rule of its own.

    Batches are as large as latency allows with the fewest GPUs of the horizon, cut to what
    workspace the weights leave. None where no count within the pool does.
    """
    g = int(tables.pool_types[draft.pool])
    limit = tables.pool_limit(draft.pool)
    members = list(draft.shares)
    rates = [tables.rate_rps[m] * draft.planned(m) for m in members]
    in_memory = _in_memory(tables, g, members)
    if in_memory is None or limit < 1:
        return None
    sizes = _batch_sizes(tables, g, members, rates, in_memory, limit)
    rate_max = tables.problem.policy.scheduler_rate_rps_max
    if rate_max is not None and np.sum(rates, axis=0).max() > rate_max * (1 + 1e-9):
        return None
    best: tuple[float, NDArray[np.int64], int] | None = None
    start = _gpus_least(tables, g, draft.shares, limit) if tables.reserved else 1
    for least in range(start, limit + 1):
        if sizes[:, least - 1].min() < 1 or (best is not None and least > best[1].max()):
            continue
        gpus = _gpus(tables, g, members, rates, sizes[:, least - 1], least, limit)
        if gpus is not None and (best is None or gpus @ tables.hours < best[0] - 1e-9):
            best = (float(gpus @ tables.hours), gpus, least)
        if best is not None and tables.reserved:
            break
    if best is None:
        return None
    smallest = int(best[1].min())
    chosen = sizes[:, smallest - 1] if tables.reserved else sizes[:, best[2] - 1]
    return SizedCluster(draft, best[1], {m: int(b) for m, b in zip(members, chosen, strict=True)})


def batches_at(tables: CapacityTables, draft: DraftCluster, gpus: int) -> dict[int, int] | None:
    """The largest batch of each of its models in a sub-cluster of so many GPUs; None where one has none."""
    g = int(tables.pool_types[draft.pool])
    members = list(draft.shares)
    in_memory = _in_memory(tables, g, members)
    if in_memory is None:
        return None
    rates = [tables.rate_rps[m] * draft.planned(m) for m in members]
    sizes = _batch_sizes(tables, g, members, rates, in_memory, gpus)[:, gpus - 1]
    return dict(zip(members, sizes.tolist(), strict=True)) if sizes.min(initial=1) >= 1 else None


def busy_gpus(tables: CapacityTables, draft: DraftCluster, gpus: int) -> Floats:
    """(E,) GPUs that its models need in a sub-cluster of so many; inf where one could form no batch."""
    g = int(tables.pool_types[draft.pool])
    batches = batches_at(tables, draft, gpus)
    need = np.zeros(len(tables.hours))
    if batches is None:
        return need + np.inf
    for m, size in batches.items():
        law = tables.law(m, g)
        load = law.load_gpus(tables.rate_rps[m] * draft.planned(m), size)
        need += load / law.usable_share(gpus, tables.models[m].arrival_cv)
    return need


def _in_memory(tables: CapacityTables, gpu_type: int, members: list[int]) -> NDArray[np.int64] | None:
    """(members,) the largest batch that the weights leave workspace for; None where they do not fit."""
    free_gib = tables.usable_gib[gpu_type] - tables.weights_gib[members, gpu_type].sum()
    if free_gib < -1e-9:
        return None
    per_item = tables.workspace_gib_per_item[members, gpu_type]
    in_memory = np.full(len(members), np.iinfo(np.int64).max)
    fits = per_item > 0
    in_memory[fits] = np.floor((free_gib + 1e-9) / per_item[fits]).astype(np.int64)
    return in_memory


def _batch_sizes(
    tables: CapacityTables,
    gpu_type: int,
    members: list[int],
    rates: list[Floats],
    in_memory: NDArray[np.int64],
    limit: int,
) -> NDArray[np.int64]:
    """(members, limit) batches by GPU count: as large as may be, smaller where that is cheaper."""
    sizes = np.minimum(tables.batch_size[members, gpu_type, :limit], in_memory[:, None])
    for k, (m, rate) in enumerate(zip(members, rates, strict=True)):
        law = tables.law(m, gpu_type)
        if law.has_steps:
            largest = np.minimum(law.batch_sizes(np.arange(1, limit + 1)), in_memory[k])
            sizes[k] = law.cheapest_batch(rate, largest)
    return sizes


def _gpus_least(tables: CapacityTables, gpu_type: int, shares: Mapping[int, Floats], limit: int) -> int:
    """A count that fewer GPUs are not enough for: no share needs less than its part of the whole."""
    need = np.zeros((limit, len(tables.hours)))
    for m, share in shares.items():
        used = share > 0
        need[:, used] += tables.need[m, gpu_type, :limit, used].T * share[used]
    enough = (need <= SMALLER_BATCH * np.arange(1, limit + 1)[:, None] + 1e-9).all(axis=1)
    return int(enough.argmax()) + 1 if enough.any() else limit


def _gpus(
    tables: CapacityTables,
    gpu_type: int,
    members: list[int],
    rates: list[Floats],
    sizes: NDArray[np.int64],
    least: int,
    limit: int,
) -> NDArray[np.int64] | None:
    """GPUs by epoch, each at least ``least``, with batches planned for ``least``; None where too many."""
    counts = np.arange(least, (least if tables.reserved else limit) + 1)
    need = np.zeros((len(counts), len(tables.hours)))
    whole = sizes == tables.batch_size[members, gpu_type, least - 1]
    for m, rate, size, known in zip(members, rates, sizes, whole, strict=True):
        if known and tables.reserved and np.array_equal(rate, tables.rate_rps[m]):
            need += tables.need[m, gpu_type, least - 1]
            continue
        law = tables.law(m, gpu_type)
        share = law.usable_share(counts, tables.models[m].arrival_cv)
        need += law.load_gpus(rate, size)[None, :] / share[:, None]
    enough = need <= counts[:, None] + 1e-9
    if not enough.any(axis=0).all():
        return None
    return np.asarray(counts[enough.argmax(axis=0)], dtype=np.int64)
