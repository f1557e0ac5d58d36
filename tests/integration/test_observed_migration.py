"""Migration 0005 with rows in the tables: up, down and up, on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from alembic import command
from sqlalchemy import text

from planner.demand.observed import observe
from planner.store import migrate
from planner.store.engine import make_engine, writer
from planner.store.store import Store
from tests.integration.test_store_migrations import _move
from tests.observed import report

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PROFILE = "model, gpu_type, curve, weights_gib, workspace_gib_per_item, batch_size_max, source, updated_at"
CURVE = {"alpha_ms": 1.0, "beta_ms": 2.0}
ROWS_BEFORE = (
    "INSERT INTO gpu_types VALUES ('A10', 24, 1, 1.2, :now)",
    "INSERT INTO models (id, slo_ms, priority, serving, updated_at) VALUES ('m', 50, 1, '{}', :now)",
    f"INSERT INTO profiles ({PROFILE}) VALUES ('m', 'A10', :curve, 1, 0, 8, NULL, :now)",
    "INSERT INTO load_reports (id, sub_cluster, plan_version, interval_start, interval_s, gpus,"
    " gpu_busy_share, received_at) VALUES (1, 'one', 1, :now, 10, 2, 0.5, :now)",
    "INSERT INTO observed_load VALUES (1, 'm', 5, 5, 0, 0, 0, NULL, 2, 2.5, 0.1, '[[2, 2, 1.5]]')",
)


def test_reports_and_profiles_stay_through_both_ways(database_url: str) -> None:
    _move(database_url, command.upgrade, "0003")
    engine = make_engine(database_url)
    with writer(engine).begin() as connection:
        for statement in ROWS_BEFORE:
            connection.execute(text(statement), {"now": NOW, "curve": json.dumps(CURVE)})
    engine.dispose()
    for direction, revision in (
        (command.upgrade, "0005"),
        (command.downgrade, "0003"),
        (command.upgrade, "0005"),
    ):
        _move(database_url, direction, revision)
    migrate.upgrade(database_url)
    store = Store(database_url)
    with store.writing() as work:
        (found,) = observe(work.observed.frame(latencies=True)).models.values()
        assert (found.arrived, found.observed_s, found.latencies[0].batches) == (5, 10, 2)
        again = report("one", arrived=5, origin=NOW)
        assert work.observed.take([again]) == {"known": 1}  # no digest was kept then: not compared
        (version,) = work.profiles.versions()
        assert (version.version, version.curve, version.created_at) == (
            1,
            {"alpha_ms": 1.0, "beta_ms": 2.0},
            NOW,
        )
        assert work.registry.profiles()[0].version == 1
    store.close()


def test_going_back_keeps_one_report_of_each_interval(database_url: str) -> None:
    migrate.upgrade(database_url)
    store = Store(database_url)
    with store.writing() as work:
        work.observed.take([report(), report(plan_version=2), report(after_s=10)])
    store.close()
    _move(database_url, command.downgrade, "0003")
    engine = make_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM load_reports")).scalar() == 2
        assert connection.execute(text("SELECT count(*) FROM observed_load")).scalar() == 2
    engine.dispose()
