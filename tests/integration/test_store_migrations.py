"""Migrations: models and database agree, twice is once, both ways, and never half."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from planner.store import migrate
from planner.store.engine import make_engine, writer
from planner.store.errors import SchemaOutdated, StoreUnavailable
from planner.store.store import Store
from planner.store.tables import Base

ROWS_OF_0002 = (
    "INSERT INTO gpu_types VALUES ('A10', 24, 1, 1.2, :now)",
    "INSERT INTO pools (gpu_type, zone, available, updated_at) VALUES ('A10', 'zone-a', 8, :now)",
    "INSERT INTO nodes (id, heard_at, status) VALUES ('node', :now, '{}')",
    "INSERT INTO load_reports (id, sub_cluster, plan_version, interval_start, interval_s, gpus,"
    " gpu_busy_share, received_at) VALUES (1, 'one', 1, :now, 10, 2, 0.5, :now)",
    "INSERT INTO observed_load VALUES (1, 'm', 5, 5, 0, 0, 0, NULL, 2, 2.5, 0.1, '[]')",
)


def test_migrated_schema_is_that_of_the_models(database_url: str) -> None:
    migrate.upgrade(database_url)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_check_constraints_are_those_of_the_models(database_url: str) -> None:
    """Alembic does not compare them."""
    migrate.upgrade(database_url)
    engine = make_engine(database_url)
    found = {
        check["name"]
        for table in Base.metadata.tables
        for check in inspect(engine).get_check_constraints(table)
    }
    engine.dispose()
    assert found == {
        "ck_pools_available",
        "ck_runs_state",
        "ck_runs_lease",
        "ck_plans_state",
        "ck_forecast_origins_source",
        "ck_forecast_origins_corrects",
        "ck_plans_origin",
        "ck_plan_decisions_decision",
        "ck_profile_proposals_state",
    }


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    assert migrate.upgrade(database_url).found is None
    assert migrate.upgrade(database_url).is_current


def test_two_servers_may_upgrade_at_once(database_url: str) -> None:
    code = "import sys; from planner.store import migrate; print(migrate.upgrade(sys.argv[1]).found)"
    servers = [
        subprocess.Popen([sys.executable, "-c", code, database_url], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = [server.communicate()[0].strip() for server in servers]
    assert [server.returncode for server in servers] == [0, 0]
    assert sorted(found) == sorted([migrate.newest_revision(), "None"])


def test_a_first_connection_waits_for_those_who_still_read(tmp_path: Path) -> None:
    """SQLite refuses the change to a write-ahead log at once, whatever the busy timeout."""
    file = tmp_path / "fermata.db"
    reader = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    reader.execute("CREATE TABLE old (id INTEGER)")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM old").fetchall()
    end_of_reading = threading.Timer(0.3, reader.execute, ["ROLLBACK"])
    end_of_reading.start()
    engine = make_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
    end_of_reading.join()
    reader.close()


def test_downgrade_leaves_nothing_behind(database_url: str) -> None:
    migrate.upgrade(database_url)
    engine = make_engine(database_url)
    with writer(engine).begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()


def test_rows_from_before_fleets_are_of_the_first_and_stay_through_both_ways(database_url: str) -> None:
    _move(database_url, command.upgrade, "0002")
    engine = make_engine(database_url)
    with writer(engine).begin() as connection:
        for statement in ROWS_OF_0002:
            connection.execute(text(statement), {"now": datetime(2026, 11, 1, tzinfo=UTC)})
    engine.dispose()
    for direction, revision in (
        (command.upgrade, "0003"),
        (command.downgrade, "0002"),
        (command.upgrade, "0003"),
    ):
        _move(database_url, direction, revision)
        engine = make_engine(database_url)
        with engine.connect() as connection:
            for table in ("pools", "nodes", "load_reports", "observed_load"):
                assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1, table
            if revision == "0003":
                for table in ("pools", "nodes", "load_reports"):
                    assert connection.execute(text(f"SELECT fleet FROM {table}")).scalar() == "default"
        engine.dispose()


def _move(database_url: str, direction: Callable[[Config, str], None], revision: str) -> None:
    engine = make_engine(database_url)
    with writer(engine).begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        direction(config, revision)
    engine.dispose()


def test_an_empty_database_is_refused_with_what_is_needed(database_url: str) -> None:
    store = Store(database_url)
    with pytest.raises(
        SchemaOutdated,
        match=f"the database is at schema none, this version needs {migrate.newest_revision()}",
    ):
        store.require_current()
    store.close()


def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        migrate.upgrade("postgresql://postgres@127.0.0.1:9/none")


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "nonsense", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="database URL"):
        make_engine(url)
