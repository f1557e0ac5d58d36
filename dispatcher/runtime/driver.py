"""
The live driver of the scheduler: real time in, commands out, no decision of its own.

Whatever happens within one turn of the event loop reaches the scheduler in one step, all
arrivals as arrays. Events of workers come before arrivals, so that requests put back from
a lost GPU arrive after its loss.

A timer rings late by what it takes to wake a process, some hundred microseconds. Told the
later instant, the scheduler would find many a schedulable window closed and drop a head
that has milliseconds left of its response budget. So a timer that rings late by less than
a share of that budget is told as on time, in a step of its own before everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from dispatcher.core.events import Command, DropRequest, Event, RequestsArrived, SetTimer, StartBatch, WakeUp
from dispatcher.runtime.alarm import AlarmMaker, alarm
from dispatcher.runtime.clock import Now, now_us
from dispatcher.runtime.event_log import EventRecorder

TIMER_LATENESS_US_MAX = 1_000
"""Beyond this the machine is too busy for the scheduler to plan as though it were not."""

TIMER_LATENESS_SHARE_MAX = 0.25
"""Of the response budget: the rest is for the answer's own way."""


class SteppedScheduler(Protocol):
    """The part of ``dispatcher.core.scheduler.Scheduler`` that a driver uses."""

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]: ...


class SchedulerDriver:
    """
    Steps ``scheduler`` whenever something happened or its timer is due.

    ``on_start`` and ``on_drop`` carry out its commands. ``on_bug`` is told of an exception
    in the scheduler or in carrying out a command: neither can be trusted after it.
    ``resp_us`` is the response budget of the sub-cluster's delays. ``now`` and ``make_alarm``
    are the machine's unless a test brings its own clock.
    """

    def __init__(
        self,
        scheduler: SteppedScheduler,
        loop: asyncio.AbstractEventLoop,
        *,
        resp_us: int,
        on_start: Callable[[StartBatch], None],
        on_drop: Callable[[DropRequest], None],
        on_bug: Callable[[Exception], None],
        recorder: EventRecorder | None = None,
        now: Now = now_us,
        make_alarm: AlarmMaker = alarm,
    ) -> None:
        self._scheduler = scheduler
        self._loop = loop
        self._on_start = on_start
        self._on_drop = on_drop
        self._on_bug = on_bug
        self._recorder = recorder
        self._now = now
        self._alarm = make_alarm(loop, self._turn)
        self._events: list[Event] = []
        self._arrivals: list[RequestsArrived] = []
        self._model_index: list[int] = []
        self._request_id: list[int] = []
        self._deadline_us: list[int] = []
        self._tenant_index: list[int] = []
        self._lateness_us_max = min(TIMER_LATENESS_US_MAX, int(resp_us * TIMER_LATENESS_SHARE_MAX))
        self._timer_us: int | None = None
        self._told_us = 0
        self._step_is_due = False
        self._closed = False

    def arrive(self, model_index: int, request_id: int, deadline_us: int, tenant_index: int = 0) -> None:
        """One request for the next step."""
        self._model_index.append(model_index)
        self._request_id.append(request_id)
        self._deadline_us.append(deadline_us)
        self._tenant_index.append(tenant_index)
        self._step_soon()

    def arrive_many(self, arrivals: RequestsArrived) -> None:
        """Many requests for the next step."""
        self._arrivals.append(arrivals)
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
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Step for a timer that is due, then for all that happened in this turn of the loop."""
        self._step_is_due = False
        instant_us = self._now()
        if self._timer_us is not None and self._timer_us <= instant_us and not self._closed:
            due_us, self._timer_us = self._timer_us, None
            on_time = instant_us - due_us <= self._lateness_us_max
            self._step(max(due_us, self._told_us) if on_time else instant_us, [WakeUp()])
        if (self._events or self._request_id or self._arrivals) and not self._closed:
            self._step(instant_us, self._take_events())

    def _step(self, instant_us: int, events: Sequence[Event]) -> None:
        self._told_us = instant_us
        try:
            commands = self._scheduler.step(instant_us, events)
            if self._recorder is not None:
                self._recorder.record(instant_us, events, commands)
            self._carry_out(commands)
        except Exception as error:
            self._on_bug(error)

    def _take_events(self) -> list[Event]:
        events: list[Event] = [*self._events, *self._arrivals]
        self._events, self._arrivals = [], []
        if self._request_id:
            events.append(
                RequestsArrived(
                    np.array(self._model_index, dtype=np.int32),
                    np.array(self._request_id, dtype=np.int64),
                    np.array(self._deadline_us, dtype=np.int64),
                    np.array(self._tenant_index, dtype=np.int32) if any(self._tenant_index) else None,
                )
            )
            self._model_index, self._request_id = [], []
            self._deadline_us, self._tenant_index = [], []
        return events

    def _carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, StartBatch):
                self._on_start(command)
            elif isinstance(command, DropRequest):
                self._on_drop(command)
            elif isinstance(command, SetTimer):
                self._timer_us = int(command.at_us)
                self._alarm.set(self._timer_us)
