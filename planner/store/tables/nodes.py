"""GPU nodes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


class NodeRow(Base):
    """A GPU node as its last heartbeat told."""

    __tablename__ = "nodes"

    fleet: Mapped[str] = fleet_column(primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    heard_at: Mapped[datetime]
    status: Mapped[dict[str, Any]]  # as dispatcher.runtime.node tells it
