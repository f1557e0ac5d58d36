"""
Random events in random order: whatever a driver may report, the scheduler keeps its promises.

After each rule the state is valid, the twin has given the same commands, no request is
answered twice and no GPU holds more than two batches. At the end the driver obeys: every
timer is kept, every batch is reported finished. Then nothing may be left.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropReason,
    DropRequest,
    Event,
    GpuAdded,
    GpuLost,
    PreemptBatch,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.scheduler import Scheduler
from tests.naive.rivals import naive_scheduler
from tests.property.test_core_twin import model_specs, plain

STEPS_TO_THE_END_MAX = 10_000
DELAYS = (Delays(0, 0, 0), Delays(), Delays(100, 900, 500), Delays(2_000, 0, 0))
any_of_them = st.integers(0, 10**6)  # taken modulo how many there are


class SchedulerMachine(RuleBasedStateMachine):
    """A driver that reports anything that can happen, and remembers what it was told to do."""

    @initialize(
        models=st.integers(1, 4).flatmap(lambda count: st.tuples(*(model_specs(m) for m in range(count)))),
        speeds=st.lists(st.sampled_from([0.5, 1.0, 1.0, 2.0]), min_size=1, max_size=4),
        delays=st.sampled_from(DELAYS),
        policy=st.sampled_from(Policy),
        drop=st.sampled_from([None, *DropRule]),
        time_quantile=st.sampled_from([None, 0.5, 0.9, 0.999]),
    )
    def start(
        self,
        models: tuple[ModelSpec, ...],
        speeds: list[float],
        delays: Delays,
        policy: Policy,
        drop: DropRule | None,
        time_quantile: float | None,
    ) -> None:
        self.models, self.delays, self.rules = (
            models,
            delays,
            Rules(policy, drop, time_quantile=time_quantile),
        )
        given = {"delays": delays, "rules": self.rules, "gpu_speeds": speeds}
        self.scheduler = Scheduler(models, len(speeds), **given)
        self.twin = naive_scheduler(models, len(speeds), **given)
        self.now_us = 0
        self.timer_us: int | None = None
        self.held: list[list[StartBatch]] = [[] for _ in speeds]  # by GPU, the older first
        self.lost: set[int] = set()
        self.arrived = 0
        self.answered: set[int] = set()
        self.waiting: dict[int, tuple[int, int]] = {}  # request -> (model, deadline)
        self.executing: dict[int, tuple[int, int]] = {}
        self.batches = 0

    # What may happen

    @rule(
        requests=st.lists(
            st.tuples(any_of_them, st.sampled_from([0, 0, -70_000, -3_000, 3_000, 10**6])),
            min_size=1,
            max_size=5,
        )
    )
    def requests_arrive(self, requests: list[tuple[int, int]]) -> None:
        """Of any models, some with deadlines that are passed or far away."""
        self.step(self.arrivals([(which % len(self.models), odd_us) for which, odd_us in requests]))

    @rule(which=any_of_them, count=st.integers(6, 40))
    def burst_arrives(self, which: int, count: int) -> None:
        """Of one model; a short queue is full."""
        self.step(self.arrivals([(which % len(self.models), 0)] * count))

    @rule(gap_us=st.sampled_from([1, 200, 2_000, 20_000, 300_000, 6_000_000]))
    def time_passes(self, gap_us: int) -> None:
        """Whatever was to be reported within it is reported late."""
        self.now_us += gap_us

    @rule()
    def timer_fires_early(self) -> None:
        self.step(WakeUp())

    @precondition(lambda self: self.timer_us is not None)
    @rule(late_us=st.sampled_from([0, 0, 0, 1, 700, 30_000]))
    def timer_fires(self, late_us: int) -> None:
        self.now_us = max(self.now_us, self.timer_us + late_us)
        self.step(WakeUp())

    @precondition(lambda self: self.executing)
    @rule(which=any_of_them, late_us=st.sampled_from([0, 0, 0, 1, 900, 40_000]))
    def batch_finishes(self, which: int, late_us: int) -> None:
        busy = self.busy_gpus()
        gpu_id = busy[which % len(busy)]
        self.now_us = max(self.now_us, self.held[gpu_id][0].finish_us + late_us)
        self.step(self.finished(gpu_id))

    @precondition(lambda self: self.executing)
    @rule(which=any_of_them)
    def batch_finishes_early(self, which: int) -> None:
        busy = self.busy_gpus()
        self.step(self.finished(busy[which % len(busy)]))

    @precondition(lambda self: len(self.executing) > 1)
    @rule()
    def every_gpu_reports_at_once(self) -> None:
        busy = self.busy_gpus()
        self.now_us = max([self.now_us, *(self.held[gpu_id][0].finish_us for gpu_id in busy)])
        self.step(*(self.finished(gpu_id) for gpu_id in busy))

    @precondition(lambda self: len(self.lost) < len(self.held))
    @rule(which=any_of_them)
    def gpu_is_lost(self, which: int) -> None:
        """Its requests arrive again, with their old ids and deadlines."""
        here = [gpu_id for gpu_id in range(len(self.held)) if gpu_id not in self.lost]
        gpu_id = here[which % len(here)]
        self.lost.add(gpu_id)
        again = [request for batch in self.held[gpu_id] for request in batch.request_ids.tolist()]
        self.held[gpu_id] = []
        for request in again:
            self.waiting[request] = self.executing.pop(request)
        self.step(GpuLost(gpu_id), *([self.told(again)] if again else []))

    @precondition(lambda self: self.lost)
    @rule(which=any_of_them)
    def gpu_comes_back(self, which: int) -> None:
        gpu_id = sorted(self.lost)[which % len(self.lost)]
        self.lost.remove(gpu_id)
        self.step(GpuAdded(gpu_id))

    @precondition(lambda self: len(self.held) < 8)
    @rule()
    def gpu_is_new(self) -> None:
        self.held.append([])
        self.step(GpuAdded(len(self.held) - 1))

    # What must hold

    @invariant()
    def state_is_valid(self) -> None:
        self.scheduler.validate()

    @invariant()
    def every_request_is_in_one_place(self) -> None:
        assert len(self.waiting) + len(self.executing) + len(self.answered) == self.arrived
        assert int(self.scheduler._state.model["count"].sum()) == len(self.waiting)

    @invariant()
    def no_gpu_holds_more_than_two_batches(self) -> None:
        assert all(len(held) <= 2 for held in self.held)

    def teardown(self) -> None:
        """Liveness: a driver that obeys sees every request answered."""
        if not hasattr(self, "scheduler"):
            return
        for _ in range(STEPS_TO_THE_END_MAX):
            ends_us = [self.held[gpu_id][0].finish_us for gpu_id in self.busy_gpus()]
            instants = ends_us + ([self.timer_us] if self.timer_us is not None else [])
            if not instants:
                break
            self.now_us = max(self.now_us, min(instants))
            due = [gpu_id for gpu_id in self.busy_gpus() if self.held[gpu_id][0].finish_us <= self.now_us]
            self.step(*(self.finished(gpu_id) for gpu_id in due), WakeUp())
            self.state_is_valid()
        else:
            raise AssertionError("it never comes to an end")
        is_for_ever = self.rules.drop_rule is DropRule.NEVER and len(self.lost) == len(self.held)
        assert is_for_ever or not self.waiting, "requests wait and nothing will ever happen"
        assert len(self.answered) + len(self.waiting) == self.arrived

    # The driver

    def busy_gpus(self) -> list[int]:
        return [gpu_id for gpu_id, held in enumerate(self.held) if held]

    def arrivals(self, requests: list[tuple[int, int]]) -> Event:
        """New requests of ``(model, by how much the deadline is odd)``."""
        first = self.arrived
        for m, odd_us in requests:
            due_us = self.now_us + self.models[m].slo_us - self.delays.resp_us + odd_us
            self.waiting[self.arrived] = (m, due_us)
            self.arrived += 1
        return self.told(list(range(first, self.arrived)))

    def told(self, requests: list[int]) -> Event:
        self.just_arrived = set(requests)
        return RequestsArrived(
            np.array([self.waiting[request][0] for request in requests], np.int32),
            np.array(requests, np.int64),
            np.array([self.waiting[request][1] for request in requests], np.int64),
        )

    def finished(self, gpu_id: int) -> Event:
        batch = self.held[gpu_id].pop(0)
        for request in batch.request_ids.tolist():
            self.answer(request, self.executing)
        return BatchFinished(gpu_id, batch.batch_id)

    def answer(self, request: int, where: dict[int, tuple[int, int]]) -> None:
        assert request in where, f"request {request} is answered twice, or was never asked"
        del where[request]
        self.answered.add(request)

    def step(self, *events: Event) -> None:
        if not any(isinstance(event, RequestsArrived) for event in events):
            self.just_arrived = set()
        commands = self.scheduler.step(self.now_us, events)
        expected = self.twin.step(self.now_us, events)
        assert [plain(command) for command in commands] == [plain(command) for command in expected]
        self.timer_us = None
        for command in commands:
            self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case StartBatch():
                self.start_batch(command)
            case PreemptBatch(gpu_id, batch_id):
                assert [each.batch_id for each in self.held[gpu_id]] == [batch_id], "not its only batch"
                for request in self.held[gpu_id].pop().request_ids.tolist():
                    self.waiting[request] = self.executing.pop(request)
            case DropRequest(request_id, reason):
                if reason is DropReason.QUEUE_FULL:
                    assert request_id in self.just_arrived, "refused after it had been let in"
                else:
                    assert self.rules.drop_rule is not DropRule.NEVER
                self.answer(request_id, self.waiting)
            case SetTimer(at_us):
                assert at_us > self.now_us, f"a timer at {at_us}, now is {self.now_us}"
                assert self.timer_us is None, "two timers"
                self.timer_us = at_us
            case unknown:
                assert_never(unknown)

    def start_batch(self, batch: StartBatch) -> None:
        assert batch.gpu_id not in self.lost, f"GPU {batch.gpu_id} is not there"
        assert batch.batch_id == self.batches, "ids of batches count up"
        self.batches += 1
        requests = batch.request_ids.tolist()
        model = self.models[batch.model_index]
        assert 1 <= len(requests) <= model.batch_size_max
        assert batch.start_us >= self.now_us + self.delays.lead_us(len(requests))
        dues_us = []
        for request in requests:
            assert request in self.waiting, f"request {request} does not wait"
            m, due_us = self.executing[request] = self.waiting.pop(request)
            assert m == batch.model_index, "a batch of two models"
            dues_us.append(due_us)
        keys = list(zip(dues_us, requests, strict=True))
        assert keys == sorted(keys), "out of order"
        is_late = batch.finish_us > min(dues_us)
        assert not is_late or self.rules.drop_rule is DropRule.NEVER, "started although it will be late"
        self.held[batch.gpu_id].append(batch)


TestSchedulerMachine = SchedulerMachine.TestCase
TestSchedulerMachine.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
