"""What was decided of plans, and how each compared with what ran."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


class PlanDecisionRow(Base):
    """An approval or a rejection, bound to the content that was looked at."""

    __tablename__ = "plan_decisions"
    __table_args__ = (
        CheckConstraint("decision IN ('approved', 'rejected')", name="decision"),
        UniqueConstraint("plan_version", "decision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    plan_version: Mapped[int] = mapped_column(ForeignKey("plans.version"))
    plan_id: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(Id)
    reason: Mapped[str | None]
    at: Mapped[datetime]


class AdviceRow(Base):
    """A plan beside what ran when it was made."""

    __tablename__ = "advice"

    plan_version: Mapped[int] = mapped_column(ForeignKey("plans.version"), primary_key=True)
    fleet: Mapped[str] = fleet_column()
    at: Mapped[datetime] = mapped_column(index=True)
    compared_with: Mapped[int | None] = mapped_column(ForeignKey("plans.version"))
    gpus: Mapped[int]
    gpus_running: Mapped[int | None]
    cost_usd_per_hour: Mapped[float]
    cost_usd_per_hour_running: Mapped[float | None]
    churn_gib: Mapped[float]
    bad_rate: Mapped[float | None]
    unserved_models: Mapped[int]
