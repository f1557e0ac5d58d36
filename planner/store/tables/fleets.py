"""Fleets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id


class FleetRow(Base):
    """
    GPUs that are planned together, apart from all others.

    Forecasts, plans, runs, nodes, pools and what was observed belong to one fleet; models, GPU types and
    profiles are facts that all share.
    """

    __tablename__ = "fleets"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    environment: Mapped[str] = mapped_column(Id)
    policy: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
