"""A built formulation: arrays, variables, and the stages of its lexicographic objective."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Arrays, Builder
from planner.formulation.families import FAMILIES
from planner.formulation.instance import Instance
from planner.formulation.variables import ABSENT, Variables, add_variables

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One goal, to be minimised before those after it; ``cost`` has one coefficient for each column."""

    name: str
    cost: Floats
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    instance: Instance
    variables: Variables
    arrays: Arrays
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)


def build(inst: Instance, *, without: Collection[str] = ()) -> Formulation:
    """The formulation of an instance; ``without`` leaves families out, to see what each is worth."""
    b = Builder()
    v = add_variables(b, inst)
    for name, add in FAMILIES.items():
        if name not in without:
            add(b, inst, v)
    stages = [*_unserved_by_priority(b, inst, v), *_broken_rules(b, v), _dollars_per_hour(b, inst, v)]
    if inst.tables.problem.active_plan is not None:
        stages.append(_gib_loaded(b, v))
    if inst.rules.balance:
        stages.append(_busiest(b, v))
    return Formulation(inst, v, b.arrays(), tuple(stages))


def _unserved_by_priority(b: Builder, inst: Instance, v: Variables) -> list[Stage]:
    r"""unserved: :math:`\sum_{me} h_e r_{me} s_{me} / H` over the models of one priority."""
    stages = []
    for priority in sorted(set(inst.priority[inst.shared].tolist())):
        cost = np.zeros(len(b.column_names))
        for m in np.flatnonzero(inst.shared & (inst.priority == priority)):
            cost[v.unserved[m]] = inst.unserved_weight[m]
        stages.append(Stage(f"unserved_{priority}", cost, "requests/s"))
    return stages


def _broken_rules(b: Builder, v: Variables) -> list[Stage]:
    r"""broken: :math:`\sum o` of one rule, for each rule that may be broken."""
    rules = {
        "inventory": (v.broken_inventory, "GPUs"),
        "spread": (v.broken_spread, "models"),
        "exclusions": (v.broken_exclusions, "models"),
        "models_max": (v.broken_models_max, "models"),
        "churn": (np.array([v.broken_churn]), "GiB"),
    }
    stages = []
    for rule, (columns, unit) in rules.items():
        cost = np.zeros(len(b.column_names))
        cost[columns[columns != ABSENT]] = 1.0
        if cost.any():
            stages.append(Stage(f"broken_{rule}", cost, unit))
    return stages


def _dollars_per_hour(b: Builder, inst: Instance, v: Variables) -> Stage:
    r"""cost: :math:`\sum_{ke} h_e p_k n_{ke} / H`."""
    cost = np.zeros(len(b.column_names))
    for k in range(len(inst.slots)):
        np.add.at(cost, v.gpus[k], inst.price_usd_per_hour[k] * inst.hours_share)
    return Stage("cost", cost, "USD/h")


def _gib_loaded(b: Builder, v: Variables) -> Stage:
    r"""churn: :math:`\sum_{mk} c_{mk}`."""
    cost = np.zeros(len(b.column_names))
    cost[v.loaded[v.loaded != ABSENT]] = 1.0
    return Stage("churn", cost, "GiB")


def _busiest(b: Builder, v: Variables) -> Stage:
    r"""balance: :math:`b`."""
    cost = np.zeros(len(b.column_names))
    cost[v.busiest] = 1.0
    return Stage("balance", cost, "share")
