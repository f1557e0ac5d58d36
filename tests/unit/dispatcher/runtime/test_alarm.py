from __future__ import annotations

import asyncio
import sys

import pytest

from dispatcher.runtime.alarm import LoopAlarm, TimerDescriptorAlarm
from dispatcher.runtime.clock import now_us

KINDS = [LoopAlarm, *([TimerDescriptorAlarm] if sys.platform == "linux" else [])]


@pytest.mark.parametrize("kind", KINDS)
def test_an_alarm_rings_once_and_never_early(kind: type[LoopAlarm]) -> None:
    async def run() -> None:
        rung: list[int] = []
        came = asyncio.Event()

        def ring() -> None:
            rung.append(now_us())
            came.set()

        alarm = kind(asyncio.get_running_loop(), ring)
        due_us = now_us() + 3_000
        alarm.set(due_us + 50_000)
        alarm.set(due_us)
        await came.wait()
        assert rung[0] >= due_us
        await asyncio.sleep(0.06)
        assert len(rung) == 1
        alarm.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_an_alarm_set_for_the_past_rings_and_one_called_off_does_not(kind: type[LoopAlarm]) -> None:
    async def run() -> None:
        rung = asyncio.Event()
        alarm = kind(asyncio.get_running_loop(), rung.set)
        alarm.set(now_us() + 2_000)
        alarm.set(None)
        await asyncio.sleep(0.01)
        assert not rung.is_set()
        alarm.set(0)
        await rung.wait()
        alarm.close()

    asyncio.run(run())
