from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from dispatcher.runtime.node.backoff import Backoff
from dispatcher.runtime.node.child import Child, ChildState

WAIT_S = 60
ECHO = "import json, time; print(json.dumps({'n': 1}), flush=True); time.sleep(600)"


def test_pauses_grow_to_a_limit_and_start_anew_after_a_success() -> None:
    backoff = Backoff(least_s=1, most_s=5, well_s=20)
    assert [backoff.pause_s(2) for _ in range(4)] == [1, 2, 4, 5]
    assert backoff.pause_s(21) == 1
    assert backoff.pause_s(0) == 2
    backoff.succeeded()
    assert backoff.pause_s() == 1


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 (a test may poll)
            await asyncio.sleep(0.02)


def child(script: str, lines: list[dict[str, Any]], silence_s_max: float = WAIT_S) -> Child:
    command = [sys.executable, "-c", script]
    return Child("c", command, environment={}, on_line=lines.append, silence_s_max=silence_s_max)


def test_a_child_that_dies_is_started_again_and_ends_when_told_to() -> None:
    async def run() -> None:
        lines: list[dict[str, Any]] = []
        kept = child(ECHO, lines)
        await until(lambda: len(lines) == 1)
        first = kept.pid
        kept.signal(signal.SIGKILL)
        await until(lambda: len(lines) == 2)
        assert kept.pid != first
        assert (kept.state, kept.starts) == (ChildState.RUNNING, 2)
        await kept.stop(WAIT_S)
        assert (kept.state, kept.pid) == (ChildState.ENDED, None)

    asyncio.run(run())


def test_a_child_that_stands_still_is_killed_and_started_again() -> None:
    async def run() -> None:
        lines: list[dict[str, Any]] = []
        kept = child(ECHO, lines, silence_s_max=1.0)
        await until(lambda: len(lines) >= 2)
        assert kept.starts >= 2
        await kept.stop(WAIT_S)

    asyncio.run(run())


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    async def run() -> None:
        lines: list[dict[str, Any]] = []
        kept = child("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ECHO, lines)
        await until(lambda: lines)
        await kept.stop(0.2)
        assert kept.state is ChildState.ENDED

    asyncio.run(run())


def test_a_command_that_cannot_be_started_and_lines_that_are_no_json_are_survived() -> None:
    async def run() -> None:
        missing = Child("c", ["/nowhere"], environment={}, on_line=lambda line: None, silence_s_max=9)
        await until(lambda: missing.state is ChildState.WAITING)
        await missing.stop(WAIT_S)
        lines: list[dict[str, Any]] = []
        talkative = child("print('x'); print('[1]');" + ECHO, lines)
        await until(lambda: lines == [{"n": 1}])
        await talkative.stop(WAIT_S)

    asyncio.run(run())
