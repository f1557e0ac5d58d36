"""The database goes and comes back: what servers do meanwhile, and what they say of it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.service.databases import Database, database
from planner.service.chores import Chore, Chores
from planner.service.run_worker import RunWorker
from planner.store import migrate
from planner.store.store import Store
from tests.control_plane import wait_until

FAILED_TRIES = 3


@pytest.fixture
def postgresql() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="fb-") as path:
        folder = Path(path)
        folder.chmod(0o755)  # PostgreSQL runs as another user where this one is root
        with database("postgresql", folder) as started:
            migrate.upgrade(started.url)
            yield started


def test_who_polls_says_in_one_line_that_it_is_away_and_in_one_that_it_is_back(
    postgresql: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = Store(postgresql.url)
    tries = 0

    def look() -> int:
        nonlocal tries
        tries += 1
        with store.reading() as work:
            work.runs.any_claimable()
        return 0

    worker = RunWorker(store, poll_s=0.02)
    chores = Chores([Chore("looking", 0.02, look)])
    for one in (worker, chores):
        one.start()
    try:
        wait_until(lambda: tries > 1)
        postgresql.kill()
        before = tries
        wait_until(lambda: tries > before + FAILED_TRIES)
        postgresql.restart()
        wait_until(lambda: sum("is back" in message for message in caplog.messages) == 2)
    finally:
        for one in (worker, chores):
            one.stop()
        store.close()
    for who in ("run worker", "looking"):
        said = [record for record in caplog.records if record.getMessage().startswith(f"{who}:")]
        assert ["cannot be reached" in record.getMessage() for record in said] == [True, False]
        assert all(record.exc_info is None and "\n" not in record.getMessage() for record in said)
