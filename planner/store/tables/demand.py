"""Forecasts as submitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from planner.store.tables.base import Base, Id, fleet_column


class ForecastRow(Base):
    __tablename__ = "forecasts"

    id: Mapped[int] = mapped_column(primary_key=True)
    fleet: Mapped[str] = fleet_column()
    name: Mapped[str] = mapped_column(Id)
    epochs: Mapped[list[Any]]
    created_at: Mapped[datetime]
    models: Mapped[list[ForecastModelRow]] = relationship(lazy="raise", order_by="ForecastModelRow.model")


class ForecastModelRow(Base):
    __tablename__ = "forecast_models"

    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecasts.id"), primary_key=True)
    model: Mapped[str] = mapped_column(Id, ForeignKey("models.id"), primary_key=True)
    demand_rps: Mapped[list[Any]]
    arrival_cv: Mapped[list[Any]]
