"""Facts: GPU types, pools, models, profiles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


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

    fleet: Mapped[str] = fleet_column(primary_key=True)
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
    version: Mapped[int] = mapped_column(server_default="1")  # the newest of profile_versions
