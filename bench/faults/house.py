"""A GPU node of real processes, its planner's double, and what can be done to them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from bench.faults.planner_double import PlannerDouble
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tensor
from dispatcher.core.delays import Delays
from dispatcher.core.rules import Policy, Rules
from dispatcher.frontend.load_client import infer_body

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 150.0
LATENCY_US = (0, *(4_000 + 1_000 * size for size in range(1, 17)))
NUMBER = (Tensor("x", "FP32", (1,)),)
BODY = infer_body([("x", "FP32", (1,), (1.0,))])


def model(name: str = "m", slo_us: int = 1_000_000) -> ServedModel:
    """5 ms for one request, 20 ms for sixteen."""
    return ServedModel(name, slo_us, LATENCY_US, NUMBER, NUMBER)


DELAYS = Delays(ctrl_us=1_000, data_us=50, resp_us=100_000)
"""Deferral uses the whole SLO but the response budget: it must hold a busy machine's noise."""


def plan(version: int, *models: ServedModel, gpus: int = 2) -> SubClusterSpec:
    rules = Rules(Policy.ADAPTIVE, time_quantile=0.9)
    return SubClusterSpec("sc", version, gpus, models or (model(),), rules, DELAYS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """``fermata node`` with one sub-cluster; restarted by ``revive`` as systemd would."""

    def __init__(self, folder: Path, devices: int = 2) -> None:
        self.planner = PlannerDouble()
        self.folder = folder
        self.state = folder / "state"
        self.http_port, worker_port = free_port(), free_port()
        self.worker_endpoint = f"tcp://127.0.0.1:{worker_port}"
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.config = {
            "node": "n1",
            "planner": self.planner.url,
            "state": str(self.state),
            "poll_s": 0.1,
            "wait_s": 2.0,
            "heartbeat_s": 0.2,
            "silence_s_max": 4.0,
            "sub_clusters": [
                {
                    "id": "sc",
                    "devices": [str(device) for device in range(devices)],
                    "dispatcher": {"worker_endpoint": self.worker_endpoint, "http_port": self.http_port},
                }
            ],
        }
        self.node: subprocess.Popen[bytes] | None = None
        self._log = (folder / "node.log").open("ab")

    def start_node(self) -> None:
        file = self.folder / "node.yaml"
        file.write_text(json.dumps(self.config))
        command = [sys.executable, "-m", "api.cli.main", "node", "--config", str(file)]
        self.node = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True
        )

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait; raises ``TimeoutError`` with the node's log when it never comes."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end_s:
                raise TimeoutError(f"waited {PATIENCE_S:g} s for: {what}\n{self.talk()}")
            time.sleep(0.05)

    def gpus_ready(self) -> int:
        """As the dispatcher's metrics say; -1 when it does not answer."""
        try:
            text = httpx.get(f"{self.url}/metrics", timeout=1.0).text
        except httpx.HTTPError:
            return -1
        lines = [line for line in text.splitlines() if line.startswith("fermata_gpus_ready ")]
        return int(float(lines[0].split()[1])) if lines else -1

    def until_serving(self, gpus: int = 2) -> None:
        self.until(lambda: self.gpus_ready() == gpus, f"{gpus} GPUs ready")

    def plan_served(self) -> int:
        try:
            text = httpx.get(f"{self.url}/metrics", timeout=1.0).text
        except httpx.HTTPError:
            return -1
        found = [line for line in text.splitlines() if line.startswith("fermata_plan_version ")]
        return int(float(found[0].split()[1])) if found else -1

    def workers(self) -> list[int]:
        """Process ids, as the last heartbeat told and if they live."""
        return [pid for pid in self.planner.pids("worker") if _lives(pid)]

    def dispatchers(self) -> list[int]:
        return [pid for pid in self.planner.pids("dispatcher") if _lives(pid)]

    def kill_node(self) -> None:
        """As when the machine's power fails: every process of it at once."""
        assert self.node is not None
        for pid in (*self.workers(), *self.dispatchers()):
            send(pid, signal.SIGKILL)
        self.node.kill()
        self.node.wait()

    def talk(self) -> str:
        return (self.folder / "node.log").read_text(errors="replace")[-6_000:]

    def end(self) -> None:
        if self.node is not None and self.node.poll() is None:
            for pid in (*self.workers(), *self.dispatchers()):
                send(pid, signal.SIGCONT)
            self.node.terminate()
            try:
                self.node.wait(60)
            except subprocess.TimeoutExpired:
                self.kill_node()
        self.planner.end()
        self._log.close()


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


@contextlib.contextmanager
def house(folder: Path, devices: int = 2) -> Iterator[House]:
    built = House(folder, devices)
    try:
        yield built
    finally:
        built.end()
