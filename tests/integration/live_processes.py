"""Real dispatchers and workers for tests: started, watched and ended as processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.contract.sub_cluster_file import encode_sub_cluster
from dispatcher.frontend.load_client import infer_body

PATIENCE_S = 150.0
"""Long, because a first start compiles and the machine may be slow: reached only when something is broken."""

LATENCY_US = (0, *(4_000 + 500 * size for size in range(1, 17)))
BODY = infer_body([("input", "FP32", (4,), (1, 2, 3, 4))])


def emulated(id: str, slo_us: int = 1_500_000) -> ServedModel:
    """A model of 4.5 ms for one request and 12 ms for sixteen."""
    return ServedModel(id, slo_us, LATENCY_US)


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for ``condition``; fails the test when it never comes."""
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, f"waited {PATIENCE_S:g} s for: {what}"
        time.sleep(0.03)


class Live:
    """The processes of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.grpc_address = ""
        self.worker_endpoint = ""
        self._processes: list[subprocess.Popen[bytes]] = []

    def start_dispatcher(self, spec: SubClusterSpec, *options: str) -> subprocess.Popen[bytes]:
        """Returns once both addresses are bound."""
        (self.folder / "spec.json").write_text(encode_sub_cluster(spec))
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        process = self.start(
            "dispatcher", "--spec", str(self.folder / "spec.json"), "--ready-file", str(ready), *options
        )
        until(lambda: ready.exists() or process.poll() is not None, "the dispatcher's addresses")
        assert process.poll() is None, self.talk()
        addresses = json.loads(ready.read_text())
        self.url, self.worker_endpoint = addresses["http_url"], addresses["worker_endpoint"]
        self.grpc_address = addresses["grpc_address"]
        assert addresses["pid"] == process.pid
        return process

    def start_worker(self, gpu: int) -> subprocess.Popen[bytes]:
        return self.start("worker", "--connect", self.worker_endpoint, "--gpu", str(gpu))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        number = len(self._processes)
        with (
            (self.folder / f"{number}-{arguments[0]}.out").open("wb") as out,
            (self.folder / f"{number}-{arguments[0]}.log").open("wb") as log,
        ):
            process = subprocess.Popen(
                [sys.executable, "-m", "api.cli.main", *arguments], stdout=out, stderr=log
            )
        self._processes.append(process)
        return process

    def until_gpus_ready(self, count: int) -> None:
        until(lambda: self.metric("fermata_gpus_ready") == count, f"{count} GPUs ready\n{self.talk()}")

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the series that bear all ``labels``."""
        text = httpx.get(f"{self.url}/metrics").text
        series = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(float(value) for found, value in series if all(label in found for label in wanted))

    def infer(self, model: str, body: bytes = BODY) -> httpx.Response:
        return httpx.post(f"{self.url}/v2/models/{model}/infer", content=body, timeout=PATIENCE_S)

    def talk(self) -> str:
        """What the processes wrote on stderr, for the message of a failed test."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3_000:]}" for log in logs)

    def end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait()


class Planner:
    """Takes load reports over HTTP as the control plane does; ``statuses`` are its first answers."""

    def __init__(self, *statuses: int) -> None:
        self.reports: list[dict[str, Any]] = []
        self.statuses = list(statuses)
        planner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                status = planner.statuses.pop(0) if planner.statuses else 202
                if status == 202 and self.path == "/v1/observed-load?fleet=default":
                    planner.reports.append(json.loads(content))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def sum(self, field: str) -> float:
        """Over all models of all reports."""
        return sum(model[field] for report in self.reports for model in report["models"])

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def live(folder: Path) -> Iterator[Live]:
    processes = Live(folder)
    try:
        yield processes
    finally:
        processes.end()


@contextlib.contextmanager
def planner(*statuses: int) -> Iterator[Planner]:
    receiver = Planner(*statuses)
    try:
        yield receiver
    finally:
        receiver.end()
