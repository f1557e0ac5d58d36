from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropReason,
    DropRequest,
    Event,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.driver import TIMER_LATENESS_US_MAX, SchedulerDriver

START = StartBatch(0, 1, 0, np.array([5], dtype=np.int64), 10, 20)
DROP = DropRequest(6, DropReason.QUEUE_FULL)


class Script:
    """Answers its steps with ``answers`` in turn; an exception among them is raised."""

    def __init__(self, *answers: list[Command] | Exception) -> None:
        self.answers = list(answers)
        self.steps: list[tuple[int, list[Event]]] = []
        self.stepped = asyncio.Semaphore(0)

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        self.steps.append((now_us, list(events)))
        self.stepped.release()
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer


class Driven:
    def __init__(self, script: Script) -> None:
        self.started: list[StartBatch] = []
        self.dropped: list[DropRequest] = []
        self.bugs: list[Exception] = []
        self.driver = SchedulerDriver(
            script,
            asyncio.get_running_loop(),
            resp_us=40_000,
            on_start=self.started.append,
            on_drop=self.dropped.append,
            on_bug=self.bugs.append,
        )


def test_all_of_one_turn_is_one_step_workers_before_arrivals() -> None:
    async def run() -> None:
        script = Script([START, DROP])
        driven = Driven(script)
        driven.driver.arrive(0, 5, 100)
        driven.driver.tell(BatchFinished(1, 9))
        driven.driver.arrive(1, 6, 200)
        await asyncio.sleep(0.01)
        ((_, events),) = script.steps
        finished, arrived = events
        assert finished == BatchFinished(1, 9)
        assert isinstance(arrived, RequestsArrived)
        assert arrived.model_index.tolist() == [0, 1]
        assert arrived.model_index.dtype == np.int32
        assert arrived.request_id.tolist() == [5, 6]
        assert arrived.deadline_us.tolist() == [100, 200]
        assert (driven.started, driven.dropped, driven.bugs) == ([START], [DROP], [])
        driven.driver.close()

    asyncio.run(run())


def test_a_timer_wakes_the_scheduler_up_and_not_before() -> None:
    async def run() -> None:
        due_us = now_us() + 20_000
        script = Script([SetTimer(due_us)])
        driven = Driven(script)
        driven.driver.arrive(0, 5, 100)
        await script.stepped.acquire()
        await script.stepped.acquire()
        instant_us = script.steps[1][0]
        assert instant_us == due_us or instant_us > due_us + TIMER_LATENESS_US_MAX
        assert script.steps[1][1] == [WakeUp()]
        await asyncio.sleep(0.01)
        assert len(script.steps) == 2
        driven.driver.close()

    asyncio.run(run())


def test_time_never_goes_back_when_a_late_timer_is_told_as_on_time() -> None:
    async def run() -> None:
        past_us = now_us() - 500
        script = Script([SetTimer(past_us)])
        driven = Driven(script)
        driven.driver.arrive(0, 5, 100)
        await script.stepped.acquire()
        driven.driver.arrive(0, 6, 100)
        await script.stepped.acquire()
        await script.stepped.acquire()
        instants = [instant_us for instant_us, _ in script.steps]
        assert instants == sorted(instants)
        assert [WakeUp()] in [events for _, events in script.steps]
        driven.driver.close()

    asyncio.run(run())


def test_a_bug_is_told_and_a_closed_driver_steps_no_more() -> None:
    async def run() -> None:
        bug = AssertionError("impossible")
        script = Script(bug)
        driven = Driven(script)
        driven.driver.arrive(0, 5, 100)
        await asyncio.sleep(0.01)
        assert driven.bugs == [bug]
        driven.driver.arrive(0, 6, 100)
        driven.driver.close()
        driven.driver.close()
        await asyncio.sleep(0.01)
        assert len(script.steps) == 1

    asyncio.run(run())
