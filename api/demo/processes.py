"""The demo's processes: started, waited for, and ended by their own ids."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

STOP_S_MAX = 15.0


class ProcessFailed(RuntimeError):
    """A process of the demo ended or never became ready; the message carries the end of its log."""


@dataclass(slots=True)
class Process:
    """One ``fermata`` process with its log."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def story(self) -> str:
        return f"{self.name} (log {self.log}):\n" + "\n".join(
            self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        )


@dataclass(slots=True)
class Processes:
    """Every process that the demo started; leaving the context stops them, last started first."""

    folder: Path
    environment: dict[str, str]
    running: list[Process] = field(default_factory=list)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(self.running)

    def start(self, name: str, *arguments: str) -> Process:
        """Start ``fermata ARGUMENTS``; its output goes to ``name.log``."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = Process(name, _spawn(arguments, output, self.environment), log)
        self.running.append(process)
        return process

    def stop(self, processes: Sequence[Process]) -> None:
        """End these gracefully, at last by force; each is waited for."""
        chosen = [process for process in reversed(self.running) if process in processes]
        for process in chosen:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGTERM)
        for process in chosen:
            try:
                process.popen.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
            self.running.remove(process)

    def wait_until(self, what: str, condition: Callable[[], bool], *, within_s: float) -> None:
        """Wait for ``condition``; raises ProcessFailed when a process ends meanwhile, or time runs out."""
        deadline = time.monotonic() + within_s
        while not condition():
            for process in self.running:
                if process.popen.poll() is not None:
                    raise ProcessFailed(f"{what}: ended with {process.popen.returncode}: {process.story()}")
            if time.monotonic() > deadline:
                stories = "\n".join(process.story() for process in self.running)
                raise ProcessFailed(f"{what}: not within {within_s:.0f} s\n{stories}")
            time.sleep(0.05)


def run_to_end(arguments: Sequence[str], environment: dict[str, str]) -> object:
    """Run ``fermata ARGUMENTS`` to its end and read its JSON answer."""
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ProcessFailed(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def _spawn(
    arguments: Sequence[str], output: IO[bytes], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    return subprocess.Popen(
        command,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        start_new_session=True,
    )
