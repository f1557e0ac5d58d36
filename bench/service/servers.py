"""``fermata serve`` processes on one database, and what can be done to them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_WAIT_S = 90.0
RUN_PROCESS = b"planner.service.run_child"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server, always at the same address."""

    def __init__(
        self, database_url: str, log: Path, *, run_worker: bool = True, lease_s: float = 5.0
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {
            "FERMATA_DATABASE_URL": database_url,
            "FERMATA_RUN_WORKER": str(run_worker),
            "FERMATA_RUN_LEASE_S": str(lease_s),
            "PYTHONPATH": str(ROOT),
        }
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "api.cli.main", "serve", "--upgrade", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, stderr=log
            )

    def until_ready(self, within_s: float = START_WAIT_S) -> None:
        """Raises ``TimeoutError`` with the end of its log."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"{self.url} was not ready within {within_s:g} s\n{self.said()}")

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-2_000:]

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def run_processes(self) -> list[int]:
        """The processes that execute runs for this server."""
        assert self._process is not None
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
                command = (entry / "cmdline").read_bytes().split(b"\0")
                if parent == self._process.pid and RUN_PROCESS in command:
                    found.append(int(entry.name))
        return found

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self, timeout_s: float | None = None) -> int:
        assert self._process is not None
        return self._process.wait(timeout_s)

    def stop(self) -> None:
        """In good order, or not at all."""
        if not self.is_alive:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self.wait(30.0)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def servers(
    database_url: str, folder: Path, count: int, *, run_workers: int | None = None, lease_s: float = 5.0
) -> Iterator[list[Server]]:
    """``count`` ready servers, of which the first ``run_workers`` (default: all) execute runs."""
    working = count if run_workers is None else run_workers
    started = [
        Server(database_url, folder / f"server{index}.log", run_worker=index < working, lease_s=lease_s)
        for index in range(count)
    ]
    try:
        for server in started:
            server.start()
        for server in started:
            server.until_ready()
        yield started
    finally:
        for server in started:
            server.stop()
