"""When a fleet is planned again by itself, and what became of each time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.columns import Document
from planner.store.tables.base import Base, Id


class ScheduleRow(Base):
    """A fleet's schedule; slots count from ``since`` on."""

    __tablename__ = "schedules"

    fleet: Mapped[str] = mapped_column(Id, ForeignKey("fleets.id"), primary_key=True)
    cron: Mapped[str] = mapped_column(Id)
    time_zone: Mapped[str] = mapped_column(Id)
    enabled: Mapped[bool]
    options: Mapped[dict[str, Any]]
    since: Mapped[datetime]
    next_slot: Mapped[datetime] = mapped_column(index=True)  # the first not looked at yet
    updated_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)


class SlotRow(Base):
    """A slot that was taken up: the primary key lets that happen once, however many servers there are."""

    __tablename__ = "schedule_slots"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('running', 'activated', 'waiting', 'failed', 'cancelled')", name="outcome"
        ),
    )

    fleet: Mapped[str] = mapped_column(Id, ForeignKey("fleets.id"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(Id)
    missed_before: Mapped[int]  # slots before it that nobody took up
    run_id: Mapped[str | None] = mapped_column(String(32), ForeignKey("runs.id"))
    outcome: Mapped[str] = mapped_column(String(16), index=True)
    settled_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any] | None] = mapped_column(Document)
