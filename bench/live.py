"""
What the live data plane sustains on this machine: door, scheduler, workers and client together.

One model on two emulated GPUs that are never the bottleneck, Poisson arrivals over HTTP on
loopback, rate after rate until more than 1 % go bad at two of them.

    python -m bench.live [--json live.json] [--seconds 4] [--rates 400,800,1200] [--workers 2]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvloop

from bench.report import write_json
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.contract.sub_cluster_file import encode_sub_cluster
from dispatcher.core.delays import Delays
from dispatcher.frontend.load_client import DrivenModel, LoadResult, drive, infer_body

BAD_RATE_MAX = 0.01
SLO_MS = 100
LATENCY_US = (0, *(3_000 + 100 * size for size in range(1, 65)))
"""3.1 ms for one request, 9.4 ms for 64: two such GPUs serve some 13,000 requests a second."""

DELAYS = Delays(ctrl_us=1_000, data_us=20, resp_us=30_000)
"""Deferral uses the whole SLO but the response budget: it must hold 64 answers and a busy machine's noise."""

BODY = infer_body([("input", "FP32", (4,), (1, 2, 3, 4))])


@contextlib.contextmanager
def sub_cluster(workers: int) -> Iterator[tuple[str, int]]:
    """Base address and process id of a dispatcher whose workers are ready."""
    spec = SubClusterSpec("bench", 1, workers, (ServedModel("m", SLO_MS * 1_000, LATENCY_US),), delays=DELAYS)
    with tempfile.TemporaryDirectory() as folder:
        file, ready = Path(folder, "spec.json"), Path(folder, "ready.json")
        file.write_text(encode_sub_cluster(spec))
        processes = [start("dispatcher", "--spec", str(file), "--ready-file", str(ready))]
        try:
            while not ready.exists():
                time.sleep(0.05)
            addresses = json.loads(ready.read_text())
            endpoint = addresses["worker_endpoint"]
            processes += [start("worker", "--connect", endpoint, "--gpu", str(gpu)) for gpu in range(workers)]
            while metrics(addresses["http_url"])["fermata_gpus_ready"] < workers:
                time.sleep(0.05)
            yield addresses["http_url"], addresses["pid"]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def metrics(url: str) -> dict[str, float]:
    """Every series of the dispatcher, by its full name."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def cpu_s(pid: int) -> float:
    """User and system time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(url: str, pid: int, rate_rps: float, seconds: float) -> dict[str, Any]:
    random = np.random.default_rng(int(rate_rps))
    arrivals = [
        (float(at_s), "m") for at_s in np.cumsum(random.exponential(1 / rate_rps, int(rate_rps * seconds)))
    ]
    before, cpu_before_s = metrics(url), cpu_s(pid)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result: LoadResult = runner.run(drive(url, arrivals, {"m": DrivenModel("m", SLO_MS, BODY)}))
    after, cpu_after_s = metrics(url), cpu_s(pid)
    batches = after['fermata_batch_size_count{model="m"}'] - before['fermata_batch_size_count{model="m"}']
    batched = after['fermata_batch_size_sum{model="m"}'] - before['fermata_batch_size_sum{model="m"}']
    (model,) = result.models
    return {
        "rate_rps": rate_rps,
        "goodput_rps": result.goodput_rps,
        "bad_rate": result.bad_rate,
        "late": model.late,
        "refused": model.refused,
        "error": model.error,
        "p50_ms": model.p50_ms,
        "p99_ms": model.p99_ms,
        "batch_size_mean": batched / batches if batches else 0.0,
        "dispatcher_cpu_us_per_request": (cpu_after_s - cpu_before_s) * 1e6 / result.sent,
        "client_send_lag_p99_ms": result.send_lag_ms,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rates", default="400,800,1200,1600,2000,2400,2800,3200,3600,4000")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with sub_cluster(options.workers) as (url, pid):
        measured(url, pid, 200, 1.0)  # connections opened, code paths warm
        for rate in options.rates.split(","):
            rows.append(measured(url, pid, float(rate), options.seconds))
            if all(row["bad_rate"] > BAD_RATE_MAX for row in rows[-2:]):
                break
    sustained = max((row["rate_rps"] for row in rows if row["bad_rate"] <= BAD_RATE_MAX), default=0.0)
    write_json(options.json, sustained_rps=sustained, workers=options.workers, rows=rows)
    print(
        f"{'rate':>6} {'goodput':>8} {'bad':>7} {'p50 ms':>7} {'p99 ms':>7} {'batch':>6} {'cpu/req us':>10}"
    )
    for row in rows:
        print(
            f"{row['rate_rps']:6.0f} {row['goodput_rps']:8.1f} {row['bad_rate']:7.2%} {row['p50_ms']:7.1f}"
            f" {row['p99_ms']:7.1f} {row['batch_size_mean']:6.1f}"
            f" {row['dispatcher_cpu_us_per_request']:10.0f}"
        )
    print(f"sustained: {sustained:.0f} requests/s with at most {BAD_RATE_MAX:.0%} bad")


if __name__ == "__main__":
    main()
