"""
The business rules of a problem by name, and how each is dropped.

Rules are found in the problem's canonical document: a policy or model field that says something else than its
default is a rule, and dropped by the default, so that fields this file has never heard of count too. Stock,
memory and SLOs have no default; they are dropped by setting plenty.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.explain.settings import Operation, Setting
from planner.problem.canonical import problem_to_json
from planner.problem.capacity import batch_law, latency_needed_us
from planner.problem.fluid import gpus_largest, least_load_gpus
from planner.problem.parse import COUNT_LIMIT, GIB_LIMIT, MILLISECONDS_LIMIT, parse_problem
from planner.problem.problem import GpuReservation, GpuTypeId, Model, ModelId, PlanningProblem

SLO_PLENTY = 100.0  # times the SLO: batches are then limited by other things
NO_RULES_OF_THE_POLICY = ("delays", "bad_rate_max", "gpus", "sub_cluster_gpus_max")
FACTS_OF_A_MODEL = ("id", "slo_ms", "priority", "demand_rps", "arrival_cv", "profiles")
POLICY_NAMES = {
    "churn_gib_max": "churn budget",
    "scheduler_rate_rps_max": "scheduler rate",
    "sub_cluster_gpus_max": "GPUs of one sub-cluster",
    "gpus": "GPUs reserved for the horizon",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name as people say it, the path of its value, the setting that drops it."""

    name: str
    path: str
    dropped: Setting


def business_rules(problem: PlanningProblem) -> tuple[Rule, ...]:
    """The rules that somebody decided: policy fields, and what models ask for beside SLO and demand."""
    document = problem_to_json(problem)
    bare = copy.deepcopy(document)
    for name in list(bare["policy"]):
        if name not in NO_RULES_OF_THE_POLICY:
            del bare["policy"][name]
    for model in bare["models"]:
        for name in [name for name in model if name not in FACTS_OF_A_MODEL]:
            del model[name]
    default = problem_to_json(parse_problem(bare))
    found = [_largest_sub_cluster(problem)]
    if problem.policy.gpus is GpuReservation.RESERVED and len(problem.epochs) > 1:
        found.append(_replaced(POLICY_NAMES["gpus"], "policy.gpus", GpuReservation.PER_EPOCH.value))
    for name, value in document["policy"].items():
        idle = name == "churn_gib_max" and problem.active_plan is None
        if value != default["policy"][name] and not idle:
            title = POLICY_NAMES.get(name, f"policy {name}")
            found.append(_replaced(title, f"policy.{name}", default["policy"][name]))
    for model, plain in zip(document["models"], default["models"], strict=True):
        for name, value in model.items():
            if name not in FACTS_OF_A_MODEL and value != plain[name]:
                title, path = f"{name} of {model['id']}", f"models.{model['id']}.{name}"
                found.append(_replaced(title, path, plain[name]))
    return tuple(rule for rule in found if rule is not None)


def stock_rules(problem: PlanningProblem) -> tuple[Rule, ...]:
    """What there is: the inventory of each pool, and the memory of GPU types that cannot hold all at once."""
    inventory = [
        _replaced(
            f"inventory of {pool.id}",
            f"inventory.{pool.gpu_type}.{pool.zone}",
            min(COUNT_LIMIT, pool.available + gpus_plenty(problem, pool.gpu_type)),
        )
        for pool in sorted(problem.pools, key=lambda pool: pool.id)
    ]
    memory = [
        _replaced(f"memory of {g}", f"gpu_types.{g}.memory_gib", _memory_plenty(problem, g))
        for g in sorted(gpus_largest(problem))
        if _memory_plenty(problem, g) > problem.gpu_types[g].memory_gib
    ]
    return (*inventory, *memory)


def slo_rules(problem: PlanningProblem, models: Collection[ModelId]) -> tuple[Rule, ...]:
    """The promises to these models."""
    return tuple(
        _replaced(f"SLO of {name}", f"models.{name}.slo_ms", slo_plenty_ms(problem, problem.models[name]))
        for name in sorted(models)
    )


def gpus_plenty(problem: PlanningProblem, gpu_type: GpuTypeId) -> int:
    """GPUs of a type on which every model that can live there finds room by itself."""
    largest = max(1, gpus_largest(problem).get(gpu_type, 0))
    total = 0
    for model in problem.models.values():
        if gpu_type in model.profiles:
            load = least_load_gpus(problem, model, gpu_type, largest)
            peak = float(np.max(load, initial=0.0, where=np.isfinite(load)))
            least_share = float(
                batch_law(model, gpu_type, problem.policy.delays).usable_share(1, model.arrival_cv)
            )
            total += int(np.ceil(peak / least_share)) + 1
    return min(total, COUNT_LIMIT)


def slo_plenty_ms(problem: PlanningProblem, model: Model) -> float:
    """An SLO with which latency forbids no batch on any type."""
    needed = [
        latency_needed_us(model, g, profile.batch_size_max, 1, problem.policy.delays) / 1_000
        for g, profile in model.profiles.items()
    ]
    return min(MILLISECONDS_LIMIT, max([model.slo_ms * SLO_PLENTY, *needed]))


def _memory_plenty(problem: PlanningProblem, gpu_type: GpuTypeId) -> float:
    kind = problem.gpu_types[gpu_type]
    profiles = [m.profiles[gpu_type] for m in problem.models.values() if gpu_type in m.profiles]
    weights = sum(p.weights_gib for p in profiles)
    workspace = max((p.workspace_gib_per_item * p.batch_size_max for p in profiles), default=0.0)
    return min(GIB_LIMIT, max(kind.memory_gib, kind.reserve_gib + weights + workspace))


def _largest_sub_cluster(problem: PlanningProblem) -> Rule | None:
    """Only a rule where a pool has more."""
    most = max((pool.available for pool in problem.pools), default=0)
    if most <= problem.policy.sub_cluster_gpus_max:
        return None
    return _replaced(POLICY_NAMES["sub_cluster_gpus_max"], "policy.sub_cluster_gpus_max", min(most, 4_096))


def _replaced(name: str, path: str, value: Any) -> Rule:
    return Rule(name, path, Setting(path, Operation.REPLACE, value))


def dropped(rules: Collection[Rule]) -> Iterator[Setting]:
    """The settings that drop these rules."""
    return (rule.dropped for rule in rules)
