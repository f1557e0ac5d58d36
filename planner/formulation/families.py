r"""
The integer program, one function for each line of ``docs/formulation.md``.

Sets        :math:`m` models, :math:`k` slots (a pool and a size class), :math:`e` epochs, :math:`p` pools.
Parameters  :math:`w_{mk}` weights, :math:`v_{mk}` workspace of the largest batch, :math:`C_k` usable
            memory (GiB); :math:`q_{mke}` need of the whole demand, :math:`d_{mke}` excess of a small
            share (GPUs); :math:`r_{me}` demand, :math:`R` most of one dispatcher (requests/s);
            :math:`\underline n_k, \overline n_k` size class, :math:`A_p` available, :math:`n^0_{mk}`
            GPUs that hold the model now (GPUs); :math:`B` churn budget (GiB).
Variables   :math:`y_k` open, :math:`x_{mk}` placed, :math:`f_{mke}` share, :math:`s_{me}` unserved,
            :math:`n_{ke}` GPUs, :math:`W_k` workspace (GiB), :math:`c_{mk}` loaded (GiB). A model that is
            not shared has no f and s: there :math:`f_{mke} = x_{mk}`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.formulation.builder import Builder
from planner.formulation.instance import Instance
from planner.formulation.rule_families import RULE_FAMILIES, Family, present
from planner.formulation.variables import Variables


def every_model_is_placed(b: Builder, inst: Instance, v: Variables) -> None:
    r"""placed: :math:`\sum_k f_{mke} + s_{me} = 1`, spread: at least 1; whole :math:`\sum_k x_{mk} = 1`."""
    for m, model in enumerate(inst.model_names):
        most = np.inf if inst.rules.zones_min[m] > 1 else 1.0
        if not inst.shared[m]:
            b.row(f"placed__{model}", [v.placed[m]], [1.0], lower=1.0, upper=1.0)
            continue
        for e in inst.epochs:
            columns = [v.share[m, :, e], v.unserved[m, e]]
            b.row(f"placed__{model}__e{e}", columns, [1.0, 1.0], lower=1.0, upper=most)


def a_whole_model_lives_in_one_slot(b: Builder, inst: Instance, v: Variables) -> None:
    r"""whole: :math:`\sum_k x_{mk} \le 1` for models that may be left out in part but not split."""
    for m in np.flatnonzero(inst.shared & ~inst.split):
        b.row(f"whole__{inst.model_names[m]}", [v.placed[m]], [1.0], upper=1.0)


def models_live_in_open_slots(b: Builder, inst: Instance, v: Variables) -> None:
    r"""opened: :math:`x_{mk} \le y_k`."""
    for k, slot in enumerate(inst.slot_names):
        for m, model in enumerate(inst.model_names):
            b.row(f"opened__{model}__{slot}", [v.placed[m, k], v.opened[k]], [1.0, -1.0], upper=0.0)


def traffic_goes_where_the_model_lives(b: Builder, inst: Instance, v: Variables) -> None:
    r"""carried: :math:`f_{mke} \le x_{mk}`."""
    for m in np.flatnonzero(inst.shared):
        for k, slot in enumerate(inst.slot_names):
            for e in inst.epochs:
                name = f"carried__{inst.model_names[m]}__{slot}__e{e}"
                b.row(name, [v.share[m, k, e], v.placed[m, k]], [1.0, -1.0], upper=0.0)


def every_gpu_holds_all_its_models(b: Builder, inst: Instance, v: Variables) -> None:
    r"""memory: :math:`\sum_m w_{mk} x_{mk} + W_k \le C_k y_k`."""
    for k, slot in enumerate(inst.slot_names):
        columns = [v.placed[:, k], v.workspace[k], v.opened[k]]
        b.row(f"memory__{slot}", columns, [inst.weights_gib[:, k], 1.0, -inst.capacity_gib[k]], upper=0.0)


def one_batch_at_a_time_needs_workspace(b: Builder, inst: Instance, v: Variables) -> None:
    r"""workspace: :math:`W_k \ge v_{mk} x_{mk}`."""
    for k, slot in enumerate(inst.slot_names):
        for m in np.flatnonzero(inst.workspace_gib[:, k] > 0):
            name = f"workspace__{inst.model_names[m]}__{slot}"
            b.row(name, [v.workspace[k], v.placed[m, k]], [1.0, -inst.workspace_gib[m, k]], lower=0.0)


def gpus_carry_their_load(b: Builder, inst: Instance, v: Variables) -> None:
    r"""throughput: :math:`\sum_m q_{mke} f_{mke} + d_{mke} (x_{mk} - f_{mke}) \le n_{ke}`."""
    for k, slot in enumerate(inst.slot_names):
        for e in inst.epochs:
            held = inst.shared & (inst.excess[:, k, e] > 0)
            columns = [_shares(inst, v, k, e), v.placed[held, k], v.gpus[k, e]]
            values = [inst.need[:, k, e] - inst.excess[:, k, e], inst.excess[held, k, e], -1.0]
            b.row(f"throughput__{slot}__e{e}", columns, values, upper=0.0)


def a_dispatcher_keeps_up(b: Builder, inst: Instance, v: Variables) -> None:
    r"""scheduler_rate: :math:`\sum_m r_{me} f_{mke} \le R\, y_k`."""
    limit = inst.tables.problem.policy.scheduler_rate_rps_max
    if limit is None:
        return
    for k, slot in enumerate(inst.slot_names):
        for e in inst.epochs:
            columns = [_shares(inst, v, k, e), v.opened[k]]
            b.row(f"scheduler_rate__{slot}__e{e}", columns, [inst.rate_rps[:, e], -limit], upper=0.0)


def a_pool_lends_what_it_has(b: Builder, inst: Instance, v: Variables) -> None:
    r"""inventory: :math:`\sum_{k \in p} n_{ke} \le A_p + o_p`."""
    for p, pool in enumerate(inst.tables.pools):
        inside = [k for k, slot in enumerate(inst.slots) if slot.pool == p]
        for e in v.gpu_epochs(inst) if inside else ():
            there = float(pool.available - inst.rules.overdrawn[p])
            columns = [v.gpus[inside, e], present(v.broken_inventory[p])]
            b.row(f"inventory__p{p}__e{e}", columns, [1.0, -1.0], upper=there)


def no_model_lives_where_it_would_be_late(b: Builder, inst: Instance, v: Variables) -> None:
    r"""latency: :math:`x_{mk} \le 0` where no batch keeps the SLO with :math:`\underline n_k` GPUs."""
    for m, k in np.argwhere(~inst.latency_feasible):
        b.row(f"latency__{inst.model_names[m]}__{inst.slot_names[k]}", [v.placed[m, k]], [1.0], upper=0.0)


def an_open_slot_has_the_gpus_of_its_class(b: Builder, inst: Instance, v: Variables) -> None:
    r"""gpus_min: :math:`n_{ke} \ge \underline n_k y_k`."""
    for k, (name, slot) in enumerate(zip(inst.slot_names, inst.slots, strict=True)):
        for e in v.gpu_epochs(inst):
            row = f"gpus_min__{name}__e{e}"
            b.row(row, [v.gpus[k, e], v.opened[k]], [1.0, -slot.gpus_min], lower=0.0)


def a_closed_slot_has_no_gpus(b: Builder, inst: Instance, v: Variables) -> None:
    r"""gpus_max: :math:`n_{ke} \le \overline n_k y_k`."""
    for k, (name, slot) in enumerate(zip(inst.slot_names, inst.slots, strict=True)):
        for e in v.gpu_epochs(inst):
            row = f"gpus_max__{name}__e{e}"
            b.row(row, [v.gpus[k, e], v.opened[k]], [1.0, -slot.gpus_max], upper=0.0)


def an_active_sub_cluster_continues_once(b: Builder, inst: Instance, v: Variables) -> None:
    r"""continued: :math:`\sum_{k \text{ continues } a} y_k \le 1`."""
    names = sorted({slot.active_id for slot in inst.slots if slot.active_id is not None})
    for a, name in enumerate(names):
        inside = [k for k, slot in enumerate(inst.slots) if slot.active_id == name]
        b.row(f"continued__a{a}", [v.opened[inside]], [1.0], upper=1.0)


def new_copies_are_loaded(b: Builder, inst: Instance, v: Variables) -> None:
    r"""loaded: :math:`c_{mk} \ge w_{mk} (n_{ke} - \overline n_k (1 - x_{mk}) - n^0_{mk})`."""
    if inst.tables.problem.active_plan is None:
        return
    for k, (name, slot) in enumerate(zip(inst.slot_names, inst.slots, strict=True)):
        for m in np.flatnonzero(inst.weights_gib[:, k] > 0):
            weights = inst.weights_gib[m, k]
            least = -weights * (slot.gpus_max + inst.gpus_held[m, k])
            for e in v.gpu_epochs(inst):
                columns = [v.loaded[m, k], v.gpus[k, e], v.placed[m, k]]
                values = [1.0, -weights, -weights * slot.gpus_max]
                b.row(f"loaded__{inst.model_names[m]}__{name}__e{e}", columns, values, lower=least)


def loads_stay_within_the_budget(b: Builder, inst: Instance, v: Variables) -> None:
    r"""churn: :math:`\sum_{mk} c_{mk} \le B + o`."""
    problem = inst.tables.problem
    if problem.active_plan is not None and problem.policy.churn_gib_max is not None:
        columns = [v.loaded.ravel(), present(v.broken_churn)]
        b.row("churn", columns, [1.0, -1.0], upper=problem.policy.churn_gib_max)


def equal_slots_open_in_order(b: Builder, inst: Instance, v: Variables) -> None:
    r"""symmetry: :math:`n_{k1} \ge n_{k+1,1}` for neighbouring slots that are alike."""
    for k in range(1, len(inst.slots)):
        if inst.slots[k] == inst.slots[k - 1] and inst.slots[k].active_id is None:
            name = f"symmetry__{inst.slot_names[k]}"
            b.row(name, [v.gpus[k - 1, 0], v.gpus[k, 0]], [1.0, -1.0], lower=0.0)


FAMILIES: dict[str, Family] = {
    "placed": every_model_is_placed,
    "whole": a_whole_model_lives_in_one_slot,
    "opened": models_live_in_open_slots,
    "carried": traffic_goes_where_the_model_lives,
    "memory": every_gpu_holds_all_its_models,
    "workspace": one_batch_at_a_time_needs_workspace,
    "throughput": gpus_carry_their_load,
    "scheduler_rate": a_dispatcher_keeps_up,
    "inventory": a_pool_lends_what_it_has,
    "latency": no_model_lives_where_it_would_be_late,
    "gpus_min": an_open_slot_has_the_gpus_of_its_class,
    "gpus_max": a_closed_slot_has_no_gpus,
    "continued": an_active_sub_cluster_continues_once,
    "loaded": new_copies_are_loaded,
    "churn": loads_stay_within_the_budget,
    "symmetry": equal_slots_open_in_order,
    **RULE_FAMILIES,
}


def _shares(inst: Instance, v: Variables, k: int, e: int) -> NDArray[np.int64]:
    """Columns of f in slot k, of x for the models that are not shared."""
    return np.where(inst.shared, v.share[:, k, e], v.placed[:, k])
