"""The compiled scheduler gives exactly the commands of its slow twin, whatever happens."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropRequest,
    Event,
    GpuAdded,
    GpuLost,
    GpuRetired,
    PreemptBatch,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.scheduler import Scheduler
from dispatcher.core.tenant_spec import TenantSpec
from tests.naive.rivals import naive_scheduler


@dataclass(frozen=True)
class Regime:
    """What a run is like; drawn, so that a failing one shrinks to the simplest that fails."""

    seed: int
    rules: Rules
    delays: Delays
    speeds: tuple[float, ...]
    models: tuple[ModelSpec, ...]
    requests: int
    gap_us_mean: int
    deadline_spread_us: int
    tenants: tuple[TenantSpec, ...]
    loses_gpus: bool
    is_late: bool  # timers and batches may be reported late
    paces: tuple[float, float] | None = None  # least and most of true over profiled execution times


@st.composite
def model_specs(draw: st.DrawFn, index: int) -> ModelSpec:
    steps = draw(st.lists(st.integers(0, 3_000), min_size=0, max_size=11))
    table = np.cumsum([draw(st.integers(1, 12_000)), *steps])
    slo_us = draw(st.integers(3_000, 60_000))
    queue_max = draw(st.sampled_from([3, 12, 100]))
    return ModelSpec(f"m{index}", slo_us, np.array([0, *table], dtype=np.int64), queue_max)


@st.composite
def tenant_specs(draw: st.DrawFn, index: int) -> TenantSpec:
    return TenantSpec(f"t{index}", draw(st.integers(1, 5)), draw(st.integers(0, 2)))


@st.composite
def regimes(draw: st.DrawFn) -> Regime:
    equal = draw(st.booleans())
    speed = st.just(1.0) if equal else st.sampled_from([0.3, 0.5, 1.0, 2.0])
    return Regime(
        seed=draw(st.integers(0, 2**32)),
        rules=Rules(
            draw(st.sampled_from(Policy)),
            draw(st.sampled_from([None, *DropRule])),
            time_quantile=draw(st.sampled_from([None, 0.5, 0.9, 0.999])),
        ),
        delays=draw(st.sampled_from([Delays(0, 0, 0), Delays(), Delays(100, 900, 500), Delays(2_000, 0, 0)])),
        speeds=tuple(draw(st.lists(speed, min_size=1, max_size=5))),
        models=tuple(draw(model_specs(index)) for index in range(draw(st.integers(1, 4)))),
        requests=draw(st.integers(1, 120)),
        gap_us_mean=draw(st.sampled_from([50, 300, 1_000, 5_000, 400_000])),
        deadline_spread_us=draw(st.sampled_from([0, 0, 20_000])),
        tenants=tuple(draw(tenant_specs(index)) for index in range(draw(st.integers(1, 3)))),
        loses_gpus=draw(st.booleans()),
        is_late=draw(st.booleans()),
        paces=draw(st.sampled_from([None, (0.9, 1.2), (0.1, 0.5), (1.3, 1.3), (0.5, 9.0)])),
    )


def plain(command: Command) -> tuple[object, ...]:
    """The command as something that compares by value."""
    if isinstance(command, StartBatch):
        place = (command.gpu_id, command.batch_id, command.model_index)
        return ("start", *place, tuple(command.request_ids.tolist()), command.start_us, command.finish_us)
    if isinstance(command, DropRequest):
        return ("drop", command.request_id, command.reason)
    if isinstance(command, PreemptBatch):
        return ("preempt", command.gpu_id, command.batch_id)
    return ("timer", command.at_us)


class Twins:
    """Both schedulers under one virtual clock; asserts that they agree at every step."""

    def __init__(self, regime: Regime) -> None:
        self.regime = regime
        self.random = random.Random(regime.seed)
        given = {
            "delays": regime.delays,
            "rules": regime.rules,
            "gpu_speeds": regime.speeds,
            "tenants": regime.tenants,
        }
        self.fast = Scheduler(regime.models, len(regime.speeds), **given)
        self.slow = naive_scheduler(regime.models, len(regime.speeds), **given)
        self._give_each_model_some_hold()
        self.now_us = self.random.randrange(10**6)
        self.timer_us: int | None = None
        self.executing: dict[int, list[StartBatch]] = {}  # by GPU, the older first
        self.finishes_us: dict[int, int] = {}  # by batch, when it is reported
        self.lost: list[int] = []
        self.leaving: set[int] = set()
        self.gpus_known = len(regime.speeds)
        self.open: dict[int, tuple[int, int]] = {}  # request -> (model, deadline)

    def _give_each_model_some_hold(self) -> None:
        """Two hundred requests earn a whole one: more than a run has for each."""
        for m, model in enumerate(self.slow.models):
            model.hold_ppm = self.random.choice([0, 1_000_000, 1_000_000, self.random.randrange(1_000_000)])
            self.fast._state.model["hold_ppm"][m] = model.hold_ppm

    def run(self) -> None:
        arrivals = self._arrivals()
        while arrivals or self.open or self.timer_us is not None:
            instants = [arrivals[0][0]] if arrivals else []
            instants += [self.finishes_us[held[0].batch_id] for held in self.executing.values() if held]
            instants += [self.timer_us] if self.timer_us is not None else []
            if not instants and len(self.lost) == self.gpus_known and self._keeps_late_requests():
                break
            assert instants, "requests wait and nothing will ever happen"
            self.now_us = max(self.now_us, min(instants))
            events = self._finished()
            if self.regime.loses_gpus and self.random.random() < 0.03:
                events += self._lost_or_added()
            here = [each for each in arrivals if each[0] <= self.now_us]
            arrivals = arrivals[len(here) :]
            self._step([*events, *self._arrived([each[1:] for each in here]), WakeUp()])
        assert abs(self.fast.hold_factor - max(0, self.slow.hold_ppm) / 1e6) < 1e-12
        own_ppm = [model.hold_ppm for model in self.slow.models]
        assert self.fast._state.model["hold_ppm"].tolist() == own_ppm

    def _keeps_late_requests(self) -> bool:
        return self.regime.rules.drop is DropRule.NEVER

    def _arrivals(self) -> list[tuple[int, int, int, int]]:
        at_us, found = self.now_us, []
        for request_id in range(self.regime.requests):
            at_us += int(self.random.expovariate(1 / self.regime.gap_us_mean))
            m = self.random.randrange(len(self.regime.models))
            deadline_us = at_us + self.regime.models[m].slo_us - self.regime.delays.resp_us
            deadline_us += self.random.randint(
                -self.regime.deadline_spread_us, self.regime.deadline_spread_us
            )
            found.append((at_us, m, request_id, deadline_us))
        return found

    def _arrived(self, requests: list[tuple[int, int, int]]) -> list[Event]:
        if not requests:
            return []
        for m, request_id, deadline_us in requests:
            self.open[request_id] = (m, deadline_us)
        columns = list(zip(*requests, strict=True))
        return [
            RequestsArrived(
                np.array(columns[0], np.int32),
                np.array(columns[1], np.int64),
                np.array(columns[2], np.int64),
                np.array([request_id % len(self.regime.tenants) for request_id in columns[1]], np.int32),
            )
        ]

    def _finished(self) -> list[Event]:
        events: list[Event] = []
        for gpu_id in sorted(self.executing):
            held = self.executing[gpu_id]
            if held and self.finishes_us[held[0].batch_id] <= self.now_us:
                done = held.pop(0)
                for request_id in done.request_ids.tolist():
                    del self.open[request_id]
                events.append(BatchFinished(gpu_id, done.batch_id))
                if not held and gpu_id in self.leaving:
                    self._note_lost(gpu_id)
                if held and self.finishes_us[held[0].batch_id] <= self.now_us:
                    self.finishes_us[held[0].batch_id] = self.now_us + 1
        return events

    def _lost_or_added(self) -> list[Event]:
        if self.lost and self.random.random() < 0.6:
            return [GpuAdded(self.lost.pop())]
        if self.random.random() < 0.2:
            self.gpus_known += 1
            return [GpuAdded(self.gpus_known - 1)]
        here = [g for g in range(self.gpus_known) if g not in self.lost]
        if not here:
            return []
        gpu_id = self.random.choice(here)
        can_leave = self.regime.rules.policy not in (Policy.NEXUS, Policy.SHEPHERD)
        if can_leave and self.random.random() < 0.5:
            self.leaving.add(gpu_id)
            if not self.executing.get(gpu_id):
                self._note_lost(gpu_id)
            return [GpuRetired(gpu_id)]
        self._note_lost(gpu_id)
        again = [i for batch in self.executing.pop(gpu_id, []) for i in batch.request_ids.tolist()]
        return [GpuLost(gpu_id), *self._arrived([(self.open[i][0], i, self.open[i][1]) for i in again])]

    def _note_lost(self, gpu_id: int) -> None:
        self.lost.append(gpu_id)
        self.leaving.discard(gpu_id)

    def _step(self, events: list[Event]) -> None:
        fast = self.fast.step(self.now_us, events)
        slow = self.slow.step(self.now_us, events)
        assert [plain(command) for command in fast] == [plain(command) for command in slow]
        self.fast.validate()
        if self.random.random() < 0.2:
            self.fast.take_observation()  # looking changes nothing
        self.timer_us = None
        for command in fast:
            if isinstance(command, StartBatch):
                self._start(command)
            elif isinstance(command, PreemptBatch):
                stopped = self.executing[command.gpu_id].pop()
                assert stopped.batch_id == command.batch_id
                assert not self.executing[command.gpu_id], "preempted although another batch waits behind it"
            elif isinstance(command, DropRequest):
                del self.open[command.request_id]
            elif isinstance(command, SetTimer):
                assert command.at_us > self.now_us
                late_us = self.random.randrange(2_000) if self.regime.is_late else 0
                self.timer_us = command.at_us + late_us

    def _start(self, command: StartBatch) -> None:
        assert command.gpu_id not in self.leaving, "a GPU that leaves got a batch"
        held = self.executing.setdefault(command.gpu_id, [])
        assert len(held) < 2
        for request_id in command.request_ids.tolist():
            is_in_time = command.finish_us <= self.open[request_id][1]
            assert is_in_time or self._keeps_late_requests(), "started although it will be late"
        late_us = self.random.randrange(5_000) if self.regime.is_late else 0
        self.finishes_us[command.batch_id] = max(self._true_finish_us(command) + late_us, self.now_us + 1)
        held.append(command)

    def _true_finish_us(self, batch: StartBatch) -> int:
        if self.regime.paces is None:
            return batch.finish_us
        profile_us = int(self.regime.models[batch.model_index].latency_us[len(batch.request_ids)])
        return batch.start_us + int(profile_us * self.random.uniform(*self.regime.paces))


@settings(max_examples=250, deadline=None)
@given(regimes())
def test_scheduler_and_twin_agree_on_every_command(regime: Regime) -> None:
    Twins(regime).run()
