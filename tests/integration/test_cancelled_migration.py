"""Migration 0011 with load in the tables: up, down and up, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alembic import command

from planner.demand.observed import ObservedModel, observe
from planner.demand.retention import Retention
from planner.store import migrate
from planner.store.store import Store
from tests.integration.test_store_migrations import _move
from tests.observed import report

START = datetime(2026, 11, 1, tzinfo=UTC)


def seen(store: Store) -> ObservedModel:
    with store.reading() as work:
        (found,) = observe(work.observed.frame(latencies=True)).models.values()
    return found


def test_cancelled_requests_are_kept_rolled_up_and_lost_alone_on_the_way_back(database_url: str) -> None:
    migrate.upgrade(database_url)
    store = Store(database_url, clock=lambda: START + timedelta(hours=30))
    with store.writing() as work:
        hours = (0, 3_600, 104_400)  # two to be rolled up, one that stays as it came
        work.observed.take([report(after_s=at, origin=START, arrived=110, cancelled=10) for at in hours])
    while True:
        with store.writing() as work:
            if not work.observed.roll_up(Retention()).moved:
                break
    assert (seen(store).arrived, seen(store).cancelled) == (330, 30)
    assert seen(store).rate_rps == 11.0  # what was offered, whoever stayed
    store.close()
    _move(database_url, command.downgrade, "0009")
    migrate.upgrade(database_url)
    store = Store(database_url, clock=lambda: START + timedelta(hours=30))
    assert (seen(store).arrived, seen(store).cancelled) == (330, 0)
    with store.writing() as work:
        work.observed.take([report(after_s=20, origin=START, arrived=110, cancelled=10)])
        while work.observed.roll_up(Retention()).moved:
            pass
    assert (seen(store).arrived, seen(store).cancelled, seen(store).dropped) == (440, 10, 12)
    store.close()
