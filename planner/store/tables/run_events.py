"""What a run said as it went, and the best plan it had so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.columns import Document
from planner.store.tables.base import Base


class RunEventRow(Base):
    """One event of a run; sequences ascend from 1, and old progress makes room for new."""

    __tablename__ = "run_events"

    run_id: Mapped[str] = mapped_column(String(32), ForeignKey("runs.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))  # state or progress
    data: Mapped[dict[str, Any]]


class RunCheckpointRow(Base):
    """From where another worker goes on, should this one die; gone once the run has ended."""

    __tablename__ = "run_checkpoints"

    run_id: Mapped[str] = mapped_column(String(32), ForeignKey("runs.id"), primary_key=True)
    lease_number: Mapped[int]
    stage: Mapped[str] = mapped_column(String(16))
    solved_s: Mapped[float]  # of the solver's time, spent by all attempts so far
    bound: Mapped[float | None]
    plan: Mapped[dict[str, Any]]
    certificate: Mapped[dict[str, Any] | None] = mapped_column(Document)
    at: Mapped[datetime]
