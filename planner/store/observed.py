"""Repository of load reports, as dispatchers sent them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, selectinload

from dispatcher.contract.load_report import LoadReport, ModelLoad
from planner.store.tables import LoadReportRow, ObservedLoadRow
from planner.store.upserts import insert_once


class ObservedLoadRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, report: LoadReport) -> bool:
        """Store the report; False when this sub-cluster already reported this interval."""
        row = {
            "fleet": self._fleet,
            "sub_cluster": report.sub_cluster,
            "plan_version": report.plan_version,
            "interval_start": datetime.fromisoformat(report.interval_start),
            "interval_s": report.interval_s,
            "gpus": report.gpus,
            "gpu_busy_share": report.gpu_busy_share,
            "received_at": self._now,
        }
        report_id = insert_once(self._session, LoadReportRow, row, ["fleet", "sub_cluster", "interval_start"])
        if report_id is None:
            return False
        rows = [{"report_id": report_id, **msgspec.to_builtins(load)} for load in report.models]
        if rows:
            self._session.execute(insert(ObservedLoadRow), rows)
        return True

    def reports(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        plan_version: int | None = None,
        limit: int,
    ) -> list[LoadReport]:
        """The newest ``limit`` reports whose interval starts in [since, until), the oldest of them first."""
        query = (
            select(LoadReportRow)
            .where(LoadReportRow.fleet == self._fleet)
            .options(selectinload(LoadReportRow.models))
        )
        if since is not None:
            query = query.where(LoadReportRow.interval_start >= since)
        if until is not None:
            query = query.where(LoadReportRow.interval_start < until)
        if plan_version is not None:
            query = query.where(LoadReportRow.plan_version == plan_version)
        query = query.order_by(LoadReportRow.interval_start.desc(), LoadReportRow.sub_cluster.desc()).limit(
            limit
        )
        return [_report(row) for row in reversed(self._session.scalars(query).all())]


def _report(row: LoadReportRow) -> LoadReport:
    return LoadReport(
        sub_cluster=row.sub_cluster,
        plan_version=row.plan_version,
        interval_start=row.interval_start.astimezone(UTC).isoformat(),
        interval_s=row.interval_s,
        gpus=row.gpus,
        gpu_busy_share=row.gpu_busy_share,
        models=tuple(_model_load(model) for model in row.models),
    )


def _model_load(row: ObservedLoadRow) -> ModelLoad:
    return ModelLoad(
        model=row.model,
        arrived=row.arrived,
        served_in_time=row.served_in_time,
        late=row.late,
        dropped=row.dropped,
        rejected=row.rejected,
        arrival_cv=row.arrival_cv,
        batches=row.batches,
        batch_size_mean=row.batch_size_mean,
        busy_s=row.busy_s,
        latency_ms_by_batch=tuple((size, count, ms) for size, count, ms in row.latency_ms_by_batch),
    )
