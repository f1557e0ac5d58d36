from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from dispatcher.runtime.node.backoff import Backoff
from dispatcher.runtime.supervision import keep_running, send_signal


def test_what_ends_is_started_again_until_told_to_stop() -> None:
    async def run() -> None:
        stopping, ends = asyncio.Event(), []
        statuses = iter([3, 4, 5])

        async def once() -> int:
            return next(statuses)

        def on_end(status: int, lasted_s: float, pause_s: float) -> None:
            ends.append((status, pause_s))
            assert lasted_s >= 0
            if status == 5:
                stopping.set()  # during the pause, which it cuts short

        async with asyncio.timeout(60):
            await keep_running(once, stopping, Backoff(0.001, 3_600.0), on_end)
        assert ends == [(3, 0.001), (4, 0.002), (5, 0.004)]

    asyncio.run(run())


def test_what_the_end_raises_ends_the_whole() -> None:
    async def once() -> int:
        return 1

    def on_end(status: int, lasted_s: float, pause_s: float) -> None:
        raise RuntimeError("again and again")

    with pytest.raises(RuntimeError, match="again and again"):
        asyncio.run(keep_running(once, asyncio.Event(), Backoff(), on_end))


def test_a_signal_to_nothing_does_nothing() -> None:
    send_signal(None, signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word comes on Linux alone")
def test_a_process_ends_with_a_supervisor_that_was_killed() -> None:
    script = """
import subprocess, sys, time
from dispatcher.runtime.supervision import ending_with_supervisor
command = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(command, preexec_fn=ending_with_supervisor())
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
        supervisor.wait()

    async def gone() -> None:
        async with asyncio.timeout(60):
            while is_alive(pid):  # noqa: ASYNC110 (a test may poll)
                await asyncio.sleep(0.01)

    asyncio.run(gone())


def is_alive(pid: int) -> bool:
    """Not gone, and no zombie that nobody has waited for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
