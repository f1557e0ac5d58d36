"""Which part of a model's traffic a sub-cluster takes, by the plan that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dispatcher.contract.load_report import LoadReport
from planner.demand.observed import TrafficShare
from planner.store.records import PlanDocuments
from planner.store.store import UnitOfWork


def planned_traffic(work: UnitOfWork) -> TrafficShare:
    """Shares as stored plans state them, in the epoch that a report begins in; plans are read once each."""
    plans: dict[int, PlanDocuments | None] = {}

    def share(report: LoadReport, model: str) -> float | None:
        if report.plan_version not in plans:
            plans[report.plan_version] = work.plans.documents(report.plan_version)
        found = plans[report.plan_version]
        return None if found is None else _share(found, report, model)

    return share


def _share(found: PlanDocuments, report: LoadReport, model: str) -> float | None:
    for cluster in found.plan["sub_clusters"]:
        if cluster["id"] == report.sub_cluster:
            for placed in cluster["models"]:
                if placed["id"] == model:
                    epoch = _epoch_at(found.problem, datetime.fromisoformat(report.interval_start))
                    return float(placed["share"][epoch])
    return None


def _epoch_at(problem: Mapping[str, Any], instant: datetime) -> int:
    """The last epoch that has begun by then; the first before them all."""
    starts = [datetime.fromisoformat(epoch["start"]) for epoch in problem["epochs"]]
    return max((index for index, start in enumerate(starts) if start <= instant), default=0)
