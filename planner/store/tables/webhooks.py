"""Who is told of what, and each telling."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id

URL_LENGTH_MAX = 2_000


class WebhookRow(Base):
    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    fleet: Mapped[str] = mapped_column(Id, ForeignKey("fleets.id"), index=True)
    url: Mapped[str] = mapped_column(String(URL_LENGTH_MAX))
    events: Mapped[list[Any]]
    secret: Mapped[str] = mapped_column(Id)
    actor: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(Id)


class DeliveryRow(Base):
    """One event for one webhook, written in the transaction that made the event true."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        Index("ix_webhook_deliveries_state_next_at", "state", "next_at"),
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    webhook_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("webhooks.id", ondelete="CASCADE"), index=True
    )
    event: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)  # as it is sent and signed
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]  # when it is due; while an attempt is made, when that counts as lost
    finished_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Id)
