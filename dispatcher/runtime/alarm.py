"""One alarm at an exact instant: event loops count in milliseconds, schedulable windows do not."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Protocol, TypeAlias

from dispatcher.runtime.clock import Now, now_us

CLOCK_MONOTONIC = 1
TFD_TIMER_ABSTIME = 1
TFD_NONBLOCK_CLOEXEC = os.O_NONBLOCK | 0o2000000


class Alarm(Protocol):
    """Calls back once when the instant last set has come; None calls it off."""

    def set(self, at_us: int | None) -> None: ...

    def close(self) -> None: ...


AlarmMaker: TypeAlias = Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Alarm]


def alarm(loop: asyncio.AbstractEventLoop, on_due: Callable[[], None]) -> Alarm:
    """The most exact alarm that this system has."""
    if sys.platform == "linux":
        return TimerDescriptorAlarm(loop, on_due)
    return LoopAlarm(loop, on_due)


class LoopAlarm:
    """The event loop's own timer, exact to a millisecond; never early."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_due: Callable[[], None], now: Now = now_us
    ) -> None:
        self._loop = loop
        self._on_due = on_due
        self._now = now
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at_us: int | None) -> None:
        self.close()
        if at_us is not None:
            delay_s = max(0, at_us - self._now()) / 1e6
            self._handle = self._loop.call_at(self._loop.time() + delay_s, self._ring, at_us)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self, at_us: int) -> None:
        self._handle = None
        if self._now() < at_us:
            self.set(at_us)
        else:
            self._on_due()


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _IntervalTimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class TimerDescriptorAlarm:
    """Linux's timerfd: exact to some hundred microseconds, mostly the time to wake a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_due: Callable[[], None]) -> None:
        self._loop = loop
        self._on_due = on_due
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        loop.add_reader(self._descriptor, self._ring)

    def set(self, at_us: int | None) -> None:
        spec = _IntervalTimerSpec()
        if at_us is not None:  # an instant of zero would call the timer off
            at_us = max(at_us, 1)
            spec.value = _TimeSpec(at_us // 1_000_000, at_us % 1_000_000 * 1_000)
        if self._libc.timerfd_settime(self._descriptor, TFD_TIMER_ABSTIME, ctypes.byref(spec), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _ring(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # set anew since it rang
            return
        self._on_due()
