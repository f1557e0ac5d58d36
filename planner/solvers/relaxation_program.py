r"""
The relaxation that bounds every plan, not only those of the slots that a formulation was given.

Sub-clusters of n GPUs of type g are poured together: :math:`K_{gn}` of them, whatever they hold.
A model's share :math:`f_{mgn}` may flow into several kinds; what it needs there is what it
needs in a sub-cluster of exactly n GPUs, :math:`\nu_{mgne}`.

.. math::
    \min \sum_{gn} p_g\, n\, K_{gn} \quad\text{with}\quad
    \sum_{gn} f_{mgn} = 1,\;
    \sum_m \nu_{mgne} f_{mgn} \le n K_{gn},\;
    \sum_m w_{mg} f_{mgn} \le M_g K_{gn},\;
    \sum_n n K_{gn} \le A_g,\; K \text{ whole}

Memory counts by dual feasible functions too, so that two models of more than a third of a GPU's memory fill
it; a model that lives whole is in no sub-cluster of fewer GPUs than it needs.

True for every plan in which only models that may be split are: its sub-clusters summed by kind satisfy
these rows, because a model's need never falls by less than in proportion when its traffic is split. Models
that may be split have a share of their own in every epoch. Where GPUs are sized by epoch, the kinds are
joined at each model's least need, with a count for each epoch. This is the aggregated relaxation of cutting
stock by item and bin type (Valério de Carvalho 1999, "Exact solution of bin-packing problems using column
generation and branch-and-bound", section 2, in aggregated form).

Three things keep it small. Counts beside each other make one kind, with the least need among
them and a variable of its own for the GPUs. Kinds of which one alone costs more than a plan at hand
are left out: no cheaper plan has them. Where the shares of split models by kind and epoch would
be too many, they flow to GPU types instead, at the least need of all kinds of the type.

Two families of whole numbers do the proving, for a solver that may branch on them decides in one node
what the counts of kinds leave open for thousands:

.. math::
    N_g = \sum_n n K_{gn}, \quad C_g = \sum_n K_{gn}, \quad
    y_{mg} = \sum_n f_{mgn} \in \{0, 1\} \text{ for models that live whole}

A type's GPUs and sub-clusters are whole in total, and a model that lives whole has one GPU type.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Builder
from planner.problem.tables import CapacityTables, need_in_workspace
from planner.solvers.dual_feasible import memory_shares

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
ROUNDING = 1e-9  # GPUs
SPLIT_COLUMNS_MAX = 4_000  # shares of split models by kind and epoch; beyond, they flow to GPU types


@dataclass(frozen=True, slots=True)
class Kind:
    """Sub-clusters of one GPU type with ``least`` to ``most`` GPUs; 0 to 0 where they are sized by epoch."""

    gpu_type: int
    least: int
    most: int


@dataclass(slots=True)
class Columns:
    """
    Column indices.

    ``shares`` by model and kind and ``flows`` by model and GPU type have one column, or one for each
    epoch; so have ``gpus`` by kind. ``clusters`` counts sub-clusters of a kind, of reserved GPUs only.
    """

    shares: dict[tuple[int, int], Integers] = field(default_factory=dict)
    flows: dict[tuple[int, int], Integers] = field(default_factory=dict)
    gpus: list[Integers] = field(default_factory=list)
    clusters: list[int] = field(default_factory=list)


def pools_of(tables: CapacityTables, gpu_type: int) -> Integers:
    return np.flatnonzero(tables.pool_types == gpu_type)


def build(tables: CapacityTables, split: set[int], kinds: list[Kind]) -> tuple[Builder, Floats, Columns]:
    """The relaxation, its cost by column, and the columns."""
    b = Builder()
    served = [int(m) for m in np.flatnonzero(tables.servable)]
    by_type = len(split) * len(kinds) * len(tables.hours) > SPLIT_COLUMNS_MAX
    poured = [m for m in served if m in split] if by_type else []
    whole = [m for m in served if m not in poured]
    v = _add_columns(b, tables, split, kinds, whole, poured)
    for m in served:
        mine = [columns for (owner, _), columns in [*v.shares.items(), *v.flows.items()] if owner == m]
        for e in range(len(mine[0]) if mine else 1):  # a model without a place leaves no plan
            here = [np.array([c[e] for c in mine], dtype=np.int64)]
            b.row(f"placed_m{m}_e{e}", here, [1.0], lower=1.0, upper=1.0)
    for k, kind in enumerate(kinds):
        _add_kind(b, tables, k, kind, [m for m in whole if (m, k) in v.shares], split, v)
    for g in sorted({kind.gpu_type for kind in kinds}):
        _add_flows(b, tables, g, kinds, v)
        _add_inventory(b, tables, g, kinds, v)
        _add_totals(b, g, kinds, v)
        _add_choices(b, g, kinds, set(whole) - split, v)
    cost = np.zeros(len(b.column_names))
    hours = np.ones(1) if tables.reserved else tables.hours / tables.hours.sum()
    for kind, columns in zip(kinds, v.gpus, strict=True):
        cost[columns] = tables.price_usd_per_hour[kind.gpu_type] * hours
    return b, cost, v


def _add_columns(
    b: Builder,
    tables: CapacityTables,
    split: set[int],
    kinds: list[Kind],
    whole: list[int],
    poured: list[int],
) -> Columns:
    v = Columns()
    epochs = len(tables.hours)
    for k, kind in enumerate(kinds):
        available = sum(tables.pools[p].available for p in pools_of(tables, kind.gpu_type))
        count = 1 if tables.reserved else epochs
        gpus = [b.column(f"gpus_k{k}_e{e}", upper=available, integer=True) for e in range(count)]
        v.gpus.append(np.array(gpus, dtype=np.int64))
        if tables.reserved:
            v.clusters.append(b.column(f"clusters_k{k}", upper=available // kind.least, integer=True))
        for m in whole:
            if _may_live(tables, m, kind, m in split):
                v.shares[m, k] = _share_columns(b, f"m{m}_k{k}", epochs if m in split else 1)
    for m, g in itertools.product(poured, sorted({kind.gpu_type for kind in kinds})):
        if _may_use(tables, m, g) and np.isfinite(_need(tables, m, Kind(g, 0, 0))).all():
            v.flows[m, g] = _share_columns(b, f"m{m}_g{g}", epochs)
    return v


def _may_use(tables: CapacityTables, m: int, gpu_type: int) -> bool:
    """Whether the model's rules leave it a pool of the type."""
    return bool(tables.rules.allowed[m, pools_of(tables, gpu_type)].any())


def _share_columns(b: Builder, name: str, count: int) -> Integers:
    return np.array([b.column(f"share_{name}_e{e}") for e in range(count)], dtype=np.int64)


def _need(tables: CapacityTables, m: int, kind: Kind) -> Floats:
    """(E,) GPUs that the model's whole demand needs in the largest of the kind; the least of all for 0."""
    if kind.most > 0:
        return np.asarray(
            tables.need[m, kind.gpu_type, kind.least - 1 : kind.most].min(axis=0), dtype=np.float64
        )
    return np.asarray(tables.need[m, kind.gpu_type].min(axis=0), dtype=np.float64)


def _need_at_least(tables: CapacityTables, m: int, kind: Kind, is_split: bool) -> Floats:
    """(E,) the same where batches may be smaller: because traffic is split, or where memory forces it."""
    if is_split:
        return _need(tables, m, kind) * batching_slack(tables, m, kind.gpu_type)
    need = least_need(tables, m, kind.gpu_type)
    if kind.most == 0:
        return np.asarray(need.min(axis=0))
    return np.asarray(need[kind.least - 1 : kind.most][_enough(need, kind)].min(axis=0))


def _enough(need: Floats, kind: Kind) -> NDArray[np.bool_]:
    """Which counts of the kind are enough for a whole model that needs so much at each, (N, E)."""
    counts = np.arange(kind.least, kind.most + 1)[:, None]
    return np.asarray((need[kind.least - 1 : kind.most] <= counts + ROUNDING).all(axis=1))


def _may_live(tables: CapacityTables, m: int, kind: Kind, is_split: bool) -> bool:
    """Whether some sub-cluster of the kind can hold the model."""
    if not _may_use(tables, m, kind.gpu_type) or not np.isfinite(_need(tables, m, kind)).all():
        return False
    whole = not is_split and kind.most > 0
    return not whole or bool(_enough(least_need(tables, m, kind.gpu_type), kind).any())


def batching_slack(tables: CapacityTables, m: int, g: int) -> float:
    r"""
    How much cheaper an item can be in another batch, at most 1; below 1 only where a curve has steps.

    A part of a model's traffic forms smaller batches. Where :math:`\ell(b)/b` rises somewhere, that may
    cost less than in proportion; this factor on the need keeps the bound true. So does it for a part
    that is promised a larger batch than the whole.
    """
    law = tables.law(m, g)
    if not law.has_steps:
        return 1.0
    per_item = law.latency_us[1:-1] / np.arange(1, law.batch_size_max + 1)
    promised = np.unique(tables.batch_size[m, g])
    promised = promised[promised > 0]
    smaller = (np.minimum.accumulate(per_item) / per_item)[: promised.max(initial=0)]
    larger = per_item.min() / per_item[promised - 1]
    return float(min(smaller.min(initial=1.0), larger.min(initial=1.0)))


def least_need(tables: CapacityTables, m: int, g: int) -> Floats:
    """(N, E) GPUs for the model's whole demand, in each epoch in the cheapest of all batches; inf."""
    if not tables.batch_size[m, g].any() or not tables.law(m, g).has_steps:
        return np.asarray(tables.need[m, g], dtype=np.float64)
    everything = np.array([float(tables.usable_gib[g] - tables.weights_gib[m, g])])
    need: Floats = need_in_workspace(tables, g, [m], np.ones(1), everything, least=True)[0]
    return need


def _at(columns: Integers, epoch: int) -> int:
    """The column of an epoch, where one may stand for all."""
    return int(columns[min(epoch, len(columns) - 1)])


def _add_kind(
    b: Builder, tables: CapacityTables, k: int, kind: Kind, mine: list[int], split: set[int], v: Columns
) -> None:
    """Throughput in every epoch, the memory of weights, and sub-clusters of the kind's size."""
    if tables.reserved:
        pair = [np.array([v.gpus[k][0], v.clusters[k]])]
        b.row(f"least_k{k}", pair, [np.array([1.0, -kind.least])], lower=0.0)
        b.row(f"most_k{k}", pair, [np.array([1.0, -kind.most])], upper=0.0)
    if not mine:
        return
    need = np.array([_need_at_least(tables, m, kind, m in split) for m in mine])
    for e in range(len(tables.hours)):
        columns = np.array([*(_at(v.shares[m, k], e) for m in mine), _at(v.gpus[k], e)])
        b.row(f"throughput_k{k}_e{e}", [columns], [np.append(need[:, e], -1.0)], upper=0.0)
    whole = [m for m in mine if len(v.shares[m, k]) == 1]
    if tables.reserved and whole:
        columns = np.array([*(v.shares[m, k][0] for m in whole), v.clusters[k]])
        part = tables.weights_gib[whole, kind.gpu_type] / tables.usable_gib[kind.gpu_type]
        for j, shares in enumerate(memory_shares(part).T):
            if shares.any():
                b.row(f"memory_k{k}_j{j}", [columns], [np.append(shares, -1.0)], upper=0.0)


def _add_flows(b: Builder, tables: CapacityTables, g: int, kinds: list[Kind], v: Columns) -> None:
    """Throughput in every epoch of all kinds of a type together, with what flows to the type."""
    poured = [m for m, kind in v.flows if kind == g]
    if not poured:
        return
    inside = [(m, k) for m, k in v.shares if kinds[k].gpu_type == g]
    need = [_need_at_least(tables, m, kinds[k], is_split=False) for m, k in inside]
    flow = [_need(tables, m, Kind(g, 0, 0)) * batching_slack(tables, m, g) for m in poured]
    lent = [gpus for kind, gpus in zip(kinds, v.gpus, strict=True) if kind.gpu_type == g]
    for e in range(len(tables.hours)):
        columns = [_at(v.shares[key], e) for key in inside]
        columns += [_at(v.flows[m, g], e) for m in poured]
        columns += [_at(gpus, e) for gpus in lent]
        values = [row[e] for row in [*need, *flow]] + [-1.0] * len(lent)
        b.row(f"flow_g{g}_e{e}", [np.array(columns)], [np.array(values)], upper=0.0)


def _add_inventory(b: Builder, tables: CapacityTables, g: int, kinds: list[Kind], v: Columns) -> None:
    lent = [gpus for kind, gpus in zip(kinds, v.gpus, strict=True) if kind.gpu_type == g]
    available = float(sum(tables.pools[p].available for p in pools_of(tables, g)))
    for e in range(len(lent[0])):
        b.row(f"inventory_g{g}_e{e}", [np.array([gpus[e] for gpus in lent])], [1.0], upper=available)


def _add_totals(b: Builder, g: int, kinds: list[Kind], v: Columns) -> None:
    """The type's GPUs and sub-clusters in all, whole numbers; GPUs sized by epoch are so as they are."""
    mine = [k for k, kind in enumerate(kinds) if kind.gpu_type == g]
    if not v.clusters or len(mine) < 2:
        return
    for name, columns in (
        ("gpus", [v.gpus[k][0] for k in mine]),
        ("clusters", [v.clusters[k] for k in mine]),
    ):
        upper = max(b.column_upper[c] for c in columns)
        _add_sum(b, f"{name}_g{g}", columns, upper)


def _add_choices(b: Builder, g: int, kinds: list[Kind], whole: set[int], v: Columns) -> None:
    """A model that lives whole is on the type or is not."""
    mine: dict[int, list[int]] = {}
    for (m, k), columns in v.shares.items():
        if m in whole and kinds[k].gpu_type == g:
            mine.setdefault(m, []).append(int(columns[0]))
    for m, shares in mine.items():
        _add_sum(b, f"chosen_m{m}_g{g}", shares, 1.0)


def _add_sum(b: Builder, name: str, columns: Sequence[int], upper: float) -> None:
    """A whole number that is the sum of these columns."""
    total = b.column(name, upper=upper, integer=True)
    b.row(name, [np.array(columns), total], [1.0, -1.0], lower=0.0, upper=0.0)
