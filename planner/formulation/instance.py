"""The numbers of one formulation: a problem seen through a choice of slots."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.slot_rules import SlotRules, slot_rules
from planner.formulation.slots import Slot
from planner.problem.tables import IDLE_RPS, CapacityTables

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_SHARES = np.union1d(np.geomspace(1e-6, 1 / 64, 64), np.linspace(0.0, 1.0, 65)[:-1])  # finest near 0
_NOISE = 1e-9  # GPUs; coefficients as small as that mislead solvers
_EXCESS_MARGIN = 1.01  # the excess is found on a grid of shares; this covers what lies between


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """
    Arrays over the servable models (M), slots (K) and epochs (E); units as in ``docs/formulation.md``.

    Attributes
    ----------
    models
        (M,) indices into the capacity tables.
    shared
        (M,) whether the model's traffic is a variable (f, s); else it is served whole where it is placed.
    split
        (M,) whether several sub-clusters may share its traffic.
    latency_feasible
        (M, K).
    need, excess
        (M, K, E) GPUs for the whole demand, and what a small share needs beyond its part of that.
    """

    tables: CapacityTables
    slots: tuple[Slot, ...]
    models: Integers
    shared: Booleans
    split: Booleans
    latency_feasible: Booleans
    need: Floats
    excess: Floats
    weights_gib: Floats
    workspace_gib: Floats
    capacity_gib: Floats
    rate_rps: Floats
    price_usd_per_hour: Floats
    hours_share: Floats
    gpus_held: Integers  # (M, K) on which the slot's active sub-cluster holds the model
    model_names: tuple[str, ...]
    slot_names: tuple[str, ...]
    rules: SlotRules

    @property
    def reserved(self) -> bool:
        return self.tables.reserved

    @property
    def epochs(self) -> range:
        return range(len(self.hours_share))

    @property
    def priority(self) -> Integers:
        return np.array([self.tables.models[m].priority for m in self.models], dtype=np.int64)

    @property
    def unserved_weight(self) -> Floats:
        """(M, E) requests per second, by the epoch's part of the horizon."""
        return np.maximum(self.rate_rps, IDLE_RPS) * self.hours_share[None, :]


def build_instance(
    tables: CapacityTables,
    slots: Sequence[Slot],
    *,
    split: Collection[int],
    elastic: Collection[int],
) -> Instance:
    """
    Choose the numbers.

    Parameters
    ----------
    split
        Models (indices of the tables) whose traffic several sub-clusters may share; those to be spread
        over zones always may.
    elastic
        Models of which a part may be left unserved.
    """
    models = np.flatnonzero(tables.servable).astype(np.int64)
    is_split = np.isin(models, sorted(split)) | (tables.rules.zones_min[models] > 1)
    shared = is_split | np.isin(models, sorted(elastic))
    shape = (len(models), len(slots))
    need = np.zeros((*shape, len(tables.hours)))
    excess = np.zeros_like(need)
    feasible = np.zeros(shape, dtype=bool)
    workspace = np.zeros(shape)
    known: dict[tuple[int, int], int] = {}
    types = np.array([tables.pool_types[slot.pool] for slot in slots], dtype=np.int64)
    for k, slot in enumerate(slots):
        g, n = int(types[k]), slot.gpus_min
        twin = known.setdefault((g, n), k)
        for row, m in enumerate(models):
            batch = int(tables.batch_size[m, g, n - 1])
            feasible[row, k] = batch > 0
            workspace[row, k] = tables.workspace_gib[m, g, n - 1]
            if batch > 0:
                need[row, k] = tables.need[m, g, n - 1]
            if batch > 0 and shared[row]:
                excess[row, k] = excess[row, twin] if twin != k else _excess(tables, int(m), g, n, batch)
    return Instance(
        tables=tables,
        slots=tuple(slots),
        models=models,
        shared=shared,
        split=is_split,
        latency_feasible=feasible,
        need=need,
        excess=excess,
        weights_gib=tables.weights_gib[models][:, types],
        workspace_gib=workspace,
        capacity_gib=tables.usable_gib[types],
        rate_rps=tables.rate_rps[models],
        price_usd_per_hour=tables.price_usd_per_hour[types],
        hours_share=tables.hours / tables.hours.sum(),
        gpus_held=_gpus_held(tables, slots, models),
        model_names=tuple(slugs(tables.models[m].id for m in models)),
        slot_names=tuple(f"k{k}" for k in range(len(slots))),
        rules=slot_rules(tables, slots, models),
    )


def _excess(tables: CapacityTables, model: int, gpu_type: int, gpus: int, batch: int) -> Floats:
    r"""
    (E,) the least :math:`d` with :math:`u(f r) \le f u(r) + d (1 - f)` for all shares f, over :math:`\rho`.

    Small shares form small batches, so a part of the traffic needs more than its part of the GPUs.
    """
    law = tables.law(model, gpu_type)
    rate = tables.rate_rps[model]
    whole = law.load_gpus(rate, batch)
    part = law.load_gpus(rate[None, :] * _SHARES[:, None], batch)
    beyond = (part - _SHARES[:, None] * whole[None, :]) / (1 - _SHARES[:, None])
    share = law.usable_share(gpus, tables.models[model].arrival_cv)
    excess = np.maximum(0.0, beyond).max(axis=0) * _EXCESS_MARGIN / share
    return np.asarray(np.where(excess > _NOISE, excess, 0.0))


def _gpus_held(tables: CapacityTables, slots: Sequence[Slot], models: Integers) -> Integers:
    active = tables.problem.active_plan
    held = np.zeros((len(models), len(slots)), dtype=np.int64)
    members = {s.id: {p.model for p in s.placements} for s in active.sub_clusters} if active else {}
    for k, slot in enumerate(slots):
        for row, m in enumerate(models):
            if slot.active_id is not None and tables.models[m].id in members[slot.active_id]:
                held[row, k] = slot.gpus_active
    return held


def slugs(names: object) -> list[str]:
    """Names that survive every solver file format: letters, digits, single underscores, each once."""
    found: list[str] = []
    for name in names:  # type: ignore[attr-defined]
        slug = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", str(name))).strip("_")[:40] or "m"
        unique, count = slug, 2
        while unique in found:
            unique, count = f"{slug}_{count}", count + 1
        found.append(unique)
    return found
