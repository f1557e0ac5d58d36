"""l(b) = b + 2 ms, no delays, unless said otherwise; lambda is 3.03."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.events import BatchFinished, DropReason, DropRequest, PreemptBatch, WakeUp
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation.simulate import simulate_arrivals
from tests.unit.dispatcher.core.commands import arrived, scheduler, starts, timer
from tests.unit.dispatcher.core.core_states import NO_DELAYS, model

SHEPHERD = Rules(Policy.SHEPHERD)


def test_an_idle_gpu_runs_what_arrives_at_once() -> None:
    core = scheduler(SHEPHERD, 2)
    assert starts(core.step(0, [arrived(0, range(1), 10_000)])) == [(0, [0], 0, 3_000)]
    assert starts(core.step(1, [arrived(0, range(1, 3), 10_000)])) == [(1, [1, 2], 1, 4_001)]


def test_a_batch_four_times_as_large_preempts_and_one_three_times_as_large_does_not() -> None:
    core = scheduler(SHEPHERD, 1, model(), model())
    core.step(0, [arrived(0, range(1), 20_000)])
    commands = core.step(900, [arrived(1, range(1, 4), 20_000)])
    assert not starts(commands)
    assert not any(isinstance(each, PreemptBatch) for each in commands)
    commands = core.step(1_000, [arrived(1, range(4, 5), 20_000)])
    assert commands[0] == PreemptBatch(0, 0)
    assert starts(commands) == [(0, [1, 2, 3, 4], 1_000, 7_000)]
    assert starts(core.step(7_000, [BatchFinished(0, 1)])) == [(0, [0], 7_000, 10_000)]


def test_a_preempted_request_keeps_its_deadline_and_is_dropped_when_nothing_can_save_it() -> None:
    core = scheduler(SHEPHERD, 1, model(), model())
    core.step(0, [arrived(0, range(1), 9_000)])
    commands = core.step(1_000, [arrived(1, range(1, 5), 20_000)])
    assert timer(commands) == 6_001  # from 6 ms on, a batch of one ends after 9 ms
    assert core.step(6_001, [WakeUp()]) == [DropRequest(0, DropReason.DEADLINE_UNREACHABLE)]


def test_the_model_that_runs_counts_its_running_requests_in() -> None:
    core = scheduler(SHEPHERD, 1)
    core.step(0, [arrived(0, range(1), 20_000)])
    assert not starts(core.step(500, [arrived(0, range(1, 3), 20_000)]))  # three together
    commands = core.step(1_000, [arrived(0, range(3, 4), 20_000)])
    assert commands[0] == PreemptBatch(0, 0)
    assert starts(commands) == [(0, [0, 1, 2, 3], 1_000, 7_000)]


def test_the_model_that_runs_does_not_begin_anew_where_its_head_would_be_late() -> None:
    core = scheduler(SHEPHERD, 1)
    core.step(0, [arrived(0, range(1), 6_999)])
    assert not starts(core.step(1_000, [arrived(0, range(1, 4), 20_000)]))  # l(4) ends at 7 ms


def test_the_smallest_batch_that_runs_is_preempted() -> None:
    core = scheduler(SHEPHERD, 2, model(), model())
    core.step(0, [arrived(0, range(2), 20_000)])
    core.step(1, [arrived(0, range(2, 3), 20_000)])
    commands = core.step(2, [arrived(1, range(3, 7), 20_000)])
    assert commands[0] == PreemptBatch(1, 1)
    assert starts(commands) == [(1, [3, 4, 5, 6], 2, 6_002)]


def test_on_completion_the_largest_batch_of_all_models_goes_first() -> None:
    core = scheduler(SHEPHERD, 1, model(), model(), model())
    core.step(0, [arrived(0, range(2), 20_000)])
    core.step(1, [arrived(1, range(2, 4), 12_000), arrived(2, range(4, 7), 20_000)])
    assert starts(core.step(4_000, [BatchFinished(0, 0)])) == [(0, [4, 5, 6], 4_000, 9_000)]


def test_a_gpu_with_a_batch_behind_is_not_preempted() -> None:
    core = scheduler(SHEPHERD, 1, model(), model(), delays=Delays(1_000, 0, 0))
    core.step(0, [arrived(0, range(1), 30_000)])  # from 1 to 4 ms
    core.step(1_500, [arrived(0, range(1, 2), 30_000)])
    assert starts(core.step(3_000, [WakeUp()])) == [(0, [1], 4_000, 7_000)]
    assert not starts(core.step(3_500, [arrived(1, range(2, 8), 30_000)]))
    commands = core.step(4_000, [BatchFinished(0, 0)])  # now request 1 is the only one there
    assert commands[0] == PreemptBatch(0, 1)
    assert starts(commands) == [(0, [2, 3, 4, 5, 6, 7], 5_000, 13_000)]


def test_a_full_queue_has_no_room_for_what_would_be_preempted() -> None:
    core = scheduler(SHEPHERD, 1, model(queue_max=2), model())
    core.step(0, [arrived(0, range(1), 40_000)])
    core.step(1, [arrived(0, range(1, 3), 40_000)])
    assert not starts(core.step(2, [arrived(1, range(3, 9), 40_000)]))


def test_what_a_preempted_batch_has_executed_is_busy_time_and_no_batch() -> None:
    times_us = np.array([0, 1_000, 1_000, 1_000, 1_000])
    result = simulate_arrivals(
        [model(slo_us=20_000), model(slo_us=20_000)],
        1,
        times_us,
        np.array([0, 1, 1, 1, 1], dtype=np.int32),
        delays=NO_DELAYS,
        rules=SHEPHERD,
        duration_us=20_000,
    )
    assert result.gpus_busy_mean * 20_000 == pytest.approx(1_000 + 6_000 + 3_000)
    assert [each.batches for each in result.models] == [1, 1]
    assert [each.served_in_time for each in result.models] == [1, 4]
    assert result.models[0].latency_ms.p50 == 10.0  # begun at 7 ms


def test_own_drop_rule_and_a_factor_that_ends_every_chain() -> None:
    assert SHEPHERD.drop_rule is DropRule.HOPELESS
    for factor in (1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="preemption_factor must be finite and above 1"):
            Rules(Policy.SHEPHERD, preemption_factor=factor)
