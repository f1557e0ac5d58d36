"""
The same program written out term by term in PuLP: a twin to read and to compare with, for small instances.

Nothing here is shared with ``families``: both are read off ``docs/formulation.md``. PuLP calls a
time-limited incumbent "Optimal", so ``sol_status`` is what is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulp

from planner.formulation.instance import Instance

SECONDS_MAX = 60


@dataclass(slots=True)
class Twin:
    """The program and its variables, keyed as in the mathematics."""

    problem: Any
    y: dict[int, Any] = field(default_factory=dict)
    x: dict[tuple[int, int], Any] = field(default_factory=dict)
    f: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    s: dict[tuple[int, int], Any] = field(default_factory=dict)
    n: dict[tuple[int, int], Any] = field(default_factory=dict)
    W: dict[int, Any] = field(default_factory=dict)
    c: dict[tuple[int, int], Any] = field(default_factory=dict)
    o: dict[str, dict[Any, Any]] = field(default_factory=dict)
    b: Any = None


def solve_twin(inst: Instance, *, seconds_max: int = SECONDS_MAX) -> dict[str, float] | None:
    """The value of each stage of the objective; None where it is infeasible or not solved in time."""
    twin = build_twin(inst)
    goals = _goals(inst, twin)
    values: dict[str, float] = {}
    for name, goal in goals.items():
        twin.problem.setObjective(pulp.lpSum(goal))
        twin.problem.solve(_cbc(seconds_max))
        if twin.problem.sol_status != pulp.LpSolutionOptimal:
            return None
        values[name] = float(pulp.value(pulp.lpSum(goal)) or 0.0)
        twin.problem += pulp.lpSum(goal) <= values[name] * (1 + 1e-5) + 1e-9, f"keep_{name}"
    return values


def _cbc(seconds_max: int) -> Any:
    """CBC without presolve and heuristics: with either it calls plans optimal that are not (CBC 2.10.3)."""
    return pulp.PULP_CBC_CMD(
        msg=False,
        timeLimit=seconds_max,
        gapRel=0.0,
        gapAbs=1e-9,
        options=["presolve off", "heuristicsOnOff off"],
    )


def build_twin(inst: Instance) -> Twin:
    """Variables and constraints; the objective is set stage by stage."""
    twin = Twin(pulp.LpProblem("twin", pulp.LpMinimize), b=pulp.LpVariable("b", 0))
    _add_variables(inst, twin)
    _add_serving(inst, twin)
    _add_capacity(inst, twin)
    _add_rules(inst, twin)
    _add_spread(inst, twin)
    _add_counts(inst, twin)
    if inst.tables.problem.active_plan is not None:
        _add_churn(inst, twin)
    return twin


def _add_variables(inst: Instance, twin: Twin) -> None:
    models, slots = range(len(inst.models)), range(len(inst.slots))
    for k in slots:
        name, slot = inst.slot_names[k], inst.slots[k]
        twin.y[k] = pulp.LpVariable(f"y__{name}", cat="Binary")
        twin.W[k] = pulp.LpVariable(f"W__{name}", 0, float(inst.capacity_gib[k]))
        for e in inst.epochs:
            same = inst.reserved and e > 0
            twin.n[k, e] = (
                twin.n[k, 0] if same else pulp.LpVariable(f"n__{name}__e{e}", 0, slot.gpus_max, cat="Integer")
            )
    for m in models:
        model = inst.model_names[m]
        for k in slots:
            twin.x[m, k] = pulp.LpVariable(f"x__{model}__{inst.slot_names[k]}", cat="Binary")
        for e in inst.epochs:
            twin.s[m, e] = pulp.LpVariable(f"s__{model}__e{e}", 0, 1) if inst.shared[m] else 0
            for k in slots:
                name = f"f__{model}__{inst.slot_names[k]}__e{e}"
                twin.f[m, k, e] = pulp.LpVariable(name, 0, 1) if inst.shared[m] else twin.x[m, k]


def _add_serving(inst: Instance, twin: Twin) -> None:
    """Where models live and traffic goes."""
    p, slots = twin.problem, range(len(inst.slots))
    for m in range(len(inst.models)):
        if not inst.split[m]:
            p += pulp.lpSum(twin.x[m, k] for k in slots) <= 1
        for e in inst.epochs:
            served = pulp.lpSum(twin.f[m, k, e] for k in slots) + twin.s[m, e]
            p += served >= 1 if inst.rules.zones_min[m] > 1 else served == 1
        for k in slots:
            p += twin.x[m, k] <= twin.y[k]
            if not inst.latency_feasible[m, k]:
                p += twin.x[m, k] == 0
            for e in inst.epochs if inst.shared[m] else ():
                p += twin.f[m, k, e] <= twin.x[m, k]


def _add_capacity(inst: Instance, twin: Twin) -> None:
    """What a GPU holds, what GPUs carry, what a dispatcher takes."""
    p, models = twin.problem, range(len(inst.models))
    rate_max = inst.tables.problem.policy.scheduler_rate_rps_max
    for k in range(len(inst.slots)):
        weights = pulp.lpSum(float(inst.weights_gib[m, k]) * twin.x[m, k] for m in models)
        p += weights + twin.W[k] <= float(inst.capacity_gib[k]) * twin.y[k]
        for m in models:
            p += twin.W[k] >= float(inst.workspace_gib[m, k]) * twin.x[m, k]
        for e in inst.epochs:
            need = [
                float(inst.need[m, k, e]) * twin.f[m, k, e]
                + float(inst.excess[m, k, e]) * (twin.x[m, k] - twin.f[m, k, e])
                for m in models
            ]
            p += pulp.lpSum(need) <= twin.n[k, e]
            if inst.rules.balance:
                p += pulp.lpSum(need) <= inst.slots[k].gpus_min * twin.b
            if rate_max is not None:
                rate = pulp.lpSum(float(inst.rate_rps[m, e]) * twin.f[m, k, e] for m in models)
                p += rate <= rate_max * twin.y[k]


def _add_rules(inst: Instance, twin: Twin) -> None:
    """Who may live where, and beside whom."""
    p, rules = twin.problem, inst.rules
    rows = range(len(inst.models))
    for k in range(len(inst.slots)):
        for m in rows:
            if not rules.allowed[m, k]:
                p += twin.x[m, k] == 0
            beside = [d for d in rows if rules.dedicated[d] and d != m]
            if rules.dedicated.any():
                p += twin.x[m, k] + pulp.lpSum(twin.x[d, k] for d in beside) <= twin.y[k]
        for g, members in enumerate(rules.exclusions):
            over = _broken(twin, "exclusions", (g, k), int(rules.exclusion_slack[g, k]))
            p += pulp.lpSum(twin.x[int(m), k] for m in members) <= twin.y[k] + over
        if inst.tables.problem.policy.sub_cluster_models_max is not None:
            over = _broken(twin, "models_max", k, int(rules.models_slack[k]))
            p += pulp.lpSum(twin.x[m, k] for m in rows) <= rules.models_max * twin.y[k] + over


def _add_spread(inst: Instance, twin: Twin) -> None:
    """No zone carries too much, and the others carry all of it when one is lost."""
    p, rules = twin.problem, inst.rules
    for m in (m for m in range(len(inst.models)) if rules.zones_min[m] > 1):
        over = _broken(twin, "spread", m, int(rules.may_unspread[m]))
        for lost in sorted(set(rules.zone.tolist())):
            for e in inst.epochs:
                inside = [twin.f[m, k, e] for k in range(len(inst.slots)) if rules.zone[k] == lost]
                outside = [twin.f[m, k, e] for k in range(len(inst.slots)) if rules.zone[k] != lost]
                beside = int(rules.zones_min[m]) - 1
                p += beside * pulp.lpSum(inside) <= 1 - twin.s[m, e] + beside * over
                p += pulp.lpSum(outside) >= 1 - twin.s[m, e] - over


def _broken(twin: Twin, rule: str, key: Any, most: int) -> Any:
    """How far a rule is broken in one place; 0 where it may not be."""
    if most == 0:
        return 0
    name = "_".join(map(str, key)) if isinstance(key, tuple) else str(key)
    found = twin.o.setdefault(rule, {})
    return found.setdefault(key, pulp.LpVariable(f"o__{rule}__{name}", 0, most, cat="Integer"))


def _add_counts(inst: Instance, twin: Twin) -> None:
    """GPUs between the limits of slot and pool; equal slots in order."""
    p = twin.problem
    for e in range(1) if inst.reserved else inst.epochs:
        for k, slot in enumerate(inst.slots):
            p += twin.n[k, e] >= slot.gpus_min * twin.y[k]
            p += twin.n[k, e] <= slot.gpus_max * twin.y[k]
        for pool, stock in enumerate(inst.tables.pools):
            lent = [twin.n[k, e] for k, slot in enumerate(inst.slots) if slot.pool == pool]
            if lent:
                over = int(inst.rules.overdrawn[pool])
                p += pulp.lpSum(lent) <= stock.available - over + _broken(twin, "inventory", pool, over)
    for k in range(1, len(inst.slots)):
        if inst.slots[k] == inst.slots[k - 1] and inst.slots[k].active_id is None:
            p += twin.n[k - 1, 0] >= twin.n[k, 0]


def _add_churn(inst: Instance, twin: Twin) -> None:
    """What must be loaded on top of the active plan."""
    p = twin.problem
    for m, model in enumerate(inst.model_names):
        for k, slot in enumerate(inst.slots):
            weights, held = float(inst.weights_gib[m, k]), int(inst.gpus_held[m, k])
            twin.c[m, k] = pulp.LpVariable(f"c__{model}__{inst.slot_names[k]}", 0)
            for e in inst.epochs:
                p += twin.c[m, k] >= weights * (twin.n[k, e] - slot.gpus_max * (1 - twin.x[m, k]) - held)
    for name in {slot.active_id for slot in inst.slots if slot.active_id is not None}:
        p += pulp.lpSum(twin.y[k] for k, slot in enumerate(inst.slots) if slot.active_id == name) <= 1
    budget = inst.tables.problem.policy.churn_gib_max
    if budget is not None:
        if inst.rules.churn_soft:
            twin.o["churn"] = {0: pulp.LpVariable("o__churn", 0)}
        p += pulp.lpSum(twin.c.values()) <= budget + pulp.lpSum(twin.o.get("churn", {}).values())


def _goals(inst: Instance, twin: Twin) -> dict[str, list[Any]]:
    goals: dict[str, list[Any]] = {}
    weight = inst.unserved_weight
    for priority in sorted(set(inst.priority[inst.shared].tolist())):
        goals[f"unserved_{priority}"] = [
            float(weight[m, e]) * twin.s[m, e]
            for m in range(len(inst.models))
            if inst.shared[m] and inst.priority[m] == priority
            for e in inst.epochs
        ]
    for rule in ("inventory", "spread", "exclusions", "models_max", "churn"):
        if twin.o.get(rule):
            goals[f"broken_{rule}"] = list(twin.o[rule].values())
    goals["cost"] = [
        float(inst.price_usd_per_hour[k] * inst.hours_share[e]) * twin.n[k, e]
        for k in range(len(inst.slots))
        for e in inst.epochs
    ]
    if inst.tables.problem.active_plan is not None:
        goals["churn"] = list(twin.c.values())
    if inst.rules.balance:
        goals["balance"] = [twin.b]
    return goals
