r"""
A bound for every plan, not only for those of the slots that a formulation was given.

Sub-clusters of n GPUs of type g are poured together: :math:`K_{gn}` of them, whatever they hold.
A model's share :math:`f_{mgn}` may flow into several kinds; what it needs there is what it
needs in a sub-cluster of exactly n GPUs, :math:`\nu_{mgne}`.

.. math::
    \min \sum_{gn} p_g\, n\, K_{gn} \quad\text{with}\quad
    \sum_{gn} f_{mgn} = 1,\;
    \sum_m \nu_{mgne} f_{mgn} \le n K_{gn},\;
    \sum_m w_{mg} f_{mgn} \le M_g K_{gn},\;
    \sum_n n K_{gn} \le A_g,\; K \text{ whole}

True for every plan: its sub-clusters summed by kind satisfy these rows, because a model's need
never falls by less than in proportion when its traffic is split. Models that may be split
have a share of their own in every epoch. Where GPUs are sized by epoch, the kinds are joined
at each model's least need, with a count for each epoch. This is the aggregated relaxation of
cutting stock by item and bin type (Valério de Carvalho 1999, "Exact solution of bin-packing
problems using column generation and branch-and-bound", section 2, in aggregated form).

Two things keep it small. Kinds of which one alone costs more than a plan at hand are left out:
no cheaper plan has them. Where the shares of split models by kind and epoch were too many,
they flow to GPU types instead, at the least need of all kinds of the type.
"""

from __future__ import annotations

import time
from collections.abc import Collection

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Builder
from planner.formulation.highs_lp import highs_lp
from planner.problem.tables import CapacityTables
from planner.solvers.outcome import SolverFailed

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
RELATIVE_GAP = 1e-4
SPLIT_COLUMNS_MAX = 4_000  # shares of split models by kind and epoch; beyond, they flow to GPU types


def relaxed_bound(
    tables: CapacityTables,
    split: Collection[int],
    *,
    deadline_s: float,
    seed: int,
    cost_max: float = np.inf,
) -> float | None:
    """
    Dollars per hour that no plan serving all demand can cost less than; None if none was proven in time.

    ``split`` names the models that may be split between sub-clusters; ``deadline_s`` is of
    ``time.monotonic``; ``cost_max`` is the cost of a plan at hand, and the bound never exceeds it.
    A bound stands from the first relaxation on, time only sharpens it.
    """
    kinds = _kinds(tables, cost_max)
    if time.monotonic() >= deadline_s or not kinds:
        return None
    builder, cost = _build(tables, set(split), kinds)
    solver = highspy.Highs()
    solver.silent()
    remaining = max(0.1, deadline_s - time.monotonic())
    options = (
        ("random_seed", seed),
        ("threads", 1),
        ("mip_rel_gap", RELATIVE_GAP),
        ("time_limit", remaining),
    )
    for option, value in options:
        solver.setOptionValue(option, value)
    if solver.passModel(highs_lp(builder.arrays())) == highspy.HighsStatus.kError:
        raise SolverFailed("HiGHS refused the relaxation's arrays.")
    solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return cost_max if np.isfinite(cost_max) else None
    bound = min(cost_max, float(solver.getInfo().mip_dual_bound))
    return bound if np.isfinite(bound) else None


def _kinds(tables: CapacityTables, cost_max: float) -> list[tuple[int, int]]:
    """(GPU type, GPUs of the sub-cluster); 0 GPUs stands for any number, where they are sized by epoch."""
    kinds = []
    for g in range(len(tables.gpu_types)):
        limit = max((tables.pool_limit(p) for p in _pools(tables, g)), default=0)
        counts = range(1, limit + 1) if tables.reserved else [0] * bool(limit)
        price = tables.price_usd_per_hour[g]
        kinds += [(g, n) for n in counts if price * n <= cost_max * (1 + RELATIVE_GAP)]
    return kinds


def _pools(tables: CapacityTables, gpu_type: int) -> Integers:
    return np.flatnonzero(tables.pool_types == gpu_type)


def _build(tables: CapacityTables, split: set[int], kinds: list[tuple[int, int]]) -> tuple[Builder, Floats]:
    """The relaxation and its cost by column."""
    builder = Builder()
    served = [int(m) for m in np.flatnonzero(tables.servable)]
    by_type = len(split) * len(kinds) * len(tables.hours) > SPLIT_COLUMNS_MAX
    poured = [m for m in served if m in split] if by_type else []
    shares: dict[tuple[int, int], Integers] = {}
    for k, (g, n) in enumerate(kinds):
        for m in served:
            if m not in poured and np.isfinite(_need(tables, m, g, n)).all():
                shares[m, k] = _share_columns(builder, f"m{m}_k{k}", len(tables.hours) if m in split else 1)
    flows = _flows(builder, tables, poured, kinds)
    counts = [_count_columns(builder, tables, k, g, n) for k, (g, n) in enumerate(kinds)]
    for m in served:
        mine = [columns for (owner, _), columns in [*shares.items(), *flows.items()] if owner == m]
        for e in range(len(mine[0]) if mine else 0):
            builder.row(f"placed_m{m}_e{e}", [c[e] for c in mine], [1.0] * len(mine), lower=1.0, upper=1.0)
    whole = [m for m in served if m not in poured]
    for k, (g, n) in enumerate(kinds):
        _add_kind(builder, tables, k, g, n, whole, split, shares, counts[k])
    _add_flows(builder, tables, kinds, whole, shares, flows, counts)
    _add_inventory(builder, tables, kinds, counts)
    cost = np.zeros(len(builder.column_names))
    weight = tables.hours / tables.hours.sum()
    for (g, n), columns in zip(kinds, counts, strict=True):
        hours = np.ones(1) if tables.reserved else weight
        cost[columns] = tables.price_usd_per_hour[g] * max(n, 1) * hours
    return builder, cost


def _flows(
    builder: Builder, tables: CapacityTables, poured: list[int], kinds: list[tuple[int, int]]
) -> dict[tuple[int, int], Integers]:
    """Shares by model and GPU type, one for each epoch, of the models that flow to types."""
    flows: dict[tuple[int, int], Integers] = {}
    for m in poured:
        for g in sorted({g for g, _ in kinds}):
            if np.isfinite(_need(tables, m, g, 0)).all():
                flows[m, g] = _share_columns(builder, f"m{m}_g{g}", len(tables.hours))
    return flows


def _add_flows(
    builder: Builder,
    tables: CapacityTables,
    kinds: list[tuple[int, int]],
    whole: list[int],
    shares: dict[tuple[int, int], Integers],
    flows: dict[tuple[int, int], Integers],
    counts: list[Integers],
) -> None:
    """Throughput in every epoch of all kinds of a type together, with what flows to the type."""
    for g in sorted({g for _, g in flows}):
        mine = [(k, n) for k, (kind, n) in enumerate(kinds) if kind == g]
        inside = [(m, k, n) for k, n in mine for m in whole if (m, k) in shares]
        poured = [m for m, kind in flows if kind == g]
        need = [_need(tables, m, g, n) for m, _, n in inside]
        flow = np.array([_need(tables, m, g, 0) * _batching_slack(tables, m, g) for m in poured])
        for e in range(len(tables.hours)):
            columns = [shares[m, k][min(e, len(shares[m, k]) - 1)] for m, k, _ in inside]
            columns += [flows[m, g][e] for m in poured]
            columns += [counts[k][min(e, len(counts[k]) - 1)] for k, _ in mine]
            values = [*(row[e] for row in need), *flow[:, e], *(-float(max(n, 1)) for _, n in mine)]
            builder.row(f"flow_g{g}_e{e}", [np.array(columns)], [np.array(values)], upper=0.0)


def _share_columns(builder: Builder, name: str, count: int) -> Integers:
    return np.array([builder.column(f"share_{name}_e{e}") for e in range(count)], dtype=np.int64)


def _count_columns(builder: Builder, tables: CapacityTables, k: int, g: int, n: int) -> Integers:
    """Sub-clusters of the kind; where GPUs are sized by epoch, its GPUs in each epoch."""
    available = sum(tables.pools[p].available for p in _pools(tables, g))
    epochs = 1 if tables.reserved else len(tables.hours)
    upper = float(available // max(n, 1))
    columns = [builder.column(f"count_k{k}_e{e}", upper=upper, integer=True) for e in range(epochs)]
    return np.array(columns, dtype=np.int64)


def _need(tables: CapacityTables, m: int, g: int, n: int) -> Floats:
    """(E,) GPUs that the model's whole demand needs in a sub-cluster of n; the least of all n for 0."""
    if n > 0:
        return np.asarray(tables.need[m, g, n - 1], dtype=np.float64)
    return np.asarray(tables.need[m, g].min(axis=0), dtype=np.float64)


def _batching_slack(tables: CapacityTables, m: int, g: int) -> float:
    r"""
    How much cheaper an item can be in a smaller batch, at most 1; below 1 only where a curve has steps.

    A part of a model's traffic forms smaller batches. Where :math:`\ell(b)/b` rises somewhere, that may
    cost less than in proportion; this factor on the need keeps the bound true.
    """
    largest = int(tables.batch_size[m, g].max())
    per_item = tables.law(m, g).latency_us[1 : largest + 1] / np.arange(1, largest + 1)
    return float((np.minimum.accumulate(per_item) / per_item).min())


def _add_kind(
    builder: Builder,
    tables: CapacityTables,
    k: int,
    g: int,
    n: int,
    served: list[int],
    split: set[int],
    shares: dict[tuple[int, int], Integers],
    counts: Integers,
) -> None:
    """Throughput in every epoch, and the memory of weights, of one kind."""
    mine = [m for m in served if (m, k) in shares]
    if not mine:
        return
    slack = [_batching_slack(tables, m, g) if m in split else 1.0 for m in mine]
    need = np.array([_need(tables, m, g, n) * less for m, less in zip(mine, slack, strict=True)])
    for e in range(len(tables.hours)):
        columns = [shares[m, k][min(e, len(shares[m, k]) - 1)] for m in mine]
        count = counts[min(e, len(counts) - 1)]
        builder.row(f"throughput_k{k}_e{e}", [columns, count], [need[:, e], -float(max(n, 1))], upper=0.0)
    whole = [m for m in mine if len(shares[m, k]) == 1]
    if tables.reserved and whole:
        columns = [shares[m, k][0] for m in whole]
        weights = tables.weights_gib[whole, g]
        builder.row(f"memory_k{k}", [columns, counts[0]], [weights, -tables.usable_gib[g]], upper=0.0)


def _add_inventory(
    builder: Builder, tables: CapacityTables, kinds: list[tuple[int, int]], counts: list[Integers]
) -> None:
    for g in range(len(tables.gpu_types)):
        mine = [(n, columns) for (kind, n), columns in zip(kinds, counts, strict=True) if kind == g]
        available = float(sum(tables.pools[p].available for p in _pools(tables, g)))
        for e in range(len(mine[0][1]) if mine else 0):
            columns, gpus = [c[e] for _, c in mine], [float(max(n, 1)) for n, _ in mine]
            builder.row(f"inventory_g{g}_e{e}", columns, gpus, upper=available)
