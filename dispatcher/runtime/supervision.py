"""A process is kept running: started again with growing pauses, ended in peace, gone with its supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from dispatcher.runtime.node.backoff import Backoff

PR_SET_PDEATHSIG = 1

T = TypeVar("T")

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


async def keep_running(
    run_once: Callable[[], Awaitable[T]],
    stopping: asyncio.Event,
    backoff: Backoff,
    on_end: Callable[[T, float, float], None],
) -> None:
    """
    Run again and again until ``stopping``.

    After each end that nobody asked for ``on_end`` gets what ``run_once`` returned, how long that run lasted
    and the pause before the next, both in seconds; what it raises ends the whole.
    """
    while not stopping.is_set():
        started_s = time.monotonic()
        ending = await run_once()
        if stopping.is_set():
            return
        lasted_s = time.monotonic() - started_s
        pause_s = backoff.pause_s(lasted_s)
        on_end(ending, lasted_s, pause_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause_s)


def send_signal(process: asyncio.subprocess.Process | None, number: int) -> None:
    """Does nothing where there is no process any more."""
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


def ending_with_supervisor() -> Callable[[], None]:
    """For ``preexec_fn``: the new process gets SIGTERM when this one is gone (on Linux)."""
    return partial(_end_with, os.getpid())


def _end_with(supervisor: int) -> None:
    """In the new process, before it becomes another."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:  # gone in between
            os._exit(1)
