"""What a search that deals models as it likes must know of rules: what to leave out, what to take back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.levelling.company import Company


def afresh(tables: CapacityTables) -> CapacityTables:
    """
    The tables as if nothing ran, models living only on GPU types that their rules let them live on.

    A type is open to a model where one of its pools is; which of them is for the rules to say still.
    """
    problem = dataclasses.replace(tables.problem, active_plan=None)
    if tables.rules.allowed.all():
        return dataclasses.replace(tables, problem=problem)
    shut = np.ones(tables.batch_size.shape[:2], dtype=bool)
    for p, g in enumerate(tables.pool_types):
        shut[:, g] &= ~tables.rules.allowed[:, p]
    need, batch_size = tables.need.copy(), tables.batch_size.copy()
    need[shut], batch_size[shut] = np.inf, 0
    return dataclasses.replace(tables, problem=problem, need=need, batch_size=batch_size)


def as_the_rules_allow(tables: CapacityTables, drafts: Sequence[DraftCluster]) -> list[DraftCluster]:
    """The drafts without the models that may not live there, or not beside the others: the lightest leave."""
    company, found = Company.of(tables, [[] for _ in drafts]), []
    for k, draft in enumerate(drafts):
        g = int(tables.pool_types[draft.pool])
        shares = {}
        for m in sorted(draft.shares, key=lambda m: (-float(tables.weights_gib[m, g]), m)):
            if tables.rules.allowed[m, draft.pool] and company.admits([m], [], k):
                company.move([m], [], k)
                shares[m] = draft.shares[m]
        if shares:
            found.append(dataclasses.replace(draft, shares=shares))
    return found


def pinned_apart(tables: CapacityTables, drafts: Sequence[DraftCluster]) -> list[DraftCluster]:
    """The sub-clusters that models are pinned to, with what lives in them whole."""
    pinned = {m for m, pin in enumerate(tables.rules.pinned) if pin is not None}
    found = []
    for draft in drafts:
        if pinned & draft.shares.keys():
            whole = {m: share for m, share in draft.shares.items() if share.min() >= 1.0}
            found.append(dataclasses.replace(draft, shares=whole))
    return found


def without(tables: CapacityTables, drafts: Sequence[DraftCluster]) -> CapacityTables:
    """The tables without the models of these drafts and without their GPUs."""
    if not drafts:
        return tables
    models = sorted({m for draft in drafts for m in draft.shares})
    need, batch_size = tables.need.copy(), tables.batch_size.copy()
    need[models], batch_size[models] = np.inf, 0
    lent = [0] * len(tables.pools)
    for draft in drafts:
        one = size_cluster(tables, draft)
        lent[draft.pool] += int(one.gpus.max()) if one is not None else tables.pool_limit(draft.pool)
    pools = tuple(
        dataclasses.replace(pool, available=max(0, pool.available - gpus))
        for pool, gpus in zip(tables.pools, lent, strict=True)
    )
    return dataclasses.replace(tables, need=need, batch_size=batch_size, pools=pools)
