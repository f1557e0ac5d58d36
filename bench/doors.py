"""
What a request costs at the doors: requests a second for each core, and the latency they add.

A server process holds both doors in front of a service that answers at once; this process is the
client, over raw connections that cost little (``bench.raw_grpc``). A request carries a tensor of 1 KiB
and gets one back. Two measurements of each door:

full    so many requests under way at once as given, a new one for each answer. The server's
        own processor time is counted, so that the figure for each core holds also where the
        client and others share the machine.
half    Poisson arrivals at half of that rate, and at half of the goal for one core, whatever became of
        those before; medians of several tries count, for a machine that pauses spoils one. Latency counts
        from the instant a request was due to leave: the client's own way is in it, so it is an upper bound.
        "starved" is the share of the time in which server and client were ready to run and had no core:
        where it is more than a few per cent the latencies are the machine's, not the doors'.

    python -m bench.doors [--json doors.json] [--seconds 4] [--tries 5] [--concurrency 64]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import uvloop
from tritonclient.grpc import service_pb2 as pb

from bench.instant_service import INPUT, MODEL, serve
from bench.raw_grpc import Ended, GrpcConnection
from bench.report import write_json
from dispatcher.frontend.http_connection import Connection, HttpAnswer

GOALS_RPS_PER_CORE = {"HTTP, JSON": 8_000, "HTTP, binary": 8_000, "gRPC, raw": 2_500}
GOALS_MS = {"p50": 2.0, "p99": 5.0}
TENSOR = np.random.default_rng(1).standard_normal((1, *INPUT.shape)).astype(np.float32)
GRPC_CONNECTIONS = 4
WARM_UP_S = 1.0


class Client(Protocol):
    """Sends one prepared request over a connection that is free; calls back with its end."""

    def send(self, ended: Ended) -> None: ...


class HttpClient:
    """Raw keep-alive connections, as many as requests are under way."""

    def __init__(self, port: int, content: bytes, headers: str = "") -> None:
        self._port = port
        head = f"POST /v2/models/{MODEL.id}/infer HTTP/1.1\r\nHost: here\r\n{headers}"
        self._request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        self._free: list[Connection] = []
        self._waiting: list[Ended] = []

    async def open(self, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
            self._free.append(connection)

    def send(self, ended: Ended) -> None:
        if not self._free:
            self._waiting.append(ended)
            return
        connection = self._free.pop()

        def answered(answer: HttpAnswer | str) -> None:
            self._free.append(connection)
            if self._waiting:
                asyncio.get_running_loop().call_soon(self.send, self._waiting.pop(0))
            ended(isinstance(answer, HttpAnswer) and answer.status == 200)

        connection.send(self._request, answered)

    def close(self) -> None:
        for connection in self._free:
            connection.close()


class GrpcClient:
    """A few connections, which calls take in turn."""

    def __init__(self, address: str, content: bytes) -> None:
        self._host, port = address.rsplit(":", 1)
        self._port, self._content = int(port), content
        self._connections: list[GrpcConnection] = []
        self._next = 0

    async def open(self, connections: int) -> None:
        def connection() -> GrpcConnection:
            return GrpcConnection("/inference.GRPCInferenceService/ModelInfer", self._content)

        loop = asyncio.get_running_loop()
        for _ in range(connections):
            self._connections.append((await loop.create_connection(connection, self._host, self._port))[1])

    def send(self, ended: Ended) -> None:
        self._next = (self._next + 1) % len(self._connections)
        self._connections[self._next].send(ended)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


@dataclass
class Half:
    """Latencies of one door at some rate: medians over the tries, and the worst of them."""

    rps: float
    p50_ms: float
    p99_ms: float
    p99_most_ms: float
    starved_share: float


@dataclass
class Figures:
    """Of one door; ``half`` is at half of what it did, ``half_goal`` at half of what one core should do."""

    door: str
    full_rps: float
    server_cores: float
    rps_per_core: float
    failed: int
    half: Half
    half_goal: Half


async def at_full_load(
    client: Client, concurrency: int, seconds: float, pid: int
) -> tuple[float, float, int]:
    """(requests a second, cores that the server used, requests without a result)."""
    loop = asyncio.get_running_loop()
    done, failed, stopped = 0, 0, False
    idle = asyncio.Event()
    under_way = concurrency

    def ended(ok: bool) -> None:
        nonlocal done, failed, under_way
        done += 1
        failed += not ok
        if not stopped:
            loop.call_soon(client.send, ended)
            return
        under_way -= 1
        if not under_way:
            idle.set()

    for _ in range(concurrency):
        client.send(ended)
    await asyncio.sleep(WARM_UP_S)
    done_before, cpu_before_s, since_s = done, cpu_s(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    wall_s = time.perf_counter() - since_s
    figures = (done - done_before) / wall_s, (cpu_s(pid) - cpu_before_s) / wall_s, failed
    stopped = True
    await idle.wait()
    return figures


async def at_rate(client: Client, rate_rps: float, seconds: float) -> tuple[float, float]:
    """p50 and p99 of the latency in milliseconds."""
    random = np.random.default_rng(2)
    due_s = np.cumsum(random.exponential(1 / rate_rps, int(rate_rps * seconds))).tolist()
    latency_s: list[float] = []
    all_answered = asyncio.Event()
    start_s = time.perf_counter()

    def send(at_s: float) -> None:
        def ended(_: bool) -> None:
            latency_s.append(time.perf_counter() - start_s - at_s)
            if len(latency_s) == len(due_s):
                all_answered.set()

        client.send(ended)

    for at_s in due_s:
        wait_s = at_s - (time.perf_counter() - start_s)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        send(at_s)
    await all_answered.wait()
    p50, p99 = np.quantile(latency_s, [0.5, 0.99]) * 1e3
    return float(p50), float(p99)


async def measured(door: str, client: Client, options: argparse.Namespace, pid: int) -> Figures:
    full_rps, cores, failed = await at_full_load(client, options.concurrency, options.seconds, pid)
    halves = [
        await at_half(client, rate_rps / 2, options, pid) for rate_rps in (full_rps, GOALS_RPS_PER_CORE[door])
    ]
    return Figures(door, full_rps, cores, full_rps / cores, failed, *halves)


async def at_half(client: Client, rate_rps: float, options: argparse.Namespace, pid: int) -> Half:
    pids, since_s = (pid, os.getpid()), time.perf_counter()
    waited_before_s = sum(map(waited_s, pids))
    tries = [await at_rate(client, rate_rps, options.seconds) for _ in range(options.tries)]
    starved = (sum(map(waited_s, pids)) - waited_before_s) / (time.perf_counter() - since_s)
    p50_ms, p99_ms = np.median(tries, axis=0).tolist()
    return Half(rate_rps, p50_ms, p99_ms, max(p99_ms for _, p99_ms in tries), starved)


async def measure_all(options: argparse.Namespace, addresses: dict[str, str], pid: int) -> list[Figures]:
    port = int(addresses["http_url"].rsplit(":", 1)[1])
    figures = []
    for door, client in (
        ("HTTP, JSON", HttpClient(port, json_body())),
        ("HTTP, binary", HttpClient(port, *binary_body())),
    ):
        await client.open(options.concurrency)
        figures.append(await measured(door, client, options, pid))
        client.close()
    over_grpc = GrpcClient(addresses["grpc_address"], grpc_message())
    await over_grpc.open(GRPC_CONNECTIONS)
    figures.append(await measured("gRPC, raw", over_grpc, options, pid))
    over_grpc.close()
    return figures


def grpc_message() -> bytes:
    message = pb.ModelInferRequest(model_name=MODEL.id)
    message.inputs.add(name=INPUT.name, datatype=INPUT.datatype, shape=TENSOR.shape)
    message.raw_input_contents.append(TENSOR.tobytes())
    return bytes(message.SerializeToString())


def json_body() -> bytes:
    given = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": TENSOR.shape}
    return json.dumps({"inputs": [given | {"data": TENSOR.ravel().tolist()}]}).encode()


def binary_body() -> tuple[bytes, str]:
    given = {"name": INPUT.name, "datatype": INPUT.datatype, "shape": TENSOR.shape}
    given |= {"parameters": {"binary_data_size": TENSOR.nbytes}}
    header = json.dumps({"inputs": [given], "parameters": {"binary_data_output": True}}).encode()
    return header + TENSOR.tobytes(), f"Inference-Header-Content-Length: {len(header)}\r\n"


def cpu_s(pid: int) -> float:
    """Processor time of all threads of a process, to the nanosecond (Linux)."""
    return time.clock_gettime(~pid << 3 | 2)


def waited_s(pid: int) -> float:
    """Time in which the threads of a process were ready to run and had no core (Linux)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9


@contextlib.contextmanager
def server() -> Iterator[tuple[dict[str, str], int]]:
    """Addresses and process id of a server of both doors."""
    command = [sys.executable, "-m", "bench.doors", "--serve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()), process.pid
    finally:
        process.stdin.close()
        process.wait()


def table(figures: list[Figures]) -> str:
    half = f"{'at half':>8} {'p50 ms':>7} {'p99 ms':>7} {'worst':>6} {'starved':>8}"
    lines = [
        f"{'door':<13} {'requests/s':>10} {'cores':>6} {'per core':>9} |{half} | {'goal':>6}{half}",
        *(
            f"{each.door:<13} {each.full_rps:10,.0f} {each.server_cores:6.2f} {each.rps_per_core:9,.0f} |"
            f"{_columns(each.half)} | {GOALS_RPS_PER_CORE[each.door]:6,}{_columns(each.half_goal)}"
            + (f"   {each.failed} without a result" if each.failed else "")
            for each in figures
        ),
        "goals at half load: " + ", ".join(f"{name} {limit:g} ms" for name, limit in GOALS_MS.items()),
    ]
    return "\n".join(lines)


def _columns(half: Half) -> str:
    return (
        f"{half.rps:8,.0f} {half.p50_ms:7.2f} {half.p99_ms:7.2f} {half.p99_most_ms:6.2f}"
        f" {half.starved_share:8.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--tries", type=int, default=5, help="at half load")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--serve", action="store_true", help="be the server, until the input ends")
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    gc.collect()
    gc.freeze()  # the client's own pauses are none of the doors'
    with server() as (addresses, pid), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure_all(options, addresses, pid))
    print(table(figures))
    write_json(options.json, doors=[asdict(each) for each in figures])


if __name__ == "__main__":
    main()
