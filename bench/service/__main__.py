"""
The control plane under load: people submit forecasts and look around, dispatchers report, plans run.

200 clients submit forecasts and read, 50 dispatchers report load, one planner has runs made, approved and
activated, all against real ``fermata serve`` processes. At each rate of reads the table says how long reads
and writes took, from when they were due; at the end every acknowledged write is looked for in the store.

    python -m bench.service [--database sqlite,postgresql] [--rates 50,100,150] [--seconds 20] [--servers 1,2]
                            [--forecasts 10] [--no-plans] [--seed 0] [--json FILE]

The clients share the machine with servers and database; the rate is the highest at which the 99th percentile
of reads stays under 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.report import write_json
from bench.service.checker import violations
from bench.service.clients import Crowd, Load
from bench.service.databases import database
from bench.service.figures import by_kind, table
from bench.service.servers import Server, servers
from planner.store.store import Store

READ_P99_MS_MAX = 100.0
RUNS_END_WAIT_S = 120.0
COLUMNS = ("database", "servers", "reads_rps", "answered", "p50", "p99", "max", "forecast p99", "report p99")
COLUMNS += ("plans", "acknowledged", "wrong")


def main() -> None:
    options = _options()
    rows: list[dict[str, Any]] = []
    for name in options.database.split(","):
        for count in map(int, options.servers.split(",")):
            for rate in map(float, options.rates.split(",")):
                load = Load(
                    reads_rps=rate,
                    forecasts_rps=options.forecasts,
                    plans=not options.no_plans,
                    report_interval_s=options.report_interval,
                )
                rows.append(measure(name, count, load, seconds=options.seconds, seed=options.seed))
                sys.stderr.write(table(rows[-1:], COLUMNS) + "\n")
                for problem in rows[-1]["violations"][:20]:
                    sys.stderr.write(f"  {problem}\n")
    sys.stdout.write(table(rows, COLUMNS) + "\n")
    write_json(options.json, processors=os.cpu_count(), seconds=options.seconds, rows=rows)
    sys.exit(1 if any(row["violations"] for row in rows) else 0)


def measure(name: str, count: int, load: Load, *, seconds: float, seed: int = 0) -> dict[str, Any]:
    """One rate on one database; a row of the table."""
    with tempfile.TemporaryDirectory(prefix="fb-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        with database(name, folder) as db:
            with servers(db.url, folder, count) as started:
                crowd = Crowd([server.url for server in started], load, seed)
                asyncio.run(crowd.drive(seconds))
                until_runs_end(db.url)
                _require_alive(started)
            wrong = violations(crowd.journal, db.url, report_interval_s=load.report_interval_s)
    return _row(name, count, load, crowd, wrong)


def until_runs_end(database_url: str) -> None:
    """Give the runs that are open time to end, as long as some do; the checker says so if they do not."""
    store = Store(database_url)
    left, give_up_s = None, time.monotonic() + RUNS_END_WAIT_S
    try:
        while time.monotonic() < give_up_s:
            with store.reading() as work:
                open_ones = [run.id for run in work.runs.newest(limit=10_000) if not run.state.is_final]
            if not open_ones:
                return
            if len(open_ones) != left:  # a queue that moves is waited for
                left, give_up_s = len(open_ones), time.monotonic() + RUNS_END_WAIT_S
            time.sleep(0.2)
    finally:
        store.close()


def _require_alive(started: list[Server]) -> None:
    dead = [server.url for server in started if not server.is_alive]
    if dead:
        raise RuntimeError(f"ended by themselves: {dead}")


def _row(name: str, count: int, load: Load, crowd: Crowd, wrong: list[str]) -> dict[str, Any]:
    took = by_kind(crowd.took_s)
    journal = crowd.journal.counts()
    wrong = wrong + crowd.journal.refusals() + crowd.refused_reads + crowd.other_answers
    return {
        "database": name,
        "servers": count,
        "reads_rps": load.reads_rps,
        "answered": took["reads"]["count"],
        "p50": took["reads"].get("p50"),
        "p99": took["reads"].get("p99"),
        "max": took["reads"].get("max"),
        "forecast p99": took.get("submit forecast", {}).get("p99"),
        "report p99": took.get("report load", {}).get("p99"),
        "plans": journal.get("activation", {}).get("acknowledged", 0),
        "acknowledged": sum(kind.get("acknowledged", 0) for kind in journal.values()),
        "wrong": len(wrong),
        "unanswered": crowd.unanswered,
        "journal": journal,
        "latency_ms": took,
        "violations": wrong,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", default="sqlite,postgresql")
    parser.add_argument("--servers", default="1", help="how many server processes, comma-separated")
    parser.add_argument("--rates", default="50,100,150", help="reads a second, comma-separated")
    parser.add_argument(
        "--forecasts", type=float, default=10.0, help="forecasts a second, all clients together"
    )
    parser.add_argument("--report-interval", type=float, default=5.0, help="seconds between load reports")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--no-plans", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
