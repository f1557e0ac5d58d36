"""Profiles in the course of time: every version there was, and what measurements propose."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.tables.base import Base, Id, fleet_column


class ProfileVersionRow(Base):
    """A profile as it was registered once; never changed, and kept when its model is gone."""

    __tablename__ = "profile_versions"

    model: Mapped[str] = mapped_column(Id, primary_key=True)
    gpu_type: Mapped[str] = mapped_column(Id, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    curve: Mapped[dict[str, Any]]
    weights_gib: Mapped[float]
    workspace_gib_per_item: Mapped[float]
    batch_size_max: Mapped[int]
    source: Mapped[str | None]
    created_at: Mapped[datetime]
    measured_since: Mapped[datetime]  # what was measured before says nothing of this version
    proposal_id: Mapped[int | None]


class ProfileProposalRow(Base):
    """A corrected curve for one version of a profile; one at a time waits for a decision."""

    __tablename__ = "profile_proposals"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'accepted', 'rejected', 'superseded')", name="state"),
        Index(
            "uq_profile_proposals_open",
            "model",
            "gpu_type",
            unique=True,
            sqlite_where=text("state = 'proposed'"),
            postgresql_where=text("state = 'proposed'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    model: Mapped[str] = mapped_column(Id)
    gpu_type: Mapped[str] = mapped_column(Id)
    profile_version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    curve: Mapped[dict[str, Any]]
    evidence: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(Id)
    note: Mapped[str | None]
