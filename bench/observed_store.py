"""
Observed load in the database: how large a year of it is, how fast the last 14 days of one model come back.

    python -m bench.observed_store [--models 100] [--postgresql]

Takes in reports of every age as dispatchers would have sent them (by the hour for 30 days, by ten minutes for
two weeks, by the minute for one day and a half, every 10 s for three hours), rolls them up, and measures the
tables. What a year of 1,000 models takes follows from the bytes of a model and day at each resolution, times
how long each is kept by default, each model on ``--clusters`` sub-clusters.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import func, select, text

from dispatcher.contract.load_report import LoadReport, ModelLoad
from planner.demand.retention import LEVELS, Retention
from planner.service.observed_chores import roll_up
from planner.store import migrate
from planner.store.store import Store
from planner.store.tables import ObservedLoadRow, ObservedRollupRow

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
AGES = ((45, 15, 3_600), (15, 1.6, 600), (1.6, 0.125, 60), (0.125, 0, 10))
"""(from, to, interval): reports of intervals of so many seconds, from so many days ago until so many."""

MODELS_PER_REPORTER = 10
KEPT_DAYS = {60: 2.0, 600: 15.0, 3_600: 350.0}
"""How long each resolution is there at most, for want of a whole row of the next; together a year."""
REPORTS_KEPT_DAYS = 2 / 24
MODELS_PROJECTED = 1_000
READS = 200


def reports(models: int, since: datetime, until: datetime, interval_s: int) -> Iterator[list[LoadReport]]:
    """All reporters' reports by interval: load that comes and goes with the day, and is noisy."""
    random = np.random.default_rng(1)
    peaks = random.lognormal(3.0, 1.2, models)  # requests per second, from a few to hundreds
    sizes = np.unique(np.round(np.geomspace(1, 32, 14))).astype(int)
    at = since
    while at + timedelta(seconds=interval_s) <= until:
        level = 0.55 - 0.45 * np.cos(2 * np.pi * (at.hour + at.minute / 60) / 24)
        arrived = random.poisson(peaks * level * interval_s)
        batches = random.multinomial(1, np.full(len(sizes), 1 / len(sizes)), models) + random.poisson(
            arrived[:, None] / sizes.mean() / len(sizes), (models, len(sizes))
        )
        ms = (0.4 * sizes + 3) * random.normal(1, 0.02, (models, len(sizes)))
        batch = []
        for first in range(0, models, MODELS_PER_REPORTER):
            loads = tuple(
                _load(m, int(arrived[m]), sizes, batches[m], ms[m], float(random.gamma(20, 0.06)))
                for m in range(first, min(first + MODELS_PER_REPORTER, models))
            )
            batch.append(
                LoadReport(f"A100/zone-a/{first}", 1, at.isoformat(), float(interval_s), 4, 0.6, loads)
            )
        yield batch
        at += timedelta(seconds=interval_s)


def _load(
    m: int, arrived: int, sizes: np.ndarray, batches: np.ndarray, ms: np.ndarray, cv: float
) -> ModelLoad:
    late, dropped = arrived // 1_000, arrived // 2_000
    return ModelLoad(
        model=f"team-{m % 17}/model-{m:04d}",
        arrived=arrived,
        served_in_time=arrived - late - dropped,
        late=late,
        dropped=dropped,
        rejected=0,
        arrival_cv=cv if arrived > 2 else None,
        batches=int(batches.sum()),
        batch_size_mean=float((batches * sizes).sum() / max(1, batches.sum())),
        busy_s=float((batches * ms).sum() / 1_000),
        latency_ms_by_batch=tuple(
            (int(b), int(n), float(t)) for b, n, t in zip(sizes, batches, ms, strict=True) if n
        ),
    )


def measure(url: str, models: int, clusters: float) -> None:
    migrate.upgrade(url)
    store = Store(url, clock=lambda: NOW)
    count, taken_s = 0, 0.0
    for begin, end, interval_s in AGES:
        pending: list[LoadReport] = []
        since = NOW - begin * DAY
        since = since.replace(minute=0) if interval_s == 3_600 else since
        for batch in reports(models, since, NOW - end * DAY, interval_s):
            pending += batch
            if len(pending) >= 500:
                taken_s += _take(store, pending)
                count += len(pending)
                pending = []
        taken_s += _take(store, pending)
        count += len(pending)
    rows = count * min(models, MODELS_PER_REPORTER)
    say(f"{count} reports of {MODELS_PER_REPORTER} models taken at {rows / taken_s:,.0f} rows/s")
    started_s = time.perf_counter()
    done = roll_up(store, Retention())
    say(f"rolled up: {done.reports} reports, {done.rows} rows in {time.perf_counter() - started_s:.1f} s")
    _project(store, clusters)
    _read(store, models)
    store.close()


def _take(store: Store, batch: list[LoadReport]) -> float:
    started_s = time.perf_counter()
    with store.writing() as work:
        assert work.observed.take(batch)["new"] == len(batch)
    return time.perf_counter() - started_s


def _project(store: Store, clusters: float) -> None:
    own = ObservedRollupRow
    packed = func.length(own.counts) + func.length(own.latencies)
    with store.reading() as work:
        session = work.observed._session
        by_level = {
            resolution: (rows, size)
            for resolution, rows, size in session.execute(
                select(own.resolution_s, func.count(), func.sum(packed)).group_by(own.resolution_s)
            )
        }
        reported = session.scalar(select(func.count()).select_from(ObservedLoadRow)) or 0
    rolled_bytes, reported_bytes = _table_bytes(store)
    total_rows = sum(rows for rows, _ in by_level.values())
    overhead = (rolled_bytes - sum(size for _, size in by_level.values())) / total_rows
    total = 0.0
    for level in LEVELS:
        rows, size = by_level[level.resolution_s]
        per_day = (size / rows + overhead) * 86_400 / level.period_s
        kept = per_day * KEPT_DAYS[level.resolution_s] * MODELS_PROJECTED * clusters
        total += kept
        say(
            f"  {level.resolution_s:5d} s: {per_day:9,.0f} bytes a model and day, kept"
            f" {KEPT_DAYS[level.resolution_s]:g} days: {kept / 1e9:.2f} GB"
        )
    kept = reported_bytes / reported * 8_640 * REPORTS_KEPT_DAYS * MODELS_PROJECTED * clusters
    total += kept
    say(f"  as reported: {reported_bytes / reported:,.0f} bytes a model and report, 2 h: {kept / 1e9:.2f} GB")
    say(f"a year of {MODELS_PROJECTED} models, each on {clusters:g} sub-cluster(s): {total / 1e9:.2f} GB")


def _table_bytes(store: Store) -> tuple[int, int]:
    """Of the roll-ups, and of the reports, indexes and free space within pages included."""
    rolled, reported = ("observed_rollups",), ("load_reports", "observed_load")
    engine = store._engine
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in (*rolled, *reported):
                connection.execute(text(f"VACUUM FULL {table}"))
            sizes = [
                [connection.scalar(text(f"SELECT pg_total_relation_size('{t}')")) or 0 for t in group]
                for group in (rolled, reported)
            ]
        return sum(sizes[0]), sum(sizes[1])
    raw = engine.raw_connection()
    try:
        raw.execute("VACUUM")
        own = "SELECT name FROM sqlite_master WHERE tbl_name IN ({})"
        pages = f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({own})"
        sizes_of = [
            raw.execute(pages.format(",".join(f"'{t}'" for t in group))).fetchone()[0]
            for group in (rolled, reported)
        ]
    finally:
        raw.close()
    return sizes_of[0], sizes_of[1]


def _read(store: Store, models: int) -> None:
    random = np.random.default_rng(2)
    for what, days, resolution_s in (("14 days by 10 minutes", 14, 600), ("14 days by the hour", 14, 3_600)):
        times_ms = []
        for m in random.integers(0, models, READS):
            started_s = time.perf_counter()
            with store.reading() as work:
                name = f"team-{m % 17}/model-{m:04d}"
                found = work.observed.series([name], NOW - days * DAY, NOW, resolution_s)
            times_ms.append((time.perf_counter() - started_s) * 1_000)
            assert not np.isnan(found.arrived).any()
        middle, late = np.percentile(times_ms, (50, 99))
        say(f"{what} of one model: median {middle:.1f} ms, p99 {late:.1f} ms")
    started_s = time.perf_counter()
    with store.reading() as work:
        names = [f"team-{m % 17}/model-{m:04d}" for m in range(models)]
        found = work.observed.series(names, NOW - 28 * DAY, NOW, 3_600)
    took_s = time.perf_counter() - started_s
    say(f"28 days by the hour of {found.arrived.shape[0]} models: {took_s:.2f} s")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def database(postgresql: bool) -> Iterator[str]:
    if postgresql:
        from tests.databases import new_database, postgres_server

        with postgres_server() as url:
            yield new_database(url)
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'fermata.db'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--clusters", type=float, default=1.5, help="sub-clusters that serve a model")
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    with database(given.postgresql) as url:
        say("PostgreSQL" if given.postgresql else "SQLite")
        measure(url, given.models, given.clusters)


if __name__ == "__main__":
    main()
