"""The rules of scale advice by cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    GpuAdded,
    GpuRetired,
    InvalidEvent,
    RequestsArrived,
    StartBatch,
    WakeUp,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.observation import Observation
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.scale_advice import Advice, Reason, ScaleAdvisor, ScaleRules
from dispatcher.core.scheduler import Scheduler

STEADY = ScaleRules(
    bad_rate_max=0.02, need_intervals=1, hold_intervals=3, headroom_start=0.1, headroom_gain=0.0
)


def seen(need: float, *, bad: int = 0, touched: int = 99, arrived: int = 1_000) -> Observation:
    return Observation(arrived, bad, 0, 0, touched, need)


def test_as_many_more_gpus_as_answer_the_bad_share() -> None:
    # 8 GPUs answer 4/5 of the requests, so 10 answer all: 8 x 0.2 / 0.8 = 2.
    assert ScaleAdvisor(STEADY).advise(seen(7, bad=200), 8, 0) == Advice(2, Reason.BAD_RATE)


def test_gpus_that_start_count_as_added() -> None:
    # 8 serve, 2 are missing and 2 start.
    assert ScaleAdvisor(STEADY).advise(seen(7, bad=200), 10, 2) == Advice(0, Reason.ENOUGH)
    assert ScaleAdvisor(STEADY).advise(seen(7, bad=200), 9, 1) == Advice(1, Reason.BAD_RATE)


def test_need_with_headroom_is_rounded_up() -> None:
    # 10 x 1.1 = 11 and 10.1 x 1.1 = 11.11.
    assert ScaleAdvisor(STEADY).advise(seen(10), 11, 0) == Advice(0, Reason.ENOUGH)
    assert ScaleAdvisor(STEADY).advise(seen(10.1), 11, 0) == Advice(1, Reason.NEED)


def test_need_is_a_mean() -> None:
    advisor = ScaleAdvisor(ScaleRules(need_intervals=2, headroom_start=0.0, headroom_gain=0.0))
    assert advisor.advise(seen(10), 10, 0).gpus == 0
    assert advisor.advise(seen(14), 10, 0) == Advice(2, Reason.NEED)


def test_gpus_that_nobody_touched_are_not_kept() -> None:
    advisor = ScaleAdvisor(STEADY)
    advice = [advisor.advise(seen(10, touched=5), 11, 0) for _ in range(3)]
    # The need says 11, but ids 0 to 4 were enough, and one is spare.
    assert advice == [Advice(0, Reason.ENOUGH), Advice(0, Reason.ENOUGH), Advice(-5, Reason.IDLE)]


def test_gpus_go_back_only_after_the_holding_time_and_to_its_peak() -> None:
    advisor = ScaleAdvisor(STEADY)
    needs = [10, 5, 6, 5, 4, 4]
    assert [advisor.advise(seen(need), 11, 0).gpus for need in needs] == [0, 0, 0, -4, -4, -5]


def test_headroom_follows_the_bad_rate() -> None:
    advisor = ScaleAdvisor(ScaleRules(bad_rate_goal=0.005, headroom_gain=0.2, headroom_start=0.1))
    advisor.advise(seen(10, bad=15), 20, 0)  # 0.2 x (0.015 - 0.005)
    assert advisor.headroom == pytest.approx(0.102)
    advisor.advise(seen(10), 20, 0)  # 0.2 x (0 - 0.005)
    assert advisor.headroom == pytest.approx(0.101)
    advisor.advise(seen(10, bad=500), 20, 5)  # what GPUs that start will mend
    assert advisor.headroom == pytest.approx(0.101)


def test_an_idle_sub_cluster_keeps_one_gpu() -> None:
    advisor = ScaleAdvisor(STEADY)
    quiet = seen(0, touched=0, arrived=0)
    assert [advisor.advise(quiet, 3, 0).gpus for _ in range(3)] == [0, 0, -2]


@pytest.mark.parametrize(
    "faulty",
    [
        {"bad_rate_goal": 0.0},
        {"bad_rate_goal": 0.03},
        {"headroom_start": 2.0},
        {"hold_intervals": 0},
        {"spare_gpus": -1},
    ],
)
def test_rules_that_make_no_sense_are_refused(faulty: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        ScaleRules(**faulty)  # type: ignore[arg-type]


# What the advice is made from

LATENCY_US = np.array([0, 2_000, 3_000], dtype=np.int64)


def scheduler(gpus: int, drop: DropRule | None = None, queue_max: int = 100) -> Scheduler:
    spec = ModelSpec("m", 10_000, LATENCY_US, queue_max)
    return Scheduler([spec], gpus, delays=Delays(0, 0, 0), rules=Rules(Policy.EAGER, drop))


def arrived(*deadlines_us: int, first_id: int = 0) -> RequestsArrived:
    count = len(deadlines_us)
    ids = np.arange(first_id, first_id + count, dtype=np.int64)
    return RequestsArrived(np.zeros(count, np.int32), ids, np.array(deadlines_us, dtype=np.int64))


def test_an_observation_counts_and_begins_anew() -> None:
    core = scheduler(3)
    core.step(0, [arrived(10_000, 10_000, 10_000)])  # a batch of two and one of one
    first = core.take_observation()
    assert (first.arrived, first.bad, first.busy_us) == (3, 0, 5_000)
    assert (first.gpus_idle_min, first.gpus_touched) == (1, 2)
    core.step(2_000, [BatchFinished(1, 1)])
    second = core.take_observation()
    assert (second.arrived, second.busy_us, second.gpus_touched) == (0, 0, 0)
    assert second.gpus_idle_min == 1
    assert core.take_observation().gpus_idle_min == 2


@pytest.mark.parametrize(("drop", "bad"), [(None, 1), (DropRule.NEVER, 1)])
def test_dropped_and_hopeless_requests_are_bad(drop: DropRule | None, bad: int) -> None:
    core = scheduler(1, drop)
    core.step(0, [arrived(1_000)])
    assert core.take_observation().bad == bad


def test_a_refused_request_is_bad() -> None:
    core = scheduler(0, queue_max=2)
    core.step(0, [arrived(10_000, 10_000, 10_000)])
    assert core.take_observation().bad == 1


def test_need_is_the_rate_in_batches_of_the_target_size() -> None:
    # 5,000 requests in 5 s: the target is 2 (3 ms + 2 / 1,000 s <= 10 ms); 1,000 x 3 ms / 2 = 1.5 GPUs.
    core = scheduler(8)
    batches: dict[int, int] = {}
    for tick in range(5_000):
        now_us = 1_000 * tick
        done = [BatchFinished(gpu, batch) for gpu, batch in batches.items() if tick % 3 == 0]
        batches = {} if done else batches
        for command in core.step(now_us, [*done, arrived(now_us + 10_000, first_id=tick)]):
            if isinstance(command, StartBatch):
                batches.setdefault(command.gpu_id, command.batch_id)
    core.step(5_000_000, [WakeUp()])
    assert core.take_observation().gpus_needed == pytest.approx(1.5)


def test_a_retired_gpu_ends_what_it_holds_and_gets_no_more() -> None:
    core = scheduler(1)
    core.step(0, [arrived(10_000)])
    core.step(100, [GpuRetired(0)])
    assert not any(isinstance(each, StartBatch) for each in core.step(200, [arrived(20_000, first_id=1)]))
    core.step(2_000, [BatchFinished(0, 0)])
    core.validate()
    started = core.step(2_100, [GpuAdded(0)])
    assert any(isinstance(each, StartBatch) and each.gpu_id == 0 for each in started)


def test_an_idle_gpu_is_gone_as_soon_as_it_is_retired() -> None:
    core = scheduler(1)
    core.step(0, [GpuRetired(0)])
    with pytest.raises(InvalidEvent, match="GpuRetired: GPU 0 is not here"):
        core.step(1, [GpuRetired(0)])
