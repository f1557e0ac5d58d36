"""Migrations with data in them: up, down and up again, from every released revision, and never half."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from planner.service import demand, observed, plans, registry, runs
from planner.store import migrate
from planner.store.engine import make_engine, writer
from planner.store.errors import StoreUnavailable
from planner.store.records import PlanState, RunState
from planner.store.store import Store
from tests.store_rows import Row, contents, fill, missing, tables

RELEASED = Path(__file__).parents[1] / "data" / "databases"
Contents = dict[str, Counter[Row]]


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = make_engine(url)
    try:
        with writer(engine).begin() as connection:
            yield connection
    finally:
        engine.dispose()


def move(url: str, direction: Callable[[Any, str], None], revision: str) -> None:
    with connected(url) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        direction(config, revision)


def revisions() -> list[str]:
    scripts = ScriptDirectory.from_config(migrate._config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def test_rows_of_every_table_survive_every_migration_both_ways(database_url: str) -> None:
    """
    At each revision each table gets a row; at each later one it is still there, and again on the way down.

    What a migration adds is filled as soon as it exists (tests/store_rows.py), so a new one is covered.
    """
    known: dict[str, Contents] = {}
    before: Contents = {}
    for number, revision in enumerate(revisions()):
        move(database_url, command.upgrade, revision)
        with connected(database_url) as connection:
            assert missing(before, contents(connection)) == [], f"lost by the upgrade to {revision}"
            fill(connection, number)
            before = known[revision] = contents(connection)
            assert [table for table, rows in before.items() if not rows] == []
    for revision in reversed(revisions()[:-1]):
        move(database_url, command.downgrade, revision)
        with connected(database_url) as connection:
            found = contents(connection)
            assert set(found) == set(known[revision])
            assert missing(known[revision], found) == [], f"lost by the downgrade to {revision}"
    move(database_url, command.downgrade, "base")
    with connected(database_url) as connection:
        assert tables(connection) == []
    assert migrate.upgrade(database_url).found is None


def test_down_and_up_again_loses_nothing_of_the_newest_schema_that_the_one_before_can_hold(
    database_url: str,
) -> None:
    *_, previous, newest = revisions()
    move(database_url, command.upgrade, newest)
    with connected(database_url) as connection:
        fill(connection, 1)
        before = contents(connection)
    move(database_url, command.downgrade, previous)
    with connected(database_url) as connection:
        kept = contents(connection)
    move(database_url, command.upgrade, newest)
    with connected(database_url) as connection:
        again = contents(connection)
    assert set(again) == set(before)
    assert missing(kept, again) == []


def test_alembic_finds_nothing_to_generate(database_url: str) -> None:
    """``alembic check``."""
    migrate.upgrade(database_url)
    move(database_url, lambda config, _: command.check(config), "")


def test_every_released_revision_has_its_dump() -> None:
    """A revision is released with the version after it at the latest: then its dump is made (SOURCE.md)."""
    kept = {path.name for path in RELEASED.glob("*.sql")}
    assert {
        f"{number}.{kind}.sql" for number in ("0001", "0002", "0003") for kind in ("sqlite", "postgresql")
    } <= kept
    assert {name.partition(".")[0] for name in kept} <= set(revisions())


def released() -> list[str]:
    return sorted({path.name.partition(".")[0] for path in RELEASED.glob("*.sql")})


def restore_dump(url: str, revision: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript((RELEASED / f"{revision}.sqlite.sql").read_text())
        connection.close()
    else:
        with psycopg.connect(url) as server:
            server.execute((RELEASED / f"{revision}.postgresql.sql").read_text())


@pytest.mark.parametrize("revision", released())
def test_a_released_database_is_upgraded_and_works(database_url: str, revision: str) -> None:
    """The dump was made by that revision's own code; today's code must find all of it, and go on with it."""
    restore_dump(database_url, revision)
    with connected(database_url) as connection:
        before = contents(connection)
    assert migrate.upgrade(database_url).found == revision
    with connected(database_url) as connection:
        assert missing(before, contents(connection)) == []
    store = Store(database_url)
    try:
        assert [model.id for model in registry.models(store)] == ["bert", "resnet"]
        assert [forecast.name for forecast in demand.forecasts(store, limit=5)] == ["second", "first"]
        assert observed.observed_load(store).report_count == 2
        assert [plan.state for plan in plans.plans(store, limit=5)] == [PlanState.CERTIFIED, PlanState.ACTIVE]
        assert plans.current_activation(store).plan_version == 1
        assert plans.plan(store, 1).certificate is not None
        states = [run.state for run in runs.runs(store, limit=5)]
        assert states == [RunState.CANCELLED, RunState.SUCCEEDED, RunState.SUCCEEDED]
        plans.approve(store, 2, actor="tester")
        assert plans.activate(store, 2, actor="tester").plan_version == 2
        assert plans.plan(store, 1).summary.state is PlanState.SUPERSEDED
    finally:
        store.close()


@contextmanager
def a_lock(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody is in the middle of a transaction that a migration of ``audit_log`` must wait for."""
    monkeypatch.setattr("planner.store.engine.SQLITE_BUSY_TIMEOUT_MS", 200)
    monkeypatch.setattr("planner.store.migrate.LOCK_TIMEOUT_MS", 200)
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()
        other.close()
    else:
        with psycopg.connect(url) as reader:
            reader.execute("SELECT * FROM audit_log, runs, plans, forecasts, load_reports").fetchall()
            yield


def test_a_migration_that_cannot_have_its_lock_leaves_all_as_it_was(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader on PostgreSQL, a writer on SQLite: the upgrade gives up, and nobody queues behind it."""
    restore_dump(database_url, "0001")
    with connected(database_url) as connection:
        before = contents(connection)
    with (
        a_lock(database_url, monkeypatch),
        pytest.raises(StoreUnavailable, match="lock"),
    ):
        migrate.upgrade(database_url)
    with connected(database_url) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        assert contents(connection) == before
    assert migrate.upgrade(database_url).found == "0001"


def test_a_migration_does_not_wait_for_ever_for_another_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(database_url)
    monkeypatch.setattr("planner.store.migrate.LOCK_TIMEOUT_MS", 200)
    monkeypatch.setattr("planner.store.engine.SQLITE_BUSY_TIMEOUT_MS", 200)
    with connected(database_url) as other:
        if other.dialect.name == "postgresql":
            other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": migrate.MIGRATION_LOCK})
        with pytest.raises(StoreUnavailable, match="lock"):
            migrate.upgrade(database_url)
