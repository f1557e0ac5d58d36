"""One child process that is started again when it dies, with growing pauses."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dispatcher.runtime.node.backoff import Backoff
from dispatcher.runtime.supervision import ending_with_supervisor, keep_running, send_signal

BACKOFF_S_MIN = 0.2
BACKOFF_S_MAX = 5.0
SETTLED_S = 10.0
"""A process that lived this long starts over with the shortest pause."""

FAILURES_MAX = 5
"""Deaths in a row, none after ``SETTLED_S``: then something is wrong that a restart does not mend."""

STORY_LINES = 15

ERROR = "error: "
"""How a command begins to say why it ends."""

BAD_INPUT = 2
"""The exit status of a command that was given what it can never use: another start finds the same."""


class ProcessFailed(RuntimeError):
    """A process cannot be kept alive; the message says why, or carries the end of its log."""


class GivenBadInput(ProcessFailed):
    """What it was given it can never use; the message is what it said of that."""


class Supervised:
    """
    Runs ``fermata ARGUMENTS`` until told to stop; ``arguments()`` is asked anew at each start.
    ``environment`` is what its own has beyond this process's.

    Its output is appended to ``log``. It runs in a session of its own, so that Ctrl-C reaches the
    supervisor alone, and ends with it (on Linux) even where the supervisor is killed.
    """

    def __init__(
        self,
        name: str,
        arguments: Callable[[], Sequence[str]],
        log: Path,
        on_restart: Callable[[str, int], None] = lambda name, status: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = {**os.environ, **(environment or {})}
        self.name = name
        self.log = log
        self.restarts = 0
        self._arguments = arguments
        self._on_restart = on_restart
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._failures = 0

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Until ``stop``. Raises ``ProcessFailed`` when it dies again and again, or can never do better."""
        backoff = Backoff(BACKOFF_S_MIN, BACKOFF_S_MAX, SETTLED_S)
        await keep_running(self._run_once, self._stopping, backoff, self._note_end)

    def _note_end(self, status: int, lasted_s: float, _: float) -> None:
        if status == BAD_INPUT:
            raise GivenBadInput(self._last_words() or self.story())
        self._failures = 1 if lasted_s >= SETTLED_S else self._failures + 1
        if self._failures >= FAILURES_MAX:
            raise ProcessFailed(f"{self.name} ended {self._failures} times in a row\n{self.story()}")
        self.restarts += 1
        self._on_restart(self.name, status)

    async def stop(self, patience_s: float) -> bool:
        """SIGTERM, and SIGKILL when ``patience_s`` have passed; True when it ended by itself, status 0."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return True
        send_signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_s):
                return await process.wait() == 0
        except TimeoutError:
            send_signal(process, signal.SIGKILL)
            await process.wait()
            return False

    def story(self) -> str:
        """The end of its log."""
        return "\n".join([f"{self.name}, log {self.log}:", *self._log_lines()[-STORY_LINES:]])

    def _last_words(self) -> str:
        """What it ended with, as commands say it; empty where it said nothing of that kind."""
        begins = (at for at, line in enumerate(self._log_lines()) if line.startswith(ERROR))
        last = max(begins, default=None)
        return "" if last is None else "\n".join(self._log_lines()[last:]).removeprefix(ERROR)

    def _log_lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    async def _run_once(self) -> int:
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "api.cli.main", *self._arguments()),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=ending_with_supervisor(),
            )
        return await self._process.wait()
