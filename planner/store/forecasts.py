"""Repository of forecasts; a stored forecast never changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session, selectinload

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.store.records import ForecastSummary
from planner.store.tables import ForecastModelRow, ForecastRow


class ForecastRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, forecast: Forecast) -> ForecastSummary:
        epochs = [{"start": e.start.isoformat(), "hours": e.hours} for e in forecast.epochs]
        row = ForecastRow(fleet=self._fleet, name=forecast.name, epochs=epochs, created_at=self._now)
        self._session.add(row)
        self._session.flush()
        rows = [
            {
                "forecast_id": row.id,
                "model": m.model,
                "demand_rps": list(m.demand_rps),
                "arrival_cv": list(m.arrival_cv),
            }
            for m in forecast.models
        ]
        if rows:
            self._session.execute(insert(ForecastModelRow), rows)
        return _summary(row, len(rows))

    def get(self, forecast_id: int) -> Forecast | None:
        query = (
            select(ForecastRow)
            .where(ForecastRow.id == forecast_id, ForecastRow.fleet == self._fleet)
            .options(selectinload(ForecastRow.models))
        )
        row = self._session.scalars(query).one_or_none()
        if row is None:
            return None
        return Forecast(
            name=row.name,
            epochs=tuple(ForecastEpoch(datetime.fromisoformat(e["start"]), e["hours"]) for e in row.epochs),
            models=tuple(
                ModelForecast(m.model, tuple(m.demand_rps), tuple(m.arrival_cv)) for m in row.models
            ),
        )

    def summary(self, forecast_id: int) -> ForecastSummary | None:
        row = self._session.get(ForecastRow, forecast_id)
        if row is None or row.fleet != self._fleet:
            return None
        count = select(func.count()).where(ForecastModelRow.forecast_id == forecast_id)
        return _summary(row, self._session.scalar(count) or 0)

    def newest(self, *, limit: int, before: int | None = None) -> list[ForecastSummary]:
        """Newest first; ``before`` continues below that id."""
        counts = (
            select(ForecastModelRow.forecast_id, func.count().label("models"))
            .group_by(ForecastModelRow.forecast_id)
            .subquery()
        )
        query = (
            select(ForecastRow, func.coalesce(counts.c.models, 0))
            .where(ForecastRow.fleet == self._fleet)
            .outerjoin(counts, counts.c.forecast_id == ForecastRow.id)
            .order_by(ForecastRow.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(ForecastRow.id < before)
        return [_summary(row, count) for row, count in self._session.execute(query)]


def _summary(row: ForecastRow, model_count: int) -> ForecastSummary:
    return ForecastSummary(row.id, row.name, row.created_at, len(row.epochs), model_count)
