"""The capacity mathematics of a whole problem as arrays, computed once for greedy and formulation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.capacity import BatchLaw, batch_law, batch_size_in_memory
from planner.problem.capacity_kernel import Laws, Pairs, fill_tables, laws_of
from planner.problem.problem import GpuReservation, GpuTypeId, Model, ModelId, PlanningProblem, Pool
from planner.problem.rules import RuleTables, all_hard, lent_pools, rule_tables
from planner.problem.usable_share import usable_share

Floats = NDArray[np.float64]

IDLE_RPS = 0.01  # what a model without demand counts as, so that it is placed all the same
BURST = 2.0  # mean batches; a batch of a burst is planned to be that large, memory permitting


@dataclass(frozen=True, slots=True, eq=False)
class CapacityTables:
    """
    Arrays over models (M), GPU types (G), GPU counts 1..N (N) and epochs (E).

    Attributes
    ----------
    rate_rps
        (M, E) demand.
    batch_size
        (M, G, N) batch that a plan promises: of those possible the largest, but a smaller one where a
        curve has steps and it costs less (``BatchLaw.cheapest_batch``); 0 where the model cannot live.
    need
        (M, G, N, E) GPUs to plan for the model's whole demand; inf where it cannot live.
    weights_gib, workspace_gib_per_item
        (M, G) memory; 0 without a profile.
    workspace_gib
        (M, G, N) workspace to plan for: of the largest batch, or of ``BURST`` times the mean batch at
        the model's peak demand where that is less. What memory then is left lets batches be larger.
    usable_gib, price_usd_per_hour
        (G,) of the GPU types.
    hours
        (E,) length of the epochs.
    pools
        With the GPUs that a plan may use of each (``planner.problem.rules.lent_pools``).
    """

    problem: PlanningProblem
    models: tuple[Model, ...]
    gpu_types: tuple[GpuTypeId, ...]
    pools: tuple[Pool, ...]
    rate_rps: Floats
    batch_size: NDArray[np.int64]
    need: Floats
    weights_gib: Floats
    workspace_gib_per_item: Floats
    workspace_gib: Floats
    usable_gib: Floats
    price_usd_per_hour: Floats
    hours: Floats
    rules: RuleTables

    @property
    def gpus_max(self) -> int:
        """N: the most GPUs that one sub-cluster can have."""
        return int(self.batch_size.shape[2])

    @property
    def reserved(self) -> bool:
        return self.problem.policy.gpus is GpuReservation.RESERVED

    @property
    def servable(self) -> NDArray[np.bool_]:
        """(M,) whether some pool where the model may live can serve it within its SLO."""
        found = np.zeros(len(self.models), dtype=bool)
        for p, g in enumerate(self.pool_types):
            limit = self.pool_limit(p)
            if limit > 0:
                found |= (self.batch_size[:, g, limit - 1] > 0) & self.rules.allowed[:, p]
        return found

    @property
    def pool_types(self) -> NDArray[np.int64]:
        """(P,) index of each pool's GPU type."""
        return np.array([self.gpu_types.index(pool.gpu_type) for pool in self.pools], dtype=np.int64)

    def pool_limit(self, pool: int) -> int:
        """The most GPUs of a sub-cluster in that pool."""
        return min(self.gpus_max, self.pools[pool].available)

    def law(self, model: int, gpu_type: int) -> BatchLaw:
        return batch_law(self.models[model], self.gpu_types[gpu_type], self.problem.policy.delays)

    def need_at(self, model: int, gpu_type: int, rate_rps: Floats) -> Floats:
        """(N, E) need for another rate than the model's whole demand, as for one of several shares."""
        sizes = self.batch_size[model, gpu_type]
        law = self.law(model, gpu_type)
        share = law.usable_share(np.arange(1, self.gpus_max + 1), self.models[model].arrival_cv)
        return _need(law, rate_rps, sizes, share)

    def model_index(self) -> dict[ModelId, int]:
        return {model.id: m for m, model in enumerate(self.models)}


def capacity_tables(problem: PlanningProblem) -> CapacityTables:
    """The arrays of a problem; models, GPU types and pools in the order of their ids."""
    models = tuple(problem.models[name] for name in sorted(problem.models))
    pools = _pools(lent_pools(problem))
    gpu_types = tuple(sorted(problem.gpu_types))
    available = max((pool.available for pool in pools), default=1)
    gpus_max = max(1, min(problem.policy.sub_cluster_gpus_max, available))
    shape = (len(models), len(gpu_types))
    epochs = len(problem.epochs)
    rate = np.array([m.demand_rps for m in models], dtype=np.float64).reshape(len(models), epochs)
    batch_size = np.zeros((*shape, gpus_max), dtype=np.int64)
    need = np.full((*shape, gpus_max, epochs), np.inf)
    weights = np.zeros(shape)
    per_item = np.zeros(shape)
    workspace = np.zeros((*shape, gpus_max))
    for m, model in enumerate(models):
        for g, name in enumerate(gpu_types):
            if name in model.profiles:
                weights[m, g] = model.profiles[name].weights_gib
                per_item[m, g] = model.profiles[name].workspace_gib_per_item
    laws, pairs = _pairs(problem, models, gpu_types)
    variation = np.array([model.arrival_cv for model in models], dtype=np.float64)[pairs.model]
    per_slo = laws.requests_per_slo[pairs.law]
    share = usable_share(np.arange(1, gpus_max + 1), variation[:, None], per_slo[:, None])
    fill_tables(laws, pairs, rate, share, BURST, False, batch_size, need, workspace)
    types = [problem.gpu_types[name] for name in gpu_types]
    return CapacityTables(
        problem=problem,
        models=models,
        gpu_types=gpu_types,
        pools=pools,
        rate_rps=rate,
        batch_size=batch_size,
        need=need,
        weights_gib=weights,
        workspace_gib_per_item=per_item,
        workspace_gib=workspace,
        usable_gib=np.array([t.usable_gib for t in types]),
        price_usd_per_hour=np.array([t.price_usd_per_hour for t in types]),
        hours=np.array([epoch.hours for epoch in problem.epochs]),
        rules=rule_tables(problem, models, pools),
    )


def need_in_workspace(
    tables: CapacityTables,
    gpu_type: int,
    models: Sequence[int],
    shares: Floats,
    workspace_gib: Floats,
    *,
    least: bool = False,
) -> Floats:
    """
    (K, N, E) GPUs for a share of each model's demand where batches have so much workspace at most.

    ``models``, ``shares`` and ``workspace_gib`` have K entries; inf where not even one request fits.
    With ``least``, the least that any batch of those possible needs, epoch by epoch: no plan needs less.
    """
    name, problem = tables.gpu_types[gpu_type], tables.problem
    shape = (len(models), 1, tables.gpus_max)
    need = np.full((*shape, len(tables.hours)), np.inf)
    known: dict[int, int] = {}
    laws: list[BatchLaw] = []
    rows: list[tuple[int, int, int, int]] = []
    for k, m in enumerate(models):
        if name not in tables.models[m].profiles:
            continue
        law = batch_law(tables.models[m], name, problem.policy.delays)
        if id(law) not in known:
            known[id(law)] = len(laws)
            laws.append(law)
        per_item = tables.workspace_gib_per_item[m, gpu_type]
        in_memory = batch_size_in_memory(tables.models[m].profiles[name], problem.gpu_types[name])
        if per_item > 0:
            in_memory = min(in_memory, int((workspace_gib[k] + 1e-9) / per_item))
        rows.append((k, 0, known[id(law)], in_memory))
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 4).T.copy()
    pairs = Pairs(columns[0], columns[1], columns[2], columns[3], np.zeros(len(rows)))
    laws_flat = laws_of(laws)
    variation = np.array([m.arrival_cv for m in tables.models], dtype=np.float64)[models][pairs.model]
    share = usable_share(
        np.arange(1, tables.gpus_max + 1), variation[:, None], laws_flat.requests_per_slo[pairs.law][:, None]
    )
    rate = tables.rate_rps[models] * shares[:, None]
    sizes, workspace = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    fill_tables(laws_flat, pairs, rate, share, BURST, least, sizes, need, workspace)
    return need[:, 0]


def strict_tables(tables: CapacityTables) -> CapacityTables:
    """The same with every rule hard: a plan of these breaks none."""
    hard = all_hard(tables.problem)
    pools = _pools(hard.pools)
    return dataclasses.replace(tables, pools=pools, rules=rule_tables(hard, tables.models, pools))


def _pools(pools: tuple[Pool, ...]) -> tuple[Pool, ...]:
    return tuple(sorted(pools, key=lambda pool: (pool.gpu_type, pool.zone)))


def _pairs(
    problem: PlanningProblem, models: Sequence[Model], gpu_types: Sequence[GpuTypeId]
) -> tuple[Laws, Pairs]:
    """Every model on every GPU type that it has a profile for, and the batch laws of these."""
    known: dict[int, int] = {}
    laws: list[BatchLaw] = []
    rows: list[tuple[int, int, int, int, float]] = []
    for m, model in enumerate(models):
        for g, name in enumerate(gpu_types):
            if name in model.profiles:
                profile = model.profiles[name]
                law = batch_law(model, name, problem.policy.delays)
                if id(law) not in known:
                    known[id(law)] = len(laws)
                    laws.append(law)
                in_memory = batch_size_in_memory(profile, problem.gpu_types[name])
                rows.append((m, g, known[id(law)], in_memory, profile.workspace_gib_per_item))
    columns = np.array([row[:4] for row in rows], dtype=np.int64).reshape(len(rows), 4).T.copy()
    per_item = np.array([row[4] for row in rows], dtype=np.float64)
    return laws_of(laws), Pairs(columns[0], columns[1], columns[2], columns[3], per_item)


def _need(law: BatchLaw, rate_rps: Floats, batch_sizes: NDArray[np.int64], share: Floats) -> Floats:
    """(N, E) need at each count, of which many have the same largest batch."""
    need = np.full((len(batch_sizes), len(rate_rps)), np.inf)
    first = int(np.searchsorted(batch_sizes, 1))
    if first < len(batch_sizes):
        sizes, which = np.unique(batch_sizes[first:], return_inverse=True)
        load = law.load_gpus(rate_rps[None, :], sizes[:, None])
        np.divide(load[which], share[first:, None], out=need[first:])
    return need
