"""l(b) = b + 2 ms, SLO 10 ms, no delays, unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropReason,
    DropRequest,
    GpuAdded,
    GpuLost,
    InvalidEvent,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.outbox import STARTS_MAX
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.scheduler import Scheduler
from tests.unit.dispatcher.core.core_states import NO_DELAYS, model


def arrived(*requests: tuple[int, int], m: int = 0) -> RequestsArrived:
    """Requests (id, deadline) of one model."""
    ids, deadlines = zip(*requests, strict=True)
    return RequestsArrived(
        np.full(len(ids), m, dtype=np.int32), np.array(ids, np.int64), np.array(deadlines, np.int64)
    )


def scheduler(
    gpu_count: int = 1,
    *models: ModelSpec,
    rules: Rules = Rules(Policy.DEFERRED),  # noqa: B008 (frozen)
    delays: Delays = NO_DELAYS,
    gpu_speeds: Sequence[float] | None = None,
) -> Scheduler:
    return Scheduler(models or [model()], gpu_count, rules=rules, delays=delays, gpu_speeds=gpu_speeds)


def starts(commands: list[Command]) -> list[tuple[int, list[int], int, int]]:
    return [
        (each.gpu_id, each.request_ids.tolist(), each.start_us, each.finish_us)
        for each in commands
        if isinstance(each, StartBatch)
    ]


def timer(commands: list[Command]) -> int | None:
    return next((each.at_us for each in commands if isinstance(each, SetTimer)), None)


def test_deferred_batch_waits_on_an_idle_gpu_until_one_more_would_be_late() -> None:
    core = scheduler()
    assert core.step(0, [arrived((0, 10_000))]) == [SetTimer(6_000)]  # frontrun = 10 - l(2)
    commands = core.step(5_000, [arrived((1, 15_000))])
    assert starts(commands) == [(0, [0, 1], 5_000, 9_000)]  # frontrun is now 10 - l(3) = 5
    assert timer(commands) is None


def test_eager_batch_starts_at_once() -> None:
    core = scheduler(rules=Rules(Policy.EAGER))
    assert starts(core.step(7, [arrived((0, 10_000))])) == [(0, [0], 7, 3_007)]
    assert core.hold_factor == 0


def test_full_batch_does_not_wait() -> None:
    core = scheduler(1, model(batch_size_max=2))
    assert starts(core.step(0, [arrived((0, 10_000), (1, 10_000))])) == [(0, [0, 1], 0, 4_000)]


def test_lowest_id_takes_the_batch_so_that_idle_gpus_gather_at_the_end() -> None:
    core = scheduler(3, rules=Rules(Policy.EAGER))
    assert [gpu for gpu, *_ in starts(core.step(0, [arrived((0, 10_000))]))] == [0]
    assert [gpu for gpu, *_ in starts(core.step(1, [arrived((1, 10_000))]))] == [1]
    assert [gpu for gpu, *_ in starts(core.step(3_000, [BatchFinished(0, 0), arrived((2, 13_000))]))] == [0]


def test_first_window_to_end_goes_first() -> None:
    core = scheduler(1, model(), model(), rules=Rules(Policy.EAGER))
    core.step(0, [arrived((0, 10_000))])
    core.step(1, [arrived((1, 9_000)), arrived((2, 8_500), m=1)])
    assert starts(core.step(3_000, [BatchFinished(0, 0)])) == [(0, [2], 3_000, 6_000)]


def test_waiting_candidate_shrinks_when_its_window_ends_and_goes_when_it_is_hopeless() -> None:
    core = scheduler(1, rules=Rules(Policy.EAGER))
    core.step(0, [GpuLost(0)])
    commands = core.step(1, [arrived((0, 4_500), (1, 4_500))])
    assert timer(commands) == 501  # latest(2) = 0.5 ms
    assert timer(core.step(501, [WakeUp()])) == 1_501
    assert core.step(1_501, [WakeUp()]) == [
        DropRequest(0, DropReason.DEADLINE_UNREACHABLE),
        DropRequest(1, DropReason.DEADLINE_UNREACHABLE),
    ]


def test_batch_is_sent_early_enough_for_its_transfer_to_overlap_execution() -> None:
    core = scheduler(1, rules=Rules(Policy.EAGER), delays=Delays(100, 400, 0))
    assert starts(core.step(0, [arrived((0, 10_000))])) == [(0, [0], 500, 3_500)]
    commands = core.step(1, [arrived((1, 10_001))])
    assert timer(commands) == 3_000  # free at 3,500, less the lead of one request
    assert starts(core.step(3_000, [WakeUp()])) == [(0, [1], 3_500, 6_500)]


def test_gpu_never_holds_more_than_one_unstarted_batch() -> None:
    core = scheduler(1, rules=Rules(Policy.EAGER), delays=Delays(5_000, 0, 0))
    core.step(0, [arrived((0, 30_000))])
    assert starts(core.step(1, [arrived((1, 30_000))])) == []  # the first still is on its way
    assert starts(core.step(5_000, [WakeUp()])) == [(0, [1], 10_000, 13_000)]
    assert starts(core.step(6_000, [arrived((2, 60_000))])) == []


def test_overdue_gpu_counts_as_free_and_its_report_corrects_what_follows() -> None:
    core = scheduler(1, rules=Rules(Policy.EAGER))
    core.step(0, [arrived((0, 20_000))])
    core.step(2_999, [arrived((1, 20_000))])
    assert starts(core.step(3_500, [WakeUp()])) == [(0, [1], 3_500, 6_500)]
    core.step(3_600, [arrived((2, 20_000))])
    assert timer(core.step(4_000, [BatchFinished(0, 0)])) == 7_000


def test_lost_gpu_gets_no_work_until_it_is_added_again() -> None:
    core = scheduler(2, rules=Rules(Policy.EAGER))
    core.step(0, [arrived((0, 10_000))])
    commands = core.step(100, [GpuLost(0), arrived((0, 10_000), (1, 10_000))])
    assert starts(commands) == [(1, [0, 1], 100, 4_100)]
    assert starts(core.step(200, [arrived((2, 10_000))])) == []
    assert starts(core.step(300, [GpuAdded(0)])) == [(0, [2], 300, 3_300)]


def test_new_gpu_may_be_added_with_the_next_id() -> None:
    core = scheduler(1, rules=Rules(Policy.EAGER))
    core.step(0, [arrived((0, 10_000))])
    assert starts(core.step(1, [GpuAdded(1), arrived((1, 10_000))])) == [(1, [1], 1, 3_001)]
    core.validate()


def test_unequal_gpus_execute_at_their_own_speed() -> None:
    core = scheduler(2, rules=Rules(Policy.EAGER), gpu_speeds=[0.5, 2.0])
    assert starts(core.step(0, [arrived((0, 10_000))])) == [(0, [0], 0, 6_000)]
    assert starts(core.step(0, [arrived((1, 10_000))])) == [(1, [1], 0, 1_500)]


def test_queue_that_is_full_refuses() -> None:
    core = scheduler(1, model(queue_max=1))
    assert DropRequest(1, DropReason.QUEUE_FULL) in core.step(0, [arrived((0, 10_000), (1, 10_000))])


def test_more_commands_than_the_outbox_holds_are_all_given() -> None:
    count = 4 * STARTS_MAX
    core = scheduler(count, model(batch_size_max=1, queue_max=10 * count), rules=Rules(Policy.EAGER))
    commands = core.step(0, [arrived(*((i, 5_000) for i in range(count)))])
    assert len(starts(commands)) == count
    commands = core.step(1, [arrived(*((i, 3_500) for i in range(count, 9 * count)))])
    assert len([each for each in commands if isinstance(each, DropRequest)]) == 8 * count
    core.validate()


def test_request_that_no_gpu_can_begin_in_time_is_refused_at_once() -> None:
    core = scheduler(1, rules=Rules(Policy.EAGER))
    core.step(0, [arrived((0, 10_000))])  # executes until 3,000; a batch of one more until 6,000
    refused = [DropRequest(1, DropReason.GPUS_BUSY)]
    assert core.step(10, [arrived((1, 5_999))])[:1] == refused
    assert refused[0] not in core.step(20, [arrived((2, 6_000))])


def test_early_wake_up_changes_nothing() -> None:
    core = scheduler()
    core.step(0, [arrived((0, 10_000))])
    assert core.step(10, [WakeUp()]) == [SetTimer(6_000)]


@pytest.mark.parametrize(
    ("event", "story"),
    [
        (BatchFinished(0, 7), "batch 7 is not what GPU 0 executes; its oldest batch is 0"),
        (BatchFinished(1, 0), "batch 0 is not what GPU 1 executes; it holds no batch"),
        (BatchFinished(9, 0), "gpu_id must be in 0..1, got 9"),
        (GpuLost(-1), "gpu_id must be in 0..1, got -1"),
        (GpuAdded(0), "GPU 0 is here already"),
        (GpuAdded(3), "gpu_id must be in 0..1, got 3"),
        (arrived((5, 10), m=1), "request 5: model_index must be in 0..0, got 1"),
    ],
)
def test_what_cannot_have_happened_is_refused_with_its_story(event: BatchFinished, story: str) -> None:
    core = scheduler(2, rules=Rules(Policy.EAGER))
    core.step(0, [arrived((0, 10_000))])
    with pytest.raises(InvalidEvent, match=story):
        core.step(1, [event])


def test_time_does_not_go_back() -> None:
    core = scheduler()
    core.step(10, [])
    with pytest.raises(InvalidEvent, match="time went back from 10 to 9"):
        core.step(9, [])


def test_scheduler_needs_models_and_positive_speeds() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        Scheduler([], 1)
    for speeds in ([1.0], [1.0, 0.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="positive speed for each of 2 GPUs"):
            scheduler(2, gpu_speeds=speeds)


@pytest.mark.parametrize(
    ("slo_us", "latency_us", "queue_max", "message"),
    [
        (0, [0, 1], 1, "slo_us must be positive"),
        (1, [0, 1], 0, "queue_max must be at least 1"),
        (1, [0], 1, "a time for each batch size"),
        (1, [1, 1], 1, "a time for each batch size"),
        (1, [0, 0], 1, "must be positive and must not fall"),
        (1, [0, 2, 1], 1, "must be positive and must not fall"),
    ],
)
def test_model_spec_refuses_what_no_model_is(
    slo_us: int, latency_us: list[int], queue_max: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ModelSpec("m", slo_us, np.array(latency_us, dtype=np.int64), queue_max)
