"""
How much two scheduler threads carry, against one.

One thread: the scheduler with its own GPUs, in the simulator's loop. Two threads: two shards, and
one matcher in the first's thread (``dispatcher.runtime.sharded``). Both are fed as fast as they
can take it, on virtual time; emulating GPUs and noting answers is part of both. Repeats of the two
alternate, and wall time counts: two free cores are needed for the ratio to mean anything. Run as

    python -m bench.threads --json threads.json
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from bench.realtime import LIGHT, RESNET50, US_PER_S, SubCluster
from bench.report import write_json
from dispatcher.core.delays import Delays
from dispatcher.core.rules import Rules
from dispatcher.runtime.real_time import bring_into_memory
from dispatcher.runtime.sharded import joined, new_sharded, run_on_threads
from dispatcher.simulation.arrivals import gamma_arrivals
from dispatcher.simulation.loop import EXECUTED, Requests
from dispatcher.simulation.simulate import new_requests, run_requests

CASES = (
    (SubCluster("light", 100, 512, LIGHT), 3_000_000),
    (SubCluster("resnet50", 100, 5_120, RESNET50), 3_000_000),
)
REQUESTS = 2_000_000


def bad_rate(requests: Requests) -> float:
    in_time = (requests.outcome == EXECUTED) & (requests.finish_us <= requests.deadline_us)
    return float(1 - in_time.mean())


def measure(cluster: SubCluster, rate_rps: int, threads: int, count: int) -> tuple[float, float]:
    """Requests a second of wall time, and the bad rate; 0 threads stands for the scheduler without shards."""
    random = np.random.default_rng(1)
    duration_us = int(count / rate_rps * US_PER_S)
    arrival_us = gamma_arrivals(random, rate_rps, 1.0, duration_us)
    index = random.integers(0, cluster.models, len(arrival_us), dtype=np.int32)
    models = cluster.curve.models(cluster.models)
    requests = new_requests(models, arrival_us, index, Delays())
    for column in requests:
        bring_into_memory(column)
    if threads == 0:
        began_s = time.perf_counter()
        run_requests(
            models, cluster.gpus, requests, delays=Delays(), rules=Rules(), measured_us=(0, duration_us)
        )
        return len(arrival_us) / (time.perf_counter() - began_s), bad_rate(requests)
    shared, parts = new_sharded(models, cluster.gpus, requests, threads, delays=Delays(), rules=Rules())
    for part in parts:
        for array in (*part.requests, *part.shard.state):
            bring_into_memory(array)
    began_s = time.perf_counter()
    run_on_threads(shared, parts)
    return len(arrival_us) / (time.perf_counter() - began_s), bad_rate(joined(parts))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the measurements here")
    parser.add_argument("--repeats", type=int, default=5, help="the best of these counts")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}; best of the repeats")
    print(
        f"{'curve':>9} {'models':>6} {'GPUs':>6} {'shards':>10} {'requests/s':>12} "
        f"{'bad rate':>9} {'ratio':>6}"
    )
    found = []
    for cluster, rate_rps in CASES:
        for threads in (0, 1, 2):
            measure(cluster, rate_rps, threads, 20_000)  # loads or compiles the kernels
        best = {threads: (0.0, 0.0) for threads in (0, 1, 2)}
        for _ in range(arguments.repeats):
            for threads in best:
                best[threads] = max(best[threads], measure(cluster, rate_rps, threads, REQUESTS))
        for threads, (requests_per_s, bad) in best.items():
            name = str(threads) if threads else "unsharded"
            ratio = requests_per_s / best[0][0]
            found.append(
                {
                    "name": cluster.name,
                    "models": cluster.models,
                    "gpus": cluster.gpus,
                    "shards": threads,
                    "requests_per_s": requests_per_s,
                    "bad_rate": bad,
                    "ratio": ratio,
                }
            )
            print(
                f"{cluster.name:>9} {cluster.models:>6,} {cluster.gpus:>6,} {name:>10} "
                f"{requests_per_s:>12,.0f} {bad:>9.3%} {ratio:>6.2f}",
                flush=True,
            )
    write_json(arguments.json, measurements=found)


if __name__ == "__main__":
    main()
