"""Observed load: reports as they came, roll-ups of them, and who reported what time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


class LoadReportRow(Base):
    __tablename__ = "load_reports"
    __table_args__ = (UniqueConstraint("fleet", "sub_cluster", "plan_version", "interval_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    sub_cluster: Mapped[str] = mapped_column(Id)
    plan_version: Mapped[int]
    interval_start: Mapped[datetime] = mapped_column(index=True)
    interval_s: Mapped[float]
    gpus: Mapped[int]
    gpu_busy_share: Mapped[float]
    received_at: Mapped[datetime]
    digest: Mapped[str | None] = mapped_column(String(16))  # of all that it says


class ObservedLoadRow(Base):
    """One model of one load report. A model need not be registered: what was seen was seen."""

    __tablename__ = "observed_load"
    __table_args__ = (Index("ix_observed_load_model", "model", "report_id"),)

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
    cancelled: Mapped[int] = mapped_column(
        BigInteger, server_default="0"
    )  # their clients left: part of arrived
    traffic_share: Mapped[float | None]  # the part of the model's traffic that the plan gives the sub-cluster


class ReporterRow(Base):
    """
    The dispatcher of one sub-cluster of one plan version, and how its reports stood; also the lock on them.
    """

    __tablename__ = "load_reporters"

    fleet: Mapped[str] = fleet_column(primary_key=True)
    sub_cluster: Mapped[str] = mapped_column(Id, primary_key=True)
    plan_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    heard_at: Mapped[datetime]
    new: Mapped[int] = mapped_column(BigInteger)
    known: Mapped[int] = mapped_column(BigInteger)
    differing: Mapped[int] = mapped_column(BigInteger)
    overlapping: Mapped[int] = mapped_column(BigInteger)


class ReportedSpansRow(Base):
    """The time that a reporter told of and that was rolled up; one row a day, by the start of each report."""

    __tablename__ = "reported_spans"

    fleet: Mapped[str] = fleet_column(primary_key=True)
    sub_cluster: Mapped[str] = mapped_column(Id, primary_key=True)
    plan_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # since 1970
    spans: Mapped[bytes] = mapped_column(LargeBinary)  # (begin, end) in microseconds of the day, int64


class ObservedRollupRow(Base):
    """All intervals of one resolution of one source in an hour or a day (``retention.LEVELS``), packed."""

    __tablename__ = "observed_rollups"
    __table_args__ = (
        Index("ix_observed_rollups_resolution_s", "resolution_s", "period_start_s"),
        Index("ix_observed_rollups_plan_version", "plan_version"),
    )

    fleet: Mapped[str] = fleet_column(primary_key=True)
    model: Mapped[str] = mapped_column(Id, primary_key=True)
    period_start_s: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    resolution_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sub_cluster: Mapped[str] = mapped_column(Id, primary_key=True)
    plan_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    counts: Mapped[bytes] = mapped_column(LargeBinary)
    latencies: Mapped[bytes] = mapped_column(LargeBinary)
