"""
Plan switches and rolling restarts under load, real processes: how many requests fail because of them.

A node with four emulated GPUs serves one model at 70 % of what they can carry; meanwhile the
active plan changes again and again (a model more or less, another batch limit), then every
worker is restarted in turn. Refusals, late answers and broken connections all count as failed.
The same load undisturbed stands beside it.

    python -m bench.plan_switch [--load 0.7] [--switches 10] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench.faults.client import Client, endings
from bench.faults.house import NUMBER, House, house, plan, send
from dispatcher.contract.sub_cluster import ServedModel

GPUS = 4
LARGEST = 16
LATENCY_US = (0, *(100_000 + 20_000 * size for size in range(1, LARGEST + 1)))
SERVED = ServedModel("m", 1_500_000, LATENCY_US, NUMBER, NUMBER)
OTHER = ServedModel("other", 1_500_000, LATENCY_US, NUMBER, NUMBER)
CAPACITY_RPS = GPUS * LARGEST / (LATENCY_US[-1] / 1e6)
UNDISTURBED_S = 8.0
PAUSE_S = 1.0


def measured(built: House, rate_rps: float, act: Callable[[], None]) -> dict[str, Any]:
    """What became of the requests asked while ``act`` ran."""
    client = Client(built.url, rate_rps, seed=1)
    time.sleep(2.0)
    began_s = time.monotonic()
    try:
        act()
    finally:
        stories = client.finish()
    during = [story for story in stories if story.at_s >= began_s]
    failed = sum(not story.is_good for story in during)
    return {"requests": len(during), "failed": failed, "endings": endings(during)}


def switch_plans(built: House, switches: int) -> None:
    """A plan after the other, each served before the next comes."""
    smaller = msgspec.structs.replace(SERVED, latency_us=LATENCY_US[:13])
    for number in range(switches):
        version = built.planner.version + 1
        models = ((SERVED, OTHER), (smaller,), (SERVED,))[number % 3]
        built.planner.activate(plan(version, *models, gpus=GPUS))
        built.until(lambda version=version: built.plan_served() == version, f"plan {version} served")
        time.sleep(PAUSE_S)


def restart_workers(built: House) -> None:
    """One after the other, each back before the next goes."""
    for pid in built.workers():
        send(pid, signal.SIGTERM)
        built.until(lambda pid=pid: pid not in built.workers(), "the worker's end")
        built.until(lambda: len(built.workers()) == GPUS and built.gpus_ready() == GPUS, "the next worker")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--load", type=float, default=0.7, help="share of the capacity")
    parser.add_argument("--switches", type=int, default=10)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rate_rps = options.load * CAPACITY_RPS
    with tempfile.TemporaryDirectory() as folder, house(Path(folder), GPUS) as built:
        built.planner.activate(plan(1, SERVED, gpus=GPUS))
        built.start_node()
        built.until_serving(GPUS)
        figures = {
            "capacity_rps": round(CAPACITY_RPS, 1),
            "rate_rps": round(rate_rps, 1),
            "undisturbed": measured(built, rate_rps, lambda: time.sleep(UNDISTURBED_S)),
            "plan_switches": measured(built, rate_rps, lambda: switch_plans(built, options.switches)),
            "rolling_restart": measured(built, rate_rps, lambda: restart_workers(built)),
        }
    text = json.dumps(figures, indent=2) + "\n"
    if options.json:
        options.json.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
