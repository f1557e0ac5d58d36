"""The business rules of a problem as arrays: what may live where, beside whom, and what may stay broken."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.plan.spread import unspread
from planner.problem.problem import (
    Hardness,
    Model,
    ModelId,
    PlanningPolicy,
    PlanningProblem,
    Pool,
    RuleHardness,
)

Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]

UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class RuleTables:
    """
    Rules over models (M), pools (P) and exclusions (G), as the capacity tables order them.

    Attributes
    ----------
    allowed
        (M, P) whether the model may live in the pool.
    pinned
        (M,) the active sub-cluster that alone may hold the model, or None.
    zones_min
        (M,) zones that share a model's traffic; 1 where any will do.
    spread_may_break
        (M,) whether a plan may leave the model unspread.
    exclusions
        (G,) members of each, as indices of models.
    exclusion_slack, models_slack
        How many models too many an active sub-cluster holds, by exclusion and id, and by id.
    overdrawn
        (P,) GPUs that the active plan uses beyond what is there, and that may stay in use.
    """

    allowed: Booleans
    pinned: tuple[str | None, ...]
    dedicated: Booleans
    zones_min: Integers
    spread_may_break: Booleans
    exclusions: tuple[Integers, ...]
    exclusion_slack: dict[tuple[int, str], int]
    models_max: int
    models_slack: dict[str, int]
    overdrawn: Integers
    zone: Integers
    hardness: RuleHardness

    @property
    def is_empty(self) -> bool:
        """Whether no rule but the capacity mathematics restricts anything."""
        return bool(
            self.allowed.all()
            and not any(self.pinned)
            and not self.dedicated.any()
            and (self.zones_min <= 1).all()
            and not self.exclusions
            and self.models_max >= UNLIMITED
            and not self.overdrawn.any()
        )

    @property
    def lenient(self) -> bool:
        """Whether a plan may break any rule at all."""
        return bool(
            self.overdrawn.any()
            or self.spread_may_break.any()
            or self.exclusion_slack
            or self.models_slack
            or (self.hardness.exclusions is Hardness.SOFT and self.exclusions)
            or (self.hardness.models_max is Hardness.SOFT and self.models_max < UNLIMITED)
        )


def may_live(model: Model, pool: Pool) -> bool:
    """Whether the model's rules let it live in the pool; pins to a sub-cluster are not judged here."""
    rules, pin = model.rules, model.rules.pinned_to
    return (
        (rules.gpu_types_allowed is None or pool.gpu_type in rules.gpu_types_allowed)
        and pool.gpu_type not in rules.gpu_types_excluded
        and (rules.zones_allowed is None or pool.zone in rules.zones_allowed)
        and (pin is None or pin.gpu_type in (None, pool.gpu_type))
        and (pin is None or pin.zone in (None, pool.zone))
    )


def lent_pools(problem: PlanningProblem) -> tuple[Pool, ...]:
    """The pools with what a plan may use: more than is there where the fleet has more and may keep it."""
    if problem.policy.hardness.inventory is not Hardness.FIX_IF_BROKEN or problem.active_plan is None:
        return problem.pools
    return tuple(
        dataclasses.replace(pool, available=max(pool.available, gpus_in_use(problem, pool)))
        for pool in problem.pools
    )


def gpus_in_use(problem: PlanningProblem, pool: Pool) -> int:
    """GPUs of a pool that the active plan uses in its largest epoch."""
    active = problem.active_plan
    inside = [
        s.gpus
        for s in (active.sub_clusters if active else ())
        if (s.gpu_type, s.zone) == (pool.gpu_type, pool.zone)
    ]
    return max((sum(counts) for counts in zip(*inside, strict=False)), default=0)


def all_hard(problem: PlanningProblem) -> PlanningProblem:
    """The same problem with no rule that may be broken."""
    hard = RuleHardness(*[Hardness.HARD] * len(dataclasses.fields(RuleHardness)))
    return dataclasses.replace(problem, policy=dataclasses.replace(problem.policy, hardness=hard))


def rule_tables(problem: PlanningProblem, models: Sequence[Model], pools: Sequence[Pool]) -> RuleTables:
    """The rules of a problem over its models and pools in the order given."""
    policy = problem.policy
    index = {model.id: m for m, model in enumerate(models)}
    zones = sorted({pool.zone for pool in pools})
    stock = {(pool.gpu_type, pool.zone): pool.available for pool in problem.pools}
    lent = {(pool.gpu_type, pool.zone): pool.available for pool in lent_pools(problem)}
    places = [(pool.gpu_type, pool.zone) for pool in pools]
    exclusion_slack, models_slack = _kept_together(problem)
    return RuleTables(
        allowed=_allowed(problem, models, pools),
        pinned=tuple(m.rules.pinned_to.sub_cluster if m.rules.pinned_to else None for m in models),
        dedicated=np.array([m.rules.dedicated for m in models], dtype=bool),
        zones_min=np.array([m.rules.zones_min for m in models], dtype=np.int64),
        spread_may_break=_spread_may_break(problem, models),
        exclusions=tuple(np.array(sorted(index[name] for name in group)) for group in policy.exclusions),
        exclusion_slack=exclusion_slack,
        models_max=policy.sub_cluster_models_max or UNLIMITED,
        models_slack=models_slack,
        overdrawn=np.array([lent[place] - stock[place] for place in places], dtype=np.int64),
        zone=np.array([zones.index(pool.zone) for pool in pools], dtype=np.int64),
        hardness=policy.hardness,
    )


def _allowed(problem: PlanningProblem, models: Sequence[Model], pools: Sequence[Pool]) -> Booleans:
    active = problem.active_plan
    homes = {s.id: (s.gpu_type, s.zone) for s in (active.sub_clusters if active else ())}
    allowed = np.ones((len(models), len(pools)), dtype=bool)
    for m, model in enumerate(models):
        if model.rules.gpu_types_allowed is None and not (
            model.rules.gpu_types_excluded or model.rules.zones_allowed or model.rules.pinned_to
        ):
            continue
        pin = model.rules.pinned_to.sub_cluster if model.rules.pinned_to else None
        for p, pool in enumerate(pools):
            pinned_here = pin is None or homes.get(pin) == (pool.gpu_type, pool.zone)
            allowed[m, p] = may_live(model, pool) and pinned_here
    return allowed


def _spread_may_break(problem: PlanningProblem, models: Sequence[Model]) -> Booleans:
    hardness = problem.policy.hardness.spread
    asking = np.array([m.rules.zones_min > 1 for m in models], dtype=bool)
    if hardness is Hardness.SOFT or not asking.any():
        return asking
    if hardness is Hardness.HARD or problem.active_plan is None:
        return np.zeros_like(asking)
    broken = unspread(problem, problem.active_plan)
    return np.array([m.id in broken for m in models], dtype=bool)


def _kept_together(problem: PlanningProblem) -> tuple[dict[tuple[int, str], int], dict[str, int]]:
    """Models too many that active sub-clusters hold, where they may go on doing so."""
    policy, active = problem.policy, problem.active_plan
    by_exclusion: dict[tuple[int, str], int] = {}
    by_cluster: dict[str, int] = {}
    for cluster in active.sub_clusters if active else ():
        here = {p.model for p in cluster.placements} & problem.models.keys()
        for g, group in enumerate(policy.exclusions):
            over = too_many_together(here, group)
            if over and policy.hardness.exclusions is Hardness.FIX_IF_BROKEN:
                by_exclusion[g, cluster.id] = over
        over = too_many(here, policy)
        if over and policy.hardness.models_max is Hardness.FIX_IF_BROKEN:
            by_cluster[cluster.id] = over
    return by_exclusion, by_cluster


def too_many_together(here: set[ModelId], exclusion: Sequence[ModelId]) -> int:
    """How many of a sub-cluster's models would have to leave it for an exclusion to hold."""
    return max(0, len(here.intersection(exclusion)) - 1)


def too_many(here: set[ModelId], policy: PlanningPolicy) -> int:
    """How many models a sub-cluster holds beyond ``sub_cluster_models_max``."""
    return 0 if policy.sub_cluster_models_max is None else max(0, len(here) - policy.sub_cluster_models_max)
