"""Forecasts from before intervals stay, both ways, as a planner's of an unknown author."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from sqlalchemy import text

from planner.demand.forecast import ForecastSource
from planner.store import migrate
from planner.store.engine import make_engine, writer
from planner.store.store import Store
from tests.integration.test_store_migrations import _move

NOW = datetime(2026, 11, 1, tzinfo=UTC)
EPOCHS = (
    '[{"start": "2026-11-02T01:00:00+01:00", "hours": 2}, {"start": "2026-11-02T02:00:00+00:00", "hours": 1}]'
)
ROWS = (
    "INSERT INTO models (id, slo_ms, priority, serving, updated_at) VALUES ('m', 60, 1, '{}', :now)",
    "INSERT INTO forecasts (id, fleet, name, epochs, created_at) VALUES (1, 'default', 'old', :epochs, :now)",
    "INSERT INTO forecast_models (forecast_id, model, demand_rps, arrival_cv)"
    " VALUES (1, 'm', '[5, 6]', '[1, 1]')",
)


def test_forecasts_stay_through_both_ways(database_url: str) -> None:
    _move(database_url, command.upgrade, "0003")
    engine = make_engine(database_url)
    with writer(engine).begin() as connection:
        for statement in ROWS:
            values = {"now": NOW, "epochs": EPOCHS}
            connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    engine.dispose()
    _move(database_url, command.upgrade, "0004")
    _move(database_url, command.downgrade, "0003")
    migrate.upgrade(database_url)
    store = Store(database_url)
    with store.reading() as work:
        summary, forecast = work.forecasts.summary(1), work.forecasts.get(1)
        found = work.forecasts.overlapping(datetime(2026, 11, 2, 2, 30, tzinfo=UTC), NOW.replace(month=12))
    store.close()
    assert summary is not None
    assert forecast is not None
    assert (summary.author, summary.source) == ("unknown", ForecastSource.PLANNER)
    assert (summary.starts_at.hour, summary.ends_at.hour) == (0, 3)
    assert forecast.models[0].demand_rps == (5, 6)
    assert forecast.models[0].low_rps is None
    assert [(each.id, each.standing) for each in found] == [(1, ForecastSource.PLANNER.standing)]
