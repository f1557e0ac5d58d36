"""Which part of a model's traffic a sub-cluster takes, by the stored plan that it runs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.orm import Session

from planner.demand.load_frame import Source, instant_us
from planner.store.tables import PlanRow, ProblemRow

PLANS_KEPT = 8
"""Plans whose shares a process remembers: dispatchers report of one or two."""


@dataclass(frozen=True, slots=True)
class PlannedShares:
    """
    One plan's shares by (sub-cluster, model), one for each epoch, and the GPU type of each sub-cluster.

    An instant belongs to the last epoch that has begun by then; before them all, to the first.
    """

    starts_us: tuple[int, ...]
    shares: Mapping[tuple[str, str], tuple[float, ...]]
    gpu_types: Mapping[str, str]

    def share(self, source: Source, at_us: int) -> float | None:
        found = self.shares.get((source.sub_cluster, source.model))
        return None if found is None else found[max(0, bisect_right(self.starts_us, at_us) - 1)]


_kept: WeakKeyDictionary[Any, dict[tuple[str, int], PlannedShares]] = (
    WeakKeyDictionary()
)  # a stored plan never changes


def planned_shares(session: Session, fleet: str, plan_version: int) -> PlannedShares | None:
    """None for a version that is none of the fleet's plans."""
    kept = _kept.setdefault(session.get_bind(), {})
    found = kept.get((fleet, plan_version))
    if found is None:
        query = (
            select(PlanRow.document, ProblemRow.document)
            .join(ProblemRow, ProblemRow.digest == PlanRow.problem_digest)
            .where(PlanRow.version == plan_version, PlanRow.fleet == fleet)
        )
        row = session.execute(query).one_or_none()
        if row is None:
            return None
        found = _shares(row[0], row[1])
        while len(kept) >= PLANS_KEPT:
            kept.pop(next(iter(kept)), None)
        kept[fleet, plan_version] = found
    return found


def traffic_share(session: Session, fleet: str, source: Source, at_us: int) -> float | None:
    """The part of its model's traffic that ``source`` takes at that instant; None where no plan says."""
    planned = planned_shares(session, fleet, source.plan_version)
    return None if planned is None else planned.share(source, at_us)


def _shares(plan: Mapping[str, Any], problem: Mapping[str, Any]) -> PlannedShares:
    starts = [instant_us(datetime.fromisoformat(epoch["start"])) for epoch in problem["epochs"]]
    return PlannedShares(
        tuple(starts),
        {
            (cluster["id"], placed["id"]): tuple(float(share) for share in placed["share"])
            for cluster in plan["sub_clusters"]
            for placed in cluster["models"]
        },
        {cluster["id"]: cluster["gpu_type"] for cluster in plan["sub_clusters"]},
    )
