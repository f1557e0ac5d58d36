"""
The live driver of the scheduler: real time in, commands out, no decision of its own.

Whatever happens within one turn of the event loop reaches the scheduler in one step, all
arrivals as arrays. Events of workers come before arrivals, so that requests put back from
a lost GPU arrive after its loss.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from dispatcher.core.events import Command, DropRequest, Event, RequestsArrived, SetTimer, StartBatch, WakeUp
from dispatcher.runtime.alarm import alarm
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.event_log import EventRecorder


class SteppedScheduler(Protocol):
    """The part of ``dispatcher.core.scheduler.Scheduler`` that a driver uses."""

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]: ...


class SchedulerDriver:
    """
    Steps ``scheduler`` whenever something happened or its timer is due.

    ``on_start`` and ``on_drop`` carry out its commands. ``on_bug`` is told of an exception
    in the scheduler or in carrying out a command: neither can be trusted after it.
    """

    def __init__(
        self,
        scheduler: SteppedScheduler,
        loop: asyncio.AbstractEventLoop,
        *,
        on_start: Callable[[StartBatch], None],
        on_drop: Callable[[DropRequest], None],
        on_bug: Callable[[Exception], None],
        recorder: EventRecorder | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._loop = loop
        self._on_start = on_start
        self._on_drop = on_drop
        self._on_bug = on_bug
        self._recorder = recorder
        self._alarm = alarm(loop, self._wake_up)
        self._events: list[Event] = []
        self._model_index: list[int] = []
        self._request_id: list[int] = []
        self._deadline_us: list[int] = []
        self._step_is_due = False
        self._closed = False

    def arrive(self, model_index: int, request_id: int, deadline_us: int) -> None:
        """One request for the next step."""
        self._model_index.append(model_index)
        self._request_id.append(request_id)
        self._deadline_us.append(deadline_us)
        self._step_soon()

    def tell(self, event: Event) -> None:
        """One event of a worker for the next step."""
        self._events.append(event)
        self._step_soon()

    def close(self) -> None:
        """Step no more."""
        if not self._closed:
            self._closed = True
            self._alarm.close()

    def _step_soon(self) -> None:
        if not self._step_is_due:
            self._step_is_due = True
            self._loop.call_soon(self._step)

    def _wake_up(self) -> None:
        self._events.append(WakeUp())
        self._step()

    def _step(self) -> None:
        self._step_is_due = False
        if self._closed or (not self._events and not self._request_id):  # a timer took them along
            return
        try:
            events = self._take_events()
            instant_us = now_us()
            commands = self._scheduler.step(instant_us, events)
            if self._recorder is not None:
                self._recorder.record(instant_us, events, commands)
            self._carry_out(commands)
        except Exception as error:
            self._on_bug(error)

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        if self._request_id:
            events.append(
                RequestsArrived(
                    np.array(self._model_index, dtype=np.int32),
                    np.array(self._request_id, dtype=np.int64),
                    np.array(self._deadline_us, dtype=np.int64),
                )
            )
            self._model_index, self._request_id, self._deadline_us = [], [], []
        return events

    def _carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, StartBatch):
                self._on_start(command)
            elif isinstance(command, DropRequest):
                self._on_drop(command)
            elif isinstance(command, SetTimer):
                self._alarm.set(command.at_us)
