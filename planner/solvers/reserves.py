"""Keeping rules while sub-clusters are drafted: what to plan for when a zone is lost, who may join whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from planner.plan.spread import lost_with, over_zone_limit
from planner.problem.problem import Hardness
from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster, Floats


def with_reserves(tables: CapacityTables, drafts: Sequence[DraftCluster]) -> list[DraftCluster]:
    r"""
    The drafts, models that are spread planned for the share that they take once the worst zone is lost.

    That share is :math:`\varphi / (1 - \max_z \varphi_z)` over the zones z that a sub-cluster is not in.
    A model with more in one zone than its rule allows is not spread: nothing is kept for it.
    """
    asking = set(map(int, np.flatnonzero(tables.rules.zones_min > 1)))
    zones = [tables.pools[draft.pool].zone for draft in drafts]
    reserves: list[dict[int, Floats]] = [{} for _ in drafts]
    for m in sorted(asking & {m for draft in drafts for m in draft.shares}):
        carried: dict[str, Floats] = {}
        for draft, zone in zip(drafts, zones, strict=True):
            if m in draft.shares:
                carried[zone] = carried.get(zone, np.zeros(len(tables.hours))) + draft.shares[m]
        if over_zone_limit(carried, int(tables.rules.zones_min[m])) is not None:
            continue
        for draft, zone, reserve in zip(drafts, zones, reserves, strict=True):
            if m in draft.shares:
                grown = [lost_with(carried, lost) for lost in carried if lost != zone]
                reserve[m] = draft.shares[m] * np.max(grown, axis=0)
    return [
        dataclasses.replace(draft, reserve=reserve) for draft, reserve in zip(drafts, reserves, strict=True)
    ]


def may_join(tables: CapacityTables, draft: DraftCluster, m: int) -> bool:
    """Whether the rules, all taken as hard, let a model live in a drafted sub-cluster."""
    rules = tables.rules
    others = [other for other in draft.shares if other != m]
    soft = rules.hardness
    if not rules.allowed[m, draft.pool] or rules.pinned[m] not in (None, draft.active_id):
        return False
    if others and (rules.dedicated[m] or rules.dedicated[others].any()):
        return False
    if soft.models_max is not Hardness.SOFT and len(others) + 1 > rules.models_max and m not in draft.shares:
        return False
    if soft.exclusions is Hardness.SOFT or m in draft.shares:
        return True
    return not any(m in group and np.isin(others, group).any() for group in rules.exclusions)
