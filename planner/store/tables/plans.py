"""Problems, plan versions, their certificates and activations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from planner.store.tables.base import Base, Id, fleet_column


class ProblemRow(Base):
    """Planning problems by their digest: a run and the plan that answers it share one."""

    __tablename__ = "problems"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class PlanRow(Base):
    """One immutable plan version; only ``state`` ever changes."""

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'certified', 'approved', 'active', 'superseded', 'rejected', 'expired',"
            " 'imported')",
            name="state",
        ),
        CheckConstraint("(origin = 'imported') = (run_id IS NULL)", name="origin"),
        Index("ix_plans_fleet_state", "fleet", "state"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(String(64))  # digest of document, problem and certificate
    fleet: Mapped[str] = fleet_column()
    state: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(String(16))
    recertifies: Mapped[int | None] = mapped_column(ForeignKey("plans.version"))
    run_id: Mapped[str | None] = mapped_column(String(32), unique=True)
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
    horizon_end: Mapped[datetime | None]
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
    reason: Mapped[str | None]
