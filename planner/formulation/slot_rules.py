"""The business rules of one formulation: those of the problem, seen through its models and slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.slots import Slot
from planner.problem.problem import Hardness
from planner.problem.rules import UNLIMITED
from planner.problem.tables import CapacityTables

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SlotRules:
    """
    Rules over the models (M) and slots (K) of an instance, its exclusions (G) and pools (P).

    Attributes
    ----------
    allowed
        (M, K) whether the model may live in the slot.
    zones_min, may_unspread
        (M,) zones that share the traffic, and whether a plan may do without.
    exclusions
        (G,) members, as rows of the instance; two at least.
    exclusion_slack, models_slack
        (G, K) and (K,) how many models too many a slot may hold.
    models_max
        Most models of a slot, ``UNLIMITED`` without a rule.
    overdrawn
        (P,) GPUs that may be used beyond the inventory.
    churn_soft, balance
        Whether the churn budget may be exceeded; whether the busiest slot is relieved in the end.
    """

    allowed: Booleans
    dedicated: Booleans
    zones_min: Integers
    may_unspread: Booleans
    zone: Integers
    exclusions: tuple[Integers, ...]
    exclusion_slack: Integers
    models_max: int
    models_slack: Integers
    overdrawn: Integers
    churn_soft: bool
    balance: bool

    @property
    def spread(self) -> Integers:
        """Rows of the models that ask for more than one zone."""
        return np.flatnonzero(self.zones_min > 1).astype(np.int64)


def slot_rules(tables: CapacityTables, slots: Sequence[Slot], models: Integers) -> SlotRules:
    """The rules of the tables for these slots and models (indices of the tables)."""
    rules, policy = tables.rules, tables.problem.policy
    pools = np.array([slot.pool for slot in slots], dtype=np.int64)
    allowed = rules.allowed[np.ix_(models, pools)]
    for row, m in enumerate(models):
        pin = rules.pinned[int(m)]
        if pin is not None:
            allowed[row] &= np.array([slot.active_id == pin for slot in slots], dtype=bool)
    row_of = {int(m): row for row, m in enumerate(models)}
    groups = [
        (g, np.array([row_of[int(m)] for m in group if int(m) in row_of], dtype=np.int64))
        for g, group in enumerate(rules.exclusions)
    ]
    groups = [(g, members) for g, members in groups if len(members) > 1]
    slack = np.zeros((len(groups), len(slots)), dtype=np.int64)
    for at, (g, members) in enumerate(groups):
        for k, slot in enumerate(slots):
            kept = rules.exclusion_slack.get((g, slot.active_id), 0) if slot.active_id else 0
            slack[at, k] = len(members) - 1 if rules.hardness.exclusions is Hardness.SOFT else kept
    soft = rules.hardness.models_max is Hardness.SOFT and rules.models_max < UNLIMITED
    models_slack = [
        max(0, len(models) - rules.models_max) if soft else rules.models_slack.get(slot.active_id or "", 0)
        for slot in slots
    ]
    return SlotRules(
        allowed=allowed,
        dedicated=rules.dedicated[models],
        zones_min=rules.zones_min[models],
        may_unspread=rules.spread_may_break[models],
        zone=rules.zone[pools],
        exclusions=tuple(members for _, members in groups),
        exclusion_slack=slack,
        models_max=rules.models_max,
        models_slack=np.array(models_slack, dtype=np.int64),
        overdrawn=rules.overdrawn,
        churn_soft=rules.hardness.churn is Hardness.SOFT,
        balance=policy.balance,
    )
