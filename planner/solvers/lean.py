"""
Tables to plan large fleets by: less workspace where that costs little, sub-clusters with room to grow.

The tables plan workspace for batches of twice the mean size. On a GPU shared by dozens of models the
largest of these reserves shuts others out, though a smaller batch of that one model would cost a fraction
of a percent. Here such models ask for a quarter of the GPU's memory at most, and for what the smaller
batches need.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from planner.problem.tables import CapacityTables, need_in_workspace

LEAN_SHARE = 0.35  # of a GPU's usable memory
GROWING_PART = 32  # one in so many GPUs that a sub-cluster may have is left to the certificate
DEARER_MOST = 0.25  # by which share a model's need may grow for it


def lean_tables(tables: CapacityTables) -> CapacityTables:
    """The tables with less workspace and the need that follows; plans of these hold under the others too."""
    need, workspace = tables.need.copy(), tables.workspace_gib.copy()
    for g, usable in enumerate(tables.usable_gib):
        limit_gib = LEAN_SHARE * float(usable)
        large = np.flatnonzero(workspace[:, g].max(axis=1, initial=0.0) > limit_gib)
        if not len(large):
            continue
        room = np.full(len(large), limit_gib)
        smaller = need_in_workspace(tables, g, large.tolist(), np.ones(len(large)), room)
        before = tables.need[large, g]
        with np.errstate(invalid="ignore"):
            dearer = np.where(np.isfinite(before), smaller - before * (1 + DEARER_MOST), 0.0)
        cheap = (np.nan_to_num(dearer, nan=np.inf) <= 1e-9).all(axis=(1, 2))
        need[large[cheap], g] = smaller[cheap]
        workspace[large[cheap], g] = np.minimum(workspace[large[cheap], g], limit_gib)
    return dataclasses.replace(tables, need=need, workspace_gib=workspace)


def growable_tables(tables: CapacityTables) -> CapacityTables:
    """
    The tables for sub-clusters that stay a little below the most GPUs that one may have.

    A certificate that finds too few in a sub-cluster adds to it (decision 13). Where there is no room for
    that its models are planned again with more demand than they have, which costs far more.
    """
    most = tables.gpus_max - tables.gpus_max // GROWING_PART
    return dataclasses.replace(
        tables,
        batch_size=tables.batch_size[:, :, :most],
        need=tables.need[:, :, :most],
        workspace_gib=tables.workspace_gib[:, :, :most],
    )
