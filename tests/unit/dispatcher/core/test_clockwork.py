"""l(b) = b + 2 ms, no delays, unless said otherwise."""

from __future__ import annotations

import pytest

from dispatcher.core.events import BatchFinished, DropReason, DropRequest, WakeUp
from dispatcher.core.rules import DropRule, Policy, Rules
from tests.unit.dispatcher.core.commands import arrived, scheduler, starts, timer
from tests.unit.dispatcher.core.core_states import model

CLOCKWORK = Rules(Policy.CLOCKWORK)
AT_COMPLETION = Rules(Policy.CLOCKWORK, commit_ahead_us=0)


def test_batches_are_powers_of_two() -> None:
    core = scheduler(AT_COMPLETION, 1, model())
    assert starts(core.step(0, [arrived(0, range(7), 100_000)])) == [(0, [0, 1, 2, 3], 0, 6_000)]
    assert starts(core.step(6_000, [BatchFinished(0, 0)])) == [(0, [4, 5], 6_000, 10_000)]
    assert starts(core.step(10_000, [BatchFinished(0, 1)])) == [(0, [6], 10_000, 13_000)]


def test_no_batch_is_larger_than_sixteen() -> None:
    core = scheduler(AT_COMPLETION, 1, model(batch_size_max=40))
    ((_, ids, _, _),) = starts(core.step(0, [arrived(0, range(40), 100_000)]))
    assert len(ids) == 16


def test_a_smaller_batch_goes_where_the_larger_would_be_late() -> None:
    core = scheduler(CLOCKWORK, 1)
    assert starts(core.step(0, [arrived(0, range(4), 5_999)])) == [(0, [0, 1], 0, 4_000)]  # l(4) = 6 ms


def test_a_batch_is_committed_five_milliseconds_ahead_and_later_requests_miss_it() -> None:
    core = scheduler(CLOCKWORK, 1)
    core.step(0, [arrived(0, range(4), 100_000)])  # until 6 ms
    assert timer(core.step(500, [arrived(0, range(4, 6), 100_000)])) == 1_000
    assert starts(core.step(1_000, [WakeUp()])) == [(0, [4, 5], 6_000, 10_000)]
    assert starts(core.step(1_001, [arrived(0, range(6, 12), 100_000)])) == []
    assert starts(core.step(6_000, [BatchFinished(0, 0)])) == [(0, [6, 7, 8, 9], 10_000, 16_000)]


def test_latest_start_decides_and_not_the_deadline() -> None:
    slow = model(slo_us=50_000, beta_us=20_000)  # l(1) = 21 ms
    core = scheduler(AT_COMPLETION, 1, model(slo_us=50_000), slow)
    core.step(0, [arrived(0, range(1), 50_000)])
    core.step(1, [arrived(0, range(1, 2), 30_000), arrived(1, range(2, 3), 40_000)])
    # by deadline request 1 came first; it may start until 27 ms, request 2 until 19 ms
    assert starts(core.step(3_000, [BatchFinished(0, 0)])) == [(0, [2], 3_000, 24_000)]


def test_a_request_that_no_batch_can_save_is_dropped_and_the_head_in_time_is_not() -> None:
    assert CLOCKWORK.drop_rule is DropRule.HOPELESS
    core = scheduler(CLOCKWORK, 1)
    commands = core.step(0, [arrived(0, range(1), 2_999), arrived(0, range(1, 2), 3_000)])
    assert DropRequest(0, DropReason.DEADLINE_UNREACHABLE) in commands
    assert starts(commands) == [(0, [1], 0, 3_000)]


def test_under_window_the_largest_size_goes_that_enough_requests_are_in_time_for() -> None:
    """l(4) = 6 ms is late for the first two, and behind them wait only three; l(2) = 4 ms is late for one."""
    core = scheduler(Rules(Policy.CLOCKWORK, DropRule.WINDOW, commit_ahead_us=0), 1)
    late = [arrived(0, range(1), 3_500), arrived(0, range(1, 2), 5_500)]
    commands = core.step(0, [*late, arrived(0, range(2, 5), 20_000)])
    assert starts(commands) == [(0, [1, 2], 0, 4_000)]
    assert DropRequest(0, DropReason.WINDOW) in commands
    core = scheduler(Rules(Policy.CLOCKWORK, DropRule.WINDOW, commit_ahead_us=0), 1)
    commands = core.step(0, [*late, arrived(0, range(2, 6), 20_000)])
    assert starts(commands) == [(0, [2, 3, 4, 5], 0, 6_000)]


def test_commit_ahead_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="commit_ahead_us must not be negative, got -1"):
        Rules(Policy.CLOCKWORK, commit_ahead_us=-1)
