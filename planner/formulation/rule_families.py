r"""
Rows of the business rules, one function for each line of ``docs/formulation.md``.

Sets        as in ``families``; :math:`z` zones with their slots :math:`K_z`, :math:`G` exclusions,
            :math:`D` dedicated models, :math:`z_m` zones that model m asks for (``zones_min``).
Variables   as in ``families``; :math:`o` how far a rule is broken, only where it may be;
            :math:`b` busy share of the busiest slot.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from planner.formulation.builder import Builder
from planner.formulation.instance import Instance
from planner.formulation.variables import ABSENT, Integers, Variables
from planner.problem.rules import UNLIMITED

Family = Callable[[Builder, Instance, Variables], None]


def models_live_where_they_may(b: Builder, inst: Instance, v: Variables) -> None:
    r"""allowed: :math:`x_{mk} \le 0` where the model's rules forbid the slot's pool, or pin it elsewhere."""
    for m, k in np.argwhere(~inst.rules.allowed):
        b.row(f"allowed__{inst.model_names[m]}__{inst.slot_names[k]}", [v.placed[m, k]], [1.0], upper=0.0)


def dedicated_models_live_alone(b: Builder, inst: Instance, v: Variables) -> None:
    r"""dedicated: :math:`x_{mk} + \sum_{d \in D \setminus m} x_{dk} \le y_k`."""
    alone = np.flatnonzero(inst.rules.dedicated)
    if not len(alone):
        return
    for k, slot in enumerate(inst.slot_names):
        for m, model in enumerate(inst.model_names):
            others = np.append(alone[alone != m], m)
            columns = [v.placed[others, k], v.opened[k]]
            b.row(f"dedicated__{model}__{slot}", columns, [1.0, -1.0], upper=0.0)


def rivals_live_apart(b: Builder, inst: Instance, v: Variables) -> None:
    r"""exclusions: :math:`\sum_{m \in G} x_{mk} \le y_k + o_{Gk}`."""
    for g, members in enumerate(inst.rules.exclusions):
        for k, slot in enumerate(inst.slot_names):
            columns = [v.placed[members, k], v.opened[k], present(v.broken_exclusions[g, k])]
            b.row(f"exclusions__g{g}__{slot}", columns, [1.0, -1.0, -1.0], upper=0.0)


def a_slot_holds_few_models(b: Builder, inst: Instance, v: Variables) -> None:
    r"""models_max: :math:`\sum_m x_{mk} \le L\, y_k + o_k`."""
    limit = inst.rules.models_max
    if limit == UNLIMITED:
        return
    for k, slot in enumerate(inst.slot_names):
        columns = [v.placed[:, k], v.opened[k], present(v.broken_models_max[k])]
        b.row(f"models_max__{slot}", columns, [1.0, -limit, -1.0], upper=0.0)


def no_zone_carries_too_much(b: Builder, inst: Instance, v: Variables) -> None:
    r"""zone_share: :math:`(z_m - 1) \sum_{k \in K_z} f_{mke} + s_{me} \le 1 + (z_m - 1)\, o_m`."""
    for m in inst.rules.spread:
        beside = float(inst.rules.zones_min[m] - 1)
        for z in sorted(set(inst.rules.zone.tolist())):
            inside = np.flatnonzero(inst.rules.zone == z)
            for e in inst.epochs:
                columns = [v.share[m, inside, e], v.unserved[m, e], present(v.broken_spread[m])]
                name = f"zone_share__{inst.model_names[m]}__z{z}__e{e}"
                b.row(name, columns, [beside, 1.0, -beside], upper=1.0)


def the_other_zones_carry_all(b: Builder, inst: Instance, v: Variables) -> None:
    r"""zone_lost: :math:`\sum_{k \notin K_z} f_{mke} + s_{me} + o_m \ge 1`."""
    for m in inst.rules.spread:
        for z in sorted(set(inst.rules.zone.tolist())):
            outside = np.flatnonzero(inst.rules.zone != z)
            for e in inst.epochs:
                columns = [v.share[m, outside, e], v.unserved[m, e], present(v.broken_spread[m])]
                name = f"zone_lost__{inst.model_names[m]}__z{z}__e{e}"
                b.row(name, columns, [1.0, 1.0, 1.0], lower=1.0)


def none_is_busier_than_the_busiest(b: Builder, inst: Instance, v: Variables) -> None:
    r"""busiest: :math:`\sum_m q_{mke} f_{mke} + d_{mke} (x_{mk} - f_{mke}) \le \underline n_k\, b`."""
    if not inst.rules.balance:
        return
    for k, slot in enumerate(inst.slot_names):
        for e in inst.epochs:
            held = inst.shared & (inst.excess[:, k, e] > 0)
            carried = np.where(inst.shared, v.share[:, k, e], v.placed[:, k])
            columns = [carried, v.placed[held, k], v.busiest]
            gpus = float(inst.slots[k].gpus_min)
            values = [inst.need[:, k, e] - inst.excess[:, k, e], inst.excess[held, k, e], -gpus]
            b.row(f"busiest__{slot}__e{e}", columns, values, upper=0.0)


RULE_FAMILIES: dict[str, Family] = {
    "allowed": models_live_where_they_may,
    "dedicated": dedicated_models_live_alone,
    "exclusions": rivals_live_apart,
    "models_max": a_slot_holds_few_models,
    "zone_share": no_zone_carries_too_much,
    "zone_lost": the_other_zones_carry_all,
    "busiest": none_is_busier_than_the_busiest,
}


def present(column: np.int64 | int) -> Integers:
    """The column, or none where it does not exist."""
    return np.array([column] if column != ABSENT else [], dtype=np.int64)
