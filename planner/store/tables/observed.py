"""What dispatchers measured."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from planner.store.tables.base import Base, Id, fleet_column


class LoadReportRow(Base):
    __tablename__ = "load_reports"
    __table_args__ = (UniqueConstraint("fleet", "sub_cluster", "interval_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    sub_cluster: Mapped[str] = mapped_column(Id)
    plan_version: Mapped[int]
    interval_start: Mapped[datetime] = mapped_column(index=True)
    interval_s: Mapped[float]
    gpus: Mapped[int]
    gpu_busy_share: Mapped[float]
    received_at: Mapped[datetime]
    models: Mapped[list[ObservedLoadRow]] = relationship(lazy="raise", order_by="ObservedLoadRow.model")


class ObservedLoadRow(Base):
    """One model of one load report. A model need not be registered: what was seen was seen."""

    __tablename__ = "observed_load"

    report_id: Mapped[int] = mapped_column(ForeignKey("load_reports.id"), primary_key=True)
    model: Mapped[str] = mapped_column(Id, primary_key=True)
    arrived: Mapped[int] = mapped_column(BigInteger)
    served_in_time: Mapped[int] = mapped_column(BigInteger)
    late: Mapped[int] = mapped_column(BigInteger)
    dropped: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[int] = mapped_column(BigInteger)
    arrival_cv: Mapped[float | None]
    batches: Mapped[int] = mapped_column(BigInteger)
    batch_size_mean: Mapped[float]
    busy_s: Mapped[float]
    latency_ms_by_batch: Mapped[list[Any]]
