"""``fermata observed roll-up``, ``fermata profile drift``, and the server's own roll-ups."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.settings import Settings
from planner.demand.retention import Retention
from planner.service.observed_chores import ObservedChores
from planner.store.store import Store
from tests.control_plane import migrated_store, sqlite_url, wait_until
from tests.observed import report

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return migrated_store(sqlite_url(tmp_path))


def lengths_s(store: Store) -> list[int]:
    with store.reading() as work:
        return [int(us) // 1_000_000 for us in work.observed.frame().length_us]


def test_roll_up_once(store: Store) -> None:
    with store.writing() as work:
        work.observed.take([report(origin=LONG_AGO), report(origin=datetime.now(UTC))])
    asked = ["observed", "roll-up", "--once", "--json", "--database-url", store.database_url]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"reports": 1, "rows": 0, "expired": 0}
    assert sorted(lengths_s(store)) == [10, 3_600]
    again = CliRunner().invoke(app, asked[:3] + asked[4:])
    assert again.stdout == "0 reports and 0 stored rows moved, 0 deleted\n"


def test_a_server_rolls_up_by_itself(store: Store) -> None:
    with store.writing() as work:
        work.observed.take([report(origin=LONG_AGO)])
    chores = ObservedChores(store, Retention(), roll_up_every_s=0.05, look_for_drift_every_s=0.05)
    chores.start()
    try:
        wait_until(lambda: lengths_s(store) == [3_600])
    finally:
        chores.stop()


def test_drift_of_nothing_is_said(store: Store) -> None:
    asked = ["profile", "drift", "--database-url", store.database_url]
    assert CliRunner().invoke(app, asked).stdout == "no profile has drifted\n"
    assert json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout) == []


def test_a_database_without_schema_is_refused(tmp_path: Path) -> None:
    for command in (["observed", "roll-up", "--once"], ["profile", "drift"]):
        done = CliRunner().invoke(app, [*command, "--database-url", sqlite_url(tmp_path)])
        assert done.exit_code == 1
        assert "fermata db upgrade" in done.output


def test_a_finer_resolution_kept_longer_is_no_setting() -> None:
    with pytest.raises(ValueError, match="a coarser resolution must be kept at least as long"):
        Settings(observed_reports_kept_h=48.0)
    assert Settings().retention == Retention()
