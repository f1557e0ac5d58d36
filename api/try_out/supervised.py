"""One child process that is started again when it dies, with growing pauses."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

BACKOFF_S_MIN = 0.2
BACKOFF_S_MAX = 5.0
SETTLED_S = 10.0
"""A process that lived this long starts over with the shortest pause."""

FAILURES_MAX = 5
"""Deaths in a row, none after ``SETTLED_S``: then something is wrong that a restart does not mend."""

STORY_LINES = 15
PR_SET_PDEATHSIG = 1


class ProcessFailed(RuntimeError):
    """A process cannot be kept alive; the message carries the end of its log."""


class Supervised:
    """
    Runs ``fermata ARGUMENTS`` until told to stop; ``arguments()`` is asked anew at each start.

    Its output is appended to ``log``. It runs in a session of its own, so that Ctrl-C reaches the
    supervisor alone, and ends with it (on Linux) even where the supervisor is killed.
    """

    def __init__(
        self,
        name: str,
        arguments: Callable[[], Sequence[str]],
        log: Path,
        on_restart: Callable[[str, int], None] = lambda name, status: None,
    ) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self._arguments = arguments
        self._on_restart = on_restart
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Until ``stop``. Raises ``ProcessFailed`` when it dies again and again."""
        failures = 0
        while not self._stopping:
            began_s = time.monotonic()
            status = await self._run_once()
            if self._stopping:
                return
            failures = 1 if time.monotonic() - began_s >= SETTLED_S else failures + 1
            if failures >= FAILURES_MAX:
                raise ProcessFailed(f"{self.name} ended {failures} times in a row\n{self.story()}")
            self.restarts += 1
            self._on_restart(self.name, status)
            await asyncio.sleep(min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2 ** (failures - 1)))

    async def stop(self, patience_s: float) -> bool:
        """SIGTERM, and SIGKILL when ``patience_s`` have passed; True when it ended by itself, status 0."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_s):
                return await process.wait() == 0
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return False

    def story(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-STORY_LINES:]
        return "\n".join([f"{self.name}, log {self.log}:", *lines])

    async def _run_once(self) -> int:
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "api.cli.main", *self._arguments()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        return await self._process.wait()


_PARENT = os.getpid()


def _end_with_parent() -> None:
    """In the child: SIGTERM when the supervisor is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != _PARENT:  # gone in between
        os._exit(1)
