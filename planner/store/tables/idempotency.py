"""Requests that are to count once, and what they were answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id


class IdempotencyKeyRow(Base):
    """One key of one principal in one fleet; ``status`` is null while the request is being carried out."""

    __tablename__ = "idempotency_keys"

    fleet: Mapped[str] = mapped_column(Id, primary_key=True)
    principal: Mapped[str] = mapped_column(Id, primary_key=True)
    key_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    token: Mapped[str] = mapped_column(String(32))  # of the attempt that may finish it
    reserved_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    headers: Mapped[list[Any]]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)  # compressed; null: not kept
