"""How a fleet gets to the plan that was activated, and how far it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, fleet_column


class RolloutRow(Base):
    """The waves of one activation; only ``step`` and ``moved_at`` ever change, and ``step`` only grows."""

    __tablename__ = "rollouts"
    __table_args__ = (CheckConstraint("step >= 0 AND step <= 2 * waves", name="step"),)

    activation_id: Mapped[int] = mapped_column(ForeignKey("activations.id"), primary_key=True)
    fleet: Mapped[str] = fleet_column()
    document: Mapped[dict[str, Any]]  # as planner.service.rollouts.document writes it
    waves: Mapped[int]
    step: Mapped[int]  # 2 k: wave k is done; 2 k - 1: wave k is open
    moved_at: Mapped[datetime]
