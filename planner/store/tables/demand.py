"""Forecasts as submitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from planner.store.columns import Document
from planner.store.tables.base import Base, Id, fleet_column


class ForecastRow(Base):
    """One submission; nothing of it ever changes."""

    __tablename__ = "forecasts"

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    name: Mapped[str] = mapped_column(Id)
    epochs: Mapped[list[Any]]
    created_at: Mapped[datetime]
    models: Mapped[list[ForecastModelRow]] = relationship(lazy="raise", order_by="ForecastModelRow.model")
    origin: Mapped[ForecastOriginRow] = relationship(
        lazy="raise", foreign_keys="ForecastOriginRow.forecast_id"
    )


class ForecastOriginRow(Base):
    """Whose a submission is, and how it stands to others (``planner.demand.resolved``)."""

    __tablename__ = "forecast_origins"
    __table_args__ = (
        CheckConstraint("source IN ('planner', 'import', 'model', 'resolved')", name="source"),
        CheckConstraint("corrects < forecast_id", name="corrects"),
        Index("ix_forecast_origins_ends_at", "ends_at"),
        Index("ix_forecast_origins_corrects", "corrects"),
    )

    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    author: Mapped[str] = mapped_column(Id)
    note: Mapped[str | None] = mapped_column(String(2_000))
    source: Mapped[str] = mapped_column(String(16))
    standing: Mapped[int]
    corrects: Mapped[int | None] = mapped_column(ForeignKey("forecasts.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class ForecastModelRow(Base):
    """One model's row: a value for each epoch; without interval the ends are null."""

    __tablename__ = "forecast_models"

    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    model: Mapped[str] = mapped_column(Id, ForeignKey("models.id"), primary_key=True)
    demand_rps: Mapped[list[Any]]
    arrival_cv: Mapped[list[Any]]
    low_rps: Mapped[list[Any] | None] = mapped_column(Document)
    high_rps: Mapped[list[Any] | None] = mapped_column(Document)
    spoken_by: Mapped[list[Any] | None] = mapped_column(Document)  # of a resolved one: ids by epoch
