"""Repository of forecasts; a stored forecast never changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast
from planner.demand.resolved import Submitted
from planner.store.records import ForecastSummary
from planner.store.tables import ForecastModelRow, ForecastOriginRow, ForecastRow, table_of

FORECASTS, ORIGINS, MODELS = (table_of(row) for row in (ForecastRow, ForecastOriginRow, ForecastModelRow))

OVERLAPPING_MAX = 400  # submissions that one horizon takes in, the newest: a year of a daily forecast


class ForecastRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, forecast: Forecast, *, author: str = "unknown") -> ForecastSummary:
        """Raises ``LookupError`` when it corrects a forecast that this fleet does not have."""
        standing = self._standing(forecast)
        epochs = [{"start": e.start.isoformat(), "hours": e.hours} for e in forecast.epochs]
        row = ForecastRow(fleet=self._fleet, name=forecast.name, epochs=epochs, created_at=self._now)
        self._session.add(row)
        self._session.flush()
        origin = ForecastOriginRow(
            forecast_id=row.id,
            author=author,
            note=forecast.note,
            source=forecast.source.value,
            standing=standing,
            corrects=forecast.corrects,
            starts_at=forecast.epochs[0].start,
            ends_at=forecast.epochs[-1].end,
        )
        self._session.add(origin)
        self._session.flush()
        rows = [
            {
                "forecast_id": row.id,
                "model": m.model,
                "demand_rps": list(m.demand_rps),
                "arrival_cv": list(m.arrival_cv),
                "low_rps": None if m.low_rps is None else list(m.low_rps),
                "high_rps": None if m.high_rps is None else list(m.high_rps),
                "spoken_by": None if m.spoken_by is None else [list(ids) for ids in m.spoken_by],
            }
            for m in forecast.models
        ]
        if rows:
            self._session.execute(insert(ForecastModelRow), rows)
        return _summary(row, origin, len(rows))

    def get(self, forecast_id: int) -> Forecast | None:
        row = self._row(forecast_id)
        return None if row is None else _forecast(row)

    def whole(self, forecast_id: int) -> tuple[ForecastSummary, Forecast] | None:
        """What ``summary`` and ``get`` tell, read once."""
        row = self._row(forecast_id)
        if row is None:
            return None
        corrected_by = self._corrections([forecast_id]).get(forecast_id)
        return _summary(row, row.origin, len(row.models), corrected_by), _forecast(row)

    def summary(self, forecast_id: int) -> ForecastSummary | None:
        query = self._told().where(FORECASTS.c.id == forecast_id)
        found = self._session.execute(query).one_or_none()
        if found is None:
            return None
        return _summary_of(found, self._corrections([forecast_id]).get(forecast_id))

    def lock(self, forecast_id: int) -> ForecastSummary | None:
        """As ``summary``, and nobody else who locks it submits a correction until this unit of work ends."""
        query = select(ForecastRow.id).where(ForecastRow.id == forecast_id, ForecastRow.fleet == self._fleet)
        return None if self._session.scalar(query.with_for_update()) is None else self.summary(forecast_id)

    def newest(
        self, *, limit: int, before: int | None = None, source: ForecastSource | None = None
    ) -> list[ForecastSummary]:
        """Newest first; ``before`` continues below that id, ``source`` keeps those of one kind."""
        query = self._told().order_by(FORECASTS.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(FORECASTS.c.id < before)
        if source is not None:
            query = query.where(ORIGINS.c.source == source.value)
        found = self._session.execute(query).all()
        corrected_by = self._corrections([row.id for row in found])
        return [_summary_of(row, corrected_by.get(row.id)) for row in found]

    def _corrections(self, forecast_ids: Sequence[int]) -> dict[int, int]:
        """The newest correction of each, where there is one."""
        own = ORIGINS.c
        query = select(own.corrects, func.max(own.forecast_id)).where(own.corrects.in_(forecast_ids))
        return {
            corrected: newest
            for corrected, newest in self._session.execute(query.group_by(own.corrects))
            if corrected is not None
        }

    def overlapping(
        self, since: datetime, until: datetime, *, created_before: datetime | None = None
    ) -> list[Submitted]:
        """
        Submissions with an epoch in [since, until), resolved ones left out; the newest ``OVERLAPPING_MAX``.

        ``created_before`` shows what was known then.
        """
        query = (
            select(ForecastRow)
            .join(ForecastRow.origin)
            .where(
                ForecastRow.fleet == self._fleet,
                ForecastOriginRow.ends_at > since,
                ForecastOriginRow.starts_at < until,
                ForecastOriginRow.source != ForecastSource.RESOLVED.value,
            )
            .options(selectinload(ForecastRow.models), contains_eager(ForecastRow.origin))
            .order_by(ForecastRow.id.desc())
            .limit(OVERLAPPING_MAX)
        )
        if created_before is not None:
            query = query.where(ForecastRow.created_at < created_before)
        return [
            Submitted(row.id, row.origin.standing, _forecast(row), row.created_at)
            for row in self._session.scalars(query)
        ]

    def _row(self, forecast_id: int) -> ForecastRow | None:
        query = (
            select(ForecastRow)
            .where(ForecastRow.id == forecast_id, ForecastRow.fleet == self._fleet)
            .options(selectinload(ForecastRow.models), joinedload(ForecastRow.origin))
        )
        return self._session.scalars(query).one_or_none()

    def _told(self) -> Select[Any]:
        """Summaries; models are counted for the rows that are asked for and no others."""
        count = (
            select(func.count())
            .where(MODELS.c.forecast_id == FORECASTS.c.id)
            .correlate(FORECASTS)
            .scalar_subquery()
        )
        epochs = func.json_array_length(FORECASTS.c.epochs).label("epoch_count")
        own, origin = FORECASTS.c, ORIGINS.c
        counts = (epochs, count.label("model_count"))
        about = (origin.author, origin.note, origin.source, origin.corrects)
        return (
            select(own.id, own.name, own.created_at, *counts, *about, origin.starts_at, origin.ends_at)
            .select_from(FORECASTS.join(ORIGINS, origin.forecast_id == own.id))
            .where(own.fleet == self._fleet)
        )

    def _standing(self, forecast: Forecast) -> int:
        """Its source's, or that of what it corrects if that is higher."""
        own = forecast.source.standing
        if forecast.corrects is None:
            return own
        query = (
            select(ForecastOriginRow.standing)
            .join(ForecastRow, ForecastRow.id == ForecastOriginRow.forecast_id)
            .where(ForecastRow.id == forecast.corrects, ForecastRow.fleet == self._fleet)
        )
        corrected = self._session.scalar(query)
        if corrected is None:
            raise LookupError(f"there is no forecast {forecast.corrects}")
        return max(own, corrected)


def _forecast(row: ForecastRow) -> Forecast:
    return Forecast(
        name=row.name,
        epochs=tuple(ForecastEpoch(datetime.fromisoformat(e["start"]), e["hours"]) for e in row.epochs),
        models=tuple(
            ModelForecast(
                model=m.model,
                demand_rps=tuple(m.demand_rps),
                arrival_cv=tuple(m.arrival_cv),
                low_rps=None if m.low_rps is None else tuple(m.low_rps),
                high_rps=None if m.high_rps is None else tuple(m.high_rps),
                spoken_by=None if m.spoken_by is None else tuple(tuple(ids) for ids in m.spoken_by),
            )
            for m in row.models
        ),
        note=row.origin.note,
        source=ForecastSource(row.origin.source),
        corrects=row.origin.corrects,
    )


def _summary(
    row: ForecastRow, origin: ForecastOriginRow, model_count: int, corrected_by: int | None = None
) -> ForecastSummary:
    return ForecastSummary(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        epoch_count=len(row.epochs),
        model_count=model_count,
        author=origin.author,
        note=origin.note,
        source=ForecastSource(origin.source),
        corrects=origin.corrects,
        starts_at=origin.starts_at,
        ends_at=origin.ends_at,
        corrected_by=corrected_by,
    )


def _summary_of(row: Row[Any], corrected_by: int | None) -> ForecastSummary:
    told = dict(row._mapping) | {"source": ForecastSource(row.source), "corrected_by": corrected_by}
    return ForecastSummary(**told)
