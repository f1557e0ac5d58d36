"""An event loop whose time passes only when nothing is left to do: seconds of it in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from dispatcher.runtime.alarm import Alarm, LoopAlarm

START_S = 1_000.0
"""The scheduler's instants must be positive."""


class _Selector(selectors.SelectSelector):
    """Waits for nothing but the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the simulation waits for something that nobody will do")
        self.now_s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time`` and ``now_us`` are virtual; sockets do not work in it."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s

    def now_us(self) -> int:
        return round(self._clock.now_s * 1e6)

    def at_us(self, instant_us: int, callback: Callable[..., Any], *arguments: Any) -> None:
        """Call back at an instant, at once if it has passed."""
        self.call_at(max(self.time(), instant_us / 1e6), callback, *arguments)

    def alarm(self, loop: asyncio.AbstractEventLoop, on_due: Callable[[], None]) -> Alarm:
        return LoopAlarm(loop, on_due, self.now_us)
