"""
Every table.

Relations are loaded on purpose or not at all (``lazy="raise"``), constraints have names
by convention so that a migration can speak of them, and no object of these classes leaves
the store: repositories return frozen records.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from planner.store.columns import Document, UtcDateTime

ID_LENGTH_MAX = 200

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        datetime: UtcDateTime(),
        float: Double(),
        dict[str, Any]: Document,
        list[Any]: Document,
    }


Id = String(ID_LENGTH_MAX)


class GpuTypeRow(Base):
    __tablename__ = "gpu_types"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    memory_gib: Mapped[float]
    reserve_gib: Mapped[float]
    price_usd_per_hour: Mapped[float]
    updated_at: Mapped[datetime]


class PoolRow(Base):
    __tablename__ = "pools"
    __table_args__ = (CheckConstraint("available >= 0", name="available"),)

    gpu_type: Mapped[str] = mapped_column(Id, ForeignKey("gpu_types.id"), primary_key=True)
    zone: Mapped[str] = mapped_column(Id, primary_key=True)
    available: Mapped[int]
    updated_at: Mapped[datetime]


class ModelRow(Base):
    __tablename__ = "models"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    slo_ms: Mapped[float]
    priority: Mapped[int]
    serving: Mapped[dict[str, Any]]  # tensors and backend, as the dispatcher's contract states them
    updated_at: Mapped[datetime]


class ProfileRow(Base):
    __tablename__ = "profiles"

    model: Mapped[str] = mapped_column(Id, ForeignKey("models.id"), primary_key=True)
    gpu_type: Mapped[str] = mapped_column(Id, ForeignKey("gpu_types.id"), primary_key=True)
    curve: Mapped[dict[str, Any]]  # {alpha_ms, beta_ms} or {latency_ms: [[b, ms], ...]}
    weights_gib: Mapped[float]
    workspace_gib_per_item: Mapped[float]
    batch_size_max: Mapped[int]
    source: Mapped[str | None]
    updated_at: Mapped[datetime]


class ForecastRow(Base):
    __tablename__ = "forecasts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Id)
    epochs: Mapped[list[Any]]
    created_at: Mapped[datetime]
    models: Mapped[list[ForecastModelRow]] = relationship(lazy="raise", order_by="ForecastModelRow.model")


class ForecastModelRow(Base):
    __tablename__ = "forecast_models"

    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    model: Mapped[str] = mapped_column(Id, ForeignKey("models.id"), primary_key=True)
    demand_rps: Mapped[list[Any]]
    arrival_cv: Mapped[list[Any]]


class ProblemRow(Base):
    """Planning problems by their digest: a run and the plan that answers it share one."""

    __tablename__ = "problems"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class NodeRow(Base):
    """A GPU node as its last heartbeat told."""

    __tablename__ = "nodes"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    heard_at: Mapped[datetime]
    status: Mapped[dict[str, Any]]  # as dispatcher.runtime.node tells it


class RunRow(Base):
    """One durable execution of the planner, leased by the server that works on it."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("(state = 'running') = (lease_owner IS NOT NULL)", name="lease"),
        Index("ix_runs_state_created_at", "state", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecasts.id"))
    problem_digest: Mapped[str] = mapped_column(ForeignKey("problems.digest"))
    options: Mapped[dict[str, Any]]
    demand: Mapped[dict[str, Any] | None] = mapped_column(Document)
    actor: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int]
    cancel_requested: Mapped[bool]
    lease_owner: Mapped[str | None] = mapped_column(Id)
    lease_expires_at: Mapped[datetime | None]
    progress: Mapped[dict[str, Any]]
    error: Mapped[dict[str, Any] | None] = mapped_column(Document)
    plan_version: Mapped[int | None] = mapped_column(ForeignKey("plans.version"))


class PlanRow(Base):
    """One immutable plan version; only ``state`` ever changes."""

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'certified', 'approved', 'active', 'superseded')", name="state"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    run_id: Mapped[str] = mapped_column(String(32), unique=True)
    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecasts.id"))
    problem_digest: Mapped[str] = mapped_column(ForeignKey("problems.digest"))
    status: Mapped[str] = mapped_column(String(16))
    objective: Mapped[float]
    bound: Mapped[float]
    gap: Mapped[float]
    fluid_bound: Mapped[float]
    physical_gap: Mapped[float]
    cost_usd_per_hour: Mapped[float]
    sub_cluster_count: Mapped[int]
    gpu_count: Mapped[int]
    solver: Mapped[str] = mapped_column(String(64))
    options: Mapped[dict[str, Any]]
    seed: Mapped[int]
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    certificate: Mapped[CertificateRow | None] = relationship(lazy="raise")


class CertificateRow(Base):
    __tablename__ = "certificates"

    plan_version: Mapped[int] = mapped_column(ForeignKey("plans.version"), primary_key=True)
    passed: Mapped[bool]
    bad_rate: Mapped[float | None]  # the worst sub-cluster's
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class ActivationRow(Base):
    """A plan's time as the one dispatchers run; the partial index lets a fleet have one at a time."""

    __tablename__ = "activations"
    __table_args__ = (
        Index(
            "uq_activations_current",
            "fleet",
            unique=True,
            sqlite_where=text("deactivated_at IS NULL"),
            postgresql_where=text("deactivated_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = mapped_column(Id)
    plan_version: Mapped[int] = mapped_column(ForeignKey("plans.version"))
    kind: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(Id)
    activated_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


class LoadReportRow(Base):
    __tablename__ = "load_reports"
    __table_args__ = (UniqueConstraint("sub_cluster", "interval_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
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


class AuditRow(Base):
    """Who changed what, and when; rows are only ever added."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Id)
    details: Mapped[dict[str, Any]]
