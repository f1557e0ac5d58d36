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
    broken_inventory, broken_spread, broken_exclusions, broken_models_max, broken_churn
        o: (P,) GPUs, (M,) 0/1, (G, K) models, (K,) models, () GiB; only where the rule may be broken.
    busiest
        () b, the busy share of the busiest slot; only where balance is asked for.
    """

    opened: Integers
    placed: Integers
    share: Integers
    unserved: Integers
    gpus: Integers
    workspace: Integers
    loaded: Integers
    broken_inventory: Integers
    broken_spread: Integers
    broken_exclusions: Integers
    broken_models_max: Integers
    broken_churn: int
    busiest: int

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
    budget = inst.tables.problem.policy.churn_gib_max
    over_budget = inst.rules.churn_soft and budget is not None and len(loaded[loaded != ABSENT]) > 0
    most = sum(b.column_upper[c] for c in loaded[loaded != ABSENT])
    return Variables(
        opened,
        placed,
        share,
        unserved,
        gpus,
        workspace,
        loaded,
        broken_inventory=_slack(
            b, [f"inventory__p{p}" for p in range(len(inst.rules.overdrawn))], inst.rules.overdrawn
        ),
        broken_spread=_slack(
            b, [f"spread__{name}" for name in inst.model_names], inst.rules.may_unspread.astype(np.int64)
        ),
        broken_exclusions=np.array(
            [
                _slack(b, [f"exclusions__g{g}__{name}" for name in inst.slot_names], row)
                for g, row in enumerate(inst.rules.exclusion_slack)
            ],
            dtype=np.int64,
        ).reshape(inst.rules.exclusion_slack.shape),
        broken_models_max=_slack(
            b, [f"models_max__{name}" for name in inst.slot_names], inst.rules.models_slack
        ),
        broken_churn=b.column("o__churn", upper=most) if over_budget else ABSENT,
        busiest=b.column("b__busiest", upper=_busy_share_max(inst)) if inst.rules.balance else ABSENT,
    )


def _slack(b: Builder, names: list[str], upper: Integers) -> Integers:
    """Columns for how far rules are broken, none where the limit is 0."""
    columns = [
        b.column(f"o__{name}", upper=float(most), integer=True) if most > 0 else ABSENT
        for name, most in zip(names, upper, strict=True)
    ]
    return np.array(columns, dtype=np.int64)


def _busy_share_max(inst: Instance) -> float:
    """Above 1 where a class has more GPUs than the count that its capacity is planned for."""
    return max((slot.gpus_max / slot.gpus_min for slot in inst.slots), default=1.0)
