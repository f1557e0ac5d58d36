"""When to come back: exact where nothing more arrives, in proportion to what the GPUs could not do else."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.events import BatchFinished, DropRequest, Event, GpuLost, RequestsArrived, StartBatch
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.scheduler import Scheduler
from dispatcher.frontend.service import Reason, Refusal
from dispatcher.runtime.retry_after import RetryAfter

EXECUTION_US = 1_000_000
SLO_US = 6_000_000
GPUS = 2
US = 1_000_000


class House:
    """Two GPUs, one model of a second a request, one at a time; time goes by when told to."""

    def __init__(self) -> None:
        spec = ModelSpec("m", SLO_US, np.array([0, EXECUTION_US], dtype=np.int64))
        rules = Rules(Policy.EAGER, DropRule.HOPELESS)
        self.core = Scheduler([spec], GPUS, delays=Delays(0, 0, 0), rules=rules)
        self.now_us = 0
        self.id = 0
        self.ends: dict[int, int] = {}
        self.dropped: set[int] = set()
        self.executing: list[tuple[int, int, StartBatch]] = []

    def ask(self, count: int, slo_us: int = SLO_US) -> range:
        """Requests that come now."""
        ids = range(self.id, self.id + count)
        self.id += count
        deadlines = np.full(count, self.now_us + slo_us)
        self.step([RequestsArrived(np.zeros(count, np.int32), np.array(ids), deadlines)])
        return ids

    def pass_time(self, until_us: int) -> None:
        while self.executing and min(self.executing)[0] <= until_us:
            at_us, gpu, batch = min(self.executing, key=lambda each: each[:2])
            self.executing.remove((at_us, gpu, batch))
            self.now_us = at_us
            self.ends |= dict.fromkeys(batch.request_ids.tolist(), at_us)
            self.step([BatchFinished(gpu, batch.batch_id)])
        self.now_us = until_us

    def step(self, events: list[Event]) -> None:
        for command in self.core.step(self.now_us, events):
            if isinstance(command, StartBatch):
                at_us = max([self.now_us, *(at for at, gpu, _ in self.executing if gpu == command.gpu_id)])
                self.executing.append((at_us + EXECUTION_US, command.gpu_id, command))
            elif isinstance(command, DropRequest):
                self.dropped.add(int(command.request_id))


@pytest.mark.parametrize("waiting", [20, 21, 40])
def test_who_comes_back_when_told_is_in_time_and_who_comes_earlier_is_not(waiting: int) -> None:
    """A backlog of n requests with long deadlines lasts n / 2 s, of which 5 fit into the SLO's slack."""
    house = House()
    house.ask(waiting, slo_us=100 * US)
    wait_us = house.core.catching_up_us(0, house.now_us)
    assert wait_us == waiting * EXECUTION_US // GPUS - (SLO_US - EXECUTION_US)
    early = House()
    early.ask(waiting, slo_us=100 * US)
    for each, come_us in ((house, wait_us), (early, wait_us - US)):
        each.pass_time(come_us)
        # behind the backlog: a request with a long deadline that would otherwise be overtaken by this one
        (mine,) = each.ask(1, slo_us=100 * US)
        each.pass_time(100 * US)
        assert not each.dropped
        assert (each.ends[mine] - come_us <= SLO_US) == (each is house)


def test_without_a_backlog_at_once_and_without_gpus_nobody_knows() -> None:
    house = House()
    assert house.core.catching_up_us(0, 0) == 0
    house.step([GpuLost(0), GpuLost(1)])
    assert house.core.catching_up_us(0, 0) is None


def test_what_was_asked_above_what_the_gpus_can_do_is_waited_for() -> None:
    """Three times the load for five seconds: ten more seconds are needed for all that was asked."""
    house = House()
    for tick in range(60):
        house.pass_time(tick * US // 6)
        house.ask(1)
    house.pass_time(10 * US)
    found = house.core.catching_up_us(0, house.now_us)
    assert found is not None
    assert found == pytest.approx(10 * US, abs=1.2 * US)


def test_clients_are_told_whole_seconds_within_bounds() -> None:
    refusal = Refusal(Reason.GPUS_BUSY, "why")
    house = House()
    told = RetryAfter(house.core, 1)
    assert told.told(refusal, 0, 0) is refusal
    house.ask(41, slo_us=1_000 * US)
    assert told.told(refusal, 0, 0) is refusal, "looked at again within a tenth of a second"
    assert told.told(refusal, 0, 200_000).retry_after_s == 16
    house.ask(1_000, slo_us=1_000 * US)
    assert told.told(refusal, 0, 400_000).retry_after_s == 60
    house.step([GpuLost(0), GpuLost(1)])
    assert told.told(refusal, 0, 600_000).retry_after_s == 1
