r"""
What a fleet that runs would have to load for sub-clusters to come, and what that counts.

A place of N GPUs that continues a running sub-cluster loads
:math:`\sum_m w_m\,(N - n_m)^+` GiB for the models m that it holds, :math:`n_m` being the GPUs that hold
m now: all of the running one's, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PRICE_TIE = 1e-6  # dollars per hour for a GiB: decides between equal costs alone


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """
    Attributes
    ----------
    price_usd_per_hour
        That a GiB loaded counts as.
    held
        (M, K) whether the running sub-cluster that the place continues holds the model.
    gpus
        (K,) GPUs of that sub-cluster; 0 where the place is new.
    weights_gib
        (M, K) of each model in each place.
    """

    price_usd_per_hour: float
    held: NDArray[np.bool_]
    gpus: Integers
    weights_gib: Floats

    @classmethod
    def of(cls, tables: CapacityTables, drafts: Sequence[DraftCluster], price_usd_per_hour: float) -> Loads:
        """Of drafts that say by ``active_id`` which running sub-cluster each continues."""
        active = tables.problem.active_plan
        running = {cluster.id: cluster for cluster in (active.sub_clusters if active else ())}
        index = tables.model_index()
        held = np.zeros((len(tables.models), len(drafts)), dtype=bool)
        gpus = np.zeros(len(drafts), dtype=np.int64)
        for k, draft in enumerate(drafts):
            if draft.active_id in running:
                cluster = running[draft.active_id]
                held[[index[p.model] for p in cluster.placements if p.model in index], k] = True
                gpus[k] = cluster.gpus_max
        types = [int(tables.pool_types[draft.pool]) for draft in drafts]
        return cls(price_usd_per_hour, held, gpus, tables.weights_gib[:, types])

    @property
    def are_dear(self) -> bool:
        """Whether loads do more than decide between equal costs."""
        return self.price_usd_per_hour > PRICE_TIE

    def gib(self, k: int, models: Sequence[int], gpus: int) -> float:
        """GiB that place k loads to hold these models on so many GPUs."""
        anew = np.maximum(0, gpus - np.where(self.held[models, k], self.gpus[k], 0))
        return float(self.weights_gib[models, k] @ anew)

    def of_each(self, models: Sequence[int], gpus: Integers) -> Floats:
        """(I, K) GiB that each of the models would load in each place, of ``gpus`` (K,) GPUs."""
        anew = np.maximum(0, gpus - np.where(self.held[models], self.gpus, 0))
        return np.asarray(self.weights_gib[models] * anew, dtype=np.float64)

    def by_gpu(self, k: int, models: Sequence[int]) -> tuple[float, float]:
        """GiB that a GPU of place k loads to hold these models, and one beyond those that run loads more."""
        fresh = float(self.weights_gib[models, k] @ ~self.held[models, k])
        return fresh, float(self.weights_gib[models, k].sum()) - fresh
