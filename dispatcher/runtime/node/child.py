"""A process that the node keeps running: started anew with growing pauses, killed when it is silent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from dispatcher.runtime.node.backoff import Backoff
from dispatcher.runtime.supervision import ending_with_supervisor, keep_running, send_signal

LINE_BYTES_MAX = 2**22
LOOK_S = 0.5

_log = structlog.get_logger()


class ChildState(StrEnum):
    """What is known of the process."""

    STARTING = "starting"  # it has said nothing yet
    RUNNING = "running"
    WAITING = "waiting"  # it ended; it is started again after a pause
    ENDED = "ended"


class Child:
    """
    ``command`` run again and again until ``stop``.

    It prints JSON lines; ``on_line`` gets each as a dict. ``on_start`` is called before each start.
    One that was heard and then says nothing for ``silence_s_max`` is killed: it stands still, or
    its model never ends. Should this process die, the child is told to end as well.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        on_line: Callable[[dict[str, Any]], None],
        silence_s_max: float,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.state = ChildState.STARTING
        self.pid: int | None = None
        self.starts = 0
        self._command = list(command)
        self._environment = {**os.environ, **environment}
        self._on_line = on_line
        self._on_start = on_start
        self._silence_s_max = silence_s_max
        self._backoff = Backoff()
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._heard_s: float | None = None
        self._task = asyncio.create_task(self._run(), name=name)

    def signal(self, number: int) -> None:
        """Does nothing while there is no process."""
        send_signal(self._process, number)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after ``grace_s``; returns when the process is gone."""
        self._stopping.set()
        self.signal(signal.SIGTERM)
        done, _ = await asyncio.wait([self._task], timeout=grace_s)
        if not done:
            _log.error("killed_after_grace", child=self.name, grace_s=grace_s)
            self.signal(signal.SIGKILL)
            await self._task

    async def _run(self) -> None:
        await keep_running(self._run_once, self._stopping, self._backoff, self._note_end)
        self.state = ChildState.ENDED

    def _note_end(self, ending: str, _: float, pause_s: float) -> None:
        _log.warning("child_ended", child=self.name, ending=ending, again_in_s=pause_s)

    async def _run_once(self) -> str:
        """From start to end; how it ended."""
        self.state, self._heard_s = ChildState.STARTING, None
        self._on_start()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_BYTES_MAX,
                preexec_fn=ending_with_supervisor(),
            )
        except OSError as error:
            self.state = ChildState.WAITING
            return f"cannot be started: {error}"
        self.pid = self._process.pid
        self.starts += 1
        _log.info("child_started", child=self.name, pid=self.pid)
        if self._stopping.is_set():
            self.signal(signal.SIGTERM)
        watching = asyncio.create_task(self._watch(self._process))
        try:
            await self._read(self._process)
            return _ending(await self._process.wait())
        finally:
            watching.cancel()
            self.pid, self.state = None, ChildState.WAITING

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than any line of ours
                continue
            if not line:
                return
            self._heard_s = time.monotonic()
            self.state = ChildState.RUNNING
            with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
                self._on_line(msgspec.json.decode(line, type=dict[str, Any]))

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            silent_s = time.monotonic() - self._heard_s if self._heard_s is not None else 0.0
            if silent_s > self._silence_s_max:
                _log.error("child_silent", child=self.name, pid=process.pid, silent_s=round(silent_s, 1))
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return


def _ending(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
