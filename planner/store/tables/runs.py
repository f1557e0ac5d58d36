"""Durable executions of the planner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.columns import Document
from planner.store.tables.base import Base, Id, fleet_column


class RunRow(Base):
    """One durable execution of the planner, leased by the server that works on it."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("(state = 'running') = (lease_owner IS NOT NULL)", name="lease"),
        Index("ix_runs_state_created_at", "state", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    fleet: Mapped[str] = fleet_column()
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
