"""
The control plane under faults: kill -9 of servers, runs and the database, while clients keep their own
journal.

Servers, the processes that plan and PostgreSQL's postmaster are killed, terminated or frozen at random
moments drawn from a seed, and started again. Clients repeat what was not answered under its
``Idempotency-Key``, hang up in the middle of some writes, and say some again that were acknowledged. Runs are
asked for steadily, plans approved, activated and gone back to. Afterwards everything acknowledged must be
stored once, with the numbers that were sent, and have been answered the same whenever it was said again;
nothing unasked; every run ended, with one plan or none, its events in step; at most one plan active.

    python -m bench.service_faults [--minutes 10] [--database sqlite,postgresql] [--servers 2] [--seed 0]
    [--json FILE]

With several databases each has an equal part of the time. Exit status 1 when anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from random import Random
from typing import Any

from bench.report import write_json
from bench.service.__main__ import until_runs_end
from bench.service.checker import outcomes, violations
from bench.service.clients import Crowd, Load
from bench.service.databases import database
from bench.service.faults import House, torment
from bench.service.servers import servers
from planner.store.check import check

QUIET_S = 3.0  # at the end, without faults, so that what is open can be acknowledged
LOAD = Load(
    forecasters=100,
    dispatchers=25,
    reads_rps=20.0,
    forecasts_rps=15.0,
    report_interval_s=2.0,
    runs_rps=0.2,
    cut_share=0.03,
    replay_share=0.05,
)


def torture(
    name: str,
    *,
    seconds: float,
    count: int = 2,
    seed: int = 0,
    load: Load = LOAD,
    journal: Path | None = None,
) -> dict[str, Any]:
    """So many seconds of faults on one database; what was done, acknowledged, and found wrong."""
    with tempfile.TemporaryDirectory(prefix="fb-") as path:
        folder = Path(path)
        folder.chmod(0o755)  # PostgreSQL runs as another user where this one is root
        with database(name, folder) as db:
            with servers(db.url, folder, count, lease_s=3.0) as started:
                house = House(db, started)
                crowd = Crowd([server.url for server in started], load, seed)
                asyncio.run(_drive(crowd, house, seconds, Random(seed)))
                until_runs_end(db.url)
            wrong = violations(crowd.journal, db.url, report_interval_s=load.report_interval_s)
            wrong += [f"{one.name}: {finding}" for one in check(db.url) for finding in one.findings]
            runs = outcomes(db.url)
    wrong += crowd.journal.refusals() + crowd.refused_reads + crowd.other_answers
    if journal is not None:
        crowd.journal.save(journal)
    return {
        "database": name,
        "seed": seed,
        "seconds": seconds,
        "servers": count,
        "faults": dict(sorted(house.done.items())),
        "journal": crowd.journal.counts(),
        "runs": runs,
        "unanswered": crowd.unanswered,
        "cut": crowd.cut,
        "said again": crowd.replayed,
        "wrong": wrong,
    }


async def _drive(crowd: Crowd, house: House, seconds: float, random: Random) -> None:
    stopping = threading.Event()
    driving = asyncio.create_task(crowd.drive(seconds))
    tormenting = asyncio.create_task(asyncio.to_thread(torment, house, random, stopping))
    await asyncio.wait([driving, tormenting], timeout=seconds - QUIET_S, return_when=asyncio.FIRST_EXCEPTION)
    stopping.set()
    await tormenting
    await driving


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--database", default="sqlite,postgresql")
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", type=Path, help="where to write the last database's journal")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = options.database.split(",")
    found = []
    for name in names:
        seconds = options.minutes * 60 / len(names)
        sys.stderr.write(f"{name}: seed {options.seed}, {seconds:g} s\n")
        found.append(
            torture(
                name,
                seconds=seconds,
                count=options.servers,
                seed=options.seed,
                journal=options.journal,
            )
        )
        sys.stderr.write(json.dumps(found[-1], indent=2) + "\n")
    write_json(options.json, processors=os.cpu_count(), found=found)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    sys.exit(1 if any(one["wrong"] for one in found) else 0)


if __name__ == "__main__":
    main()
