"""
What the native door costs: requests a second that one core of the dispatcher's takes, batches and answers.

One model that takes a microsecond whatever its batch, on one emulated GPU; a client that keeps some
frames of requests under way. Counted are the dispatcher's own CPU seconds, scheduler, worker's link and
ZeroMQ's thread included, so that client and worker on the same machine do not matter. Run as

    python -m bench.native [--json native.json] [--seconds 3] [--elements 4,256]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import uvloop

from bench.live import cpu_s, metrics, start
from bench.report import write_json
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tensor
from dispatcher.contract.sub_cluster_file import encode_sub_cluster
from dispatcher.core.delays import Delays
from dispatcher.core.rules import Policy, Rules
from dispatcher.native_client import NativeClient

BATCH_SIZE_MAX = 1_024
SLO_US = 1_000_000
FRAMES_UNDER_WAY = 8


@dataclass(frozen=True)
class Measurement:
    """One run: ``elements`` FP32 numbers a request, ``frame_rows`` requests a frame."""

    elements: int
    frame_rows: int
    requests: int
    bad: int
    requests_per_s: float
    dispatcher_cpu_s: float
    requests_per_core_s: float
    batch_size_mean: float


@contextlib.contextmanager
def sub_cluster(elements: int) -> Iterator[tuple[str, str, int]]:
    """HTTP address, native endpoint and process id of a dispatcher whose worker is ready."""
    model = ServedModel(
        "m",
        SLO_US,
        (0, *[1] * BATCH_SIZE_MAX),
        (Tensor("input", "FP32", (elements,)),),
        (Tensor("output", "FP32", (4,)),),
        queue_max=1_000_000,
    )
    delays = Delays(ctrl_us=1_000, data_us=1, resp_us=100_000)
    spec = SubClusterSpec("bench", 1, 1, (model,), Rules(Policy.EAGER), delays)
    with tempfile.TemporaryDirectory() as folder:
        file, ready = Path(folder, "spec.json"), Path(folder, "ready.json")
        file.write_text(encode_sub_cluster(spec))
        arguments = ("--spec", str(file), "--ready-file", str(ready), "--native-port", "0")
        processes = [start("dispatcher", *arguments)]
        try:
            while not ready.exists():
                time.sleep(0.05)
            addresses = json.loads(ready.read_text())
            processes.append(start("worker", "--connect", addresses["worker_endpoint"], "--gpu", "0"))
            while metrics(addresses["http_url"])["fermata_gpus_ready"] < 1:
                time.sleep(0.05)
            yield addresses["http_url"], addresses["native_endpoint"], addresses["pid"]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


async def pushed(endpoint: str, elements: int, frame_rows: int, seconds: float) -> tuple[int, int, float]:
    """Requests sent, those without result, and the seconds it took."""
    array = np.random.default_rng(1).random((frame_rows, elements), dtype=np.float32)
    async with NativeClient(endpoint) as client:
        began_s = time.monotonic()

        async def lane() -> tuple[int, int]:
            sent = bad = 0
            while time.monotonic() - began_s < seconds:
                answered = await client.infer("m", {"input": array})
                sent += frame_rows
                bad += frame_rows - int(answered.completed.sum())
            return sent, bad

        lanes = await asyncio.gather(*(lane() for _ in range(FRAMES_UNDER_WAY)))
        taken_s = time.monotonic() - began_s
    return sum(sent for sent, _ in lanes), sum(bad for _, bad in lanes), taken_s


def measured(elements: int, frame_rows: int, seconds: float) -> Measurement:
    with (
        sub_cluster(elements) as (url, endpoint, pid),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(pushed(endpoint, elements, frame_rows, 0.5))  # code paths warm
        before, cpu_before_s = metrics(url), cpu_s(pid)
        sent, bad, taken_s = runner.run(pushed(endpoint, elements, frame_rows, seconds))
        used_s, after = cpu_s(pid) - cpu_before_s, metrics(url)
    name = 'fermata_batch_size_{}{{model="m"}}'
    batches = after[name.format("count")] - before[name.format("count")]
    batched = after[name.format("sum")] - before[name.format("sum")]
    return Measurement(
        elements, frame_rows, sent, bad, sent / taken_s, used_s, sent / used_s, batched / batches
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the measurements here")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--elements", default="4,256", help="FP32 numbers of a request; 256 are 1 KiB")
    parser.add_argument("--rows", default="64,512", help="requests of a frame")
    arguments = parser.parse_args()
    print(
        f"{'bytes':>6} {'frame':>6} {'requests/s':>11} {'bad':>5} {'batch':>7} {'requests/s of one core':>23}"
    )
    found = []
    for elements in map(int, arguments.elements.split(",")):
        for frame_rows in map(int, arguments.rows.split(",")):
            each = measured(elements, frame_rows, arguments.seconds)
            found.append(asdict(each))
            print(
                f"{4 * elements:>6} {frame_rows:>6} {each.requests_per_s:>11,.0f} {each.bad:>5}"
                f" {each.batch_size_mean:>7.1f} {each.requests_per_core_s:>23,.0f}",
                flush=True,
            )
    write_json(arguments.json, measurements=found)


if __name__ == "__main__":
    main()
