"""The decision variables, as column indices laid out like the mathematics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Builder
from planner.formulation.instance import Instance

Integers = NDArray[np.int64]
ABSENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """
    Column indices; ``ABSENT`` where a variable does not exist.

    Attributes
    ----------
    opened
        (K,) y: whether the slot is open.
    placed
        (M, K) x: whether the model lives in the slot.
    share
        (M, K, E) f: part of the model's traffic sent to the slot; only of shared models.
    unserved
        (M, E) s: part left out; only of shared models.
    gpus
        (K, E) n; with reserved GPUs one column stands in all epochs.
    workspace
        (K,) W, GiB.
    loaded
        (M, K) c, GiB; only beside an active plan.
    """

    opened: Integers
    placed: Integers
    share: Integers
    unserved: Integers
    gpus: Integers
    workspace: Integers
    loaded: Integers

    def gpu_epochs(self, inst: Instance) -> range:
        """Epochs whose GPU columns differ: one if they are reserved."""
        return range(1) if inst.reserved else inst.epochs


def add_variables(b: Builder, inst: Instance) -> Variables:
    """All columns, the integer ones of the packing first."""
    models, slots, epochs = inst.need.shape
    opened = np.array([b.column(f"y__{k}", integer=True) for k in inst.slot_names], dtype=np.int64)
    gpus = np.full((slots, epochs), ABSENT, dtype=np.int64)
    workspace = np.full(slots, ABSENT, dtype=np.int64)
    placed = np.full((models, slots), ABSENT, dtype=np.int64)
    for k, (name, slot) in enumerate(zip(inst.slot_names, inst.slots, strict=True)):
        if inst.reserved:
            gpus[k] = b.column(f"n__{name}", upper=slot.gpus_max, integer=True)
        else:
            for e in inst.epochs:
                gpus[k, e] = b.column(f"n__{name}__e{e}", upper=slot.gpus_max, integer=True)
        for m, model in enumerate(inst.model_names):
            placed[m, k] = b.column(f"x__{model}__{name}", integer=True)
        workspace[k] = b.column(f"W__{name}", upper=float(inst.capacity_gib[k]))
    share = np.full((models, slots, epochs), ABSENT, dtype=np.int64)
    unserved = np.full((models, epochs), ABSENT, dtype=np.int64)
    loaded = np.full((models, slots), ABSENT, dtype=np.int64)
    for m in map(int, np.flatnonzero(inst.shared)):
        model = inst.model_names[m]
        for e in inst.epochs:
            unserved[m, e] = b.column(f"s__{model}__e{e}")
            for k, name in enumerate(inst.slot_names):
                share[m, k, e] = b.column(f"f__{model}__{name}__e{e}")
    if inst.tables.problem.active_plan is not None:
        for m, model in enumerate(inst.model_names):
            for k, name in enumerate(inst.slot_names):
                most = float(inst.weights_gib[m, k]) * inst.slots[k].gpus_max
                loaded[m, k] = b.column(f"c__{model}__{name}", upper=most)
    return Variables(opened, placed, share, unserved, gpus, workspace, loaded)
