"""l(b) = b + 2 ms, SLO 10 ms, no delays, unless said otherwise."""

from __future__ import annotations

from dispatcher.core.candidate import form_batch, last_start_us
from dispatcher.core.delays import Delays
from dispatcher.core.outbox import DEADLINE_UNREACHABLE, WINDOW, Outbox, new_outbox
from dispatcher.core.queues import insert
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.state import FAR_US, State
from tests.unit.dispatcher.core.core_states import model, state, waiting


def candidate(of: State, now_us: int, gpu_free_us: int | None = None, speed: int = 0) -> tuple[int, Outbox]:
    outbox = new_outbox([model()])
    free_us = now_us if gpu_free_us is None else gpu_free_us
    return form_batch(of, 0, speed, now_us, free_us, outbox), outbox


def drops(outbox: Outbox) -> list[tuple[int, int]]:
    return [tuple(drop) for drop in outbox.drop[: outbox.counts["drops"][0]].tolist()]


def queue_of(
    *deadlines_us: int,
    delays: Delays = Delays(0, 0, 0),  # noqa: B008 (frozen)
    drop: DropRule = DropRule.WINDOW,
) -> State:
    new = state(delays=delays, rules=Rules(Policy.DEFERRED, drop))
    for request_id, deadline_us in enumerate(deadlines_us):
        insert(new, 0, request_id, deadline_us)
    return new


def test_no_requests_no_candidate() -> None:
    assert candidate(state(), 0)[0] == 0


def test_all_that_wait_go_when_all_are_in_time() -> None:
    new = queue_of(10_000, 11_000, 12_000)
    assert candidate(new, 0)[0] == 3
    assert last_start_us(new, 0, 0, 3) == 5_000
    assert last_start_us(new, 0, 0, 4) == 4_000


def test_batch_shrinks_as_the_head_comes_due() -> None:
    batch, outbox = candidate(queue_of(10_000, 10_000, 10_000), 5_001)
    assert batch == 2
    assert drops(outbox) == []


def test_batch_is_never_larger_than_the_largest() -> None:
    assert candidate(queue_of(*[50_000] * 20), 0)[0] == 8


def test_request_that_cannot_be_saved_alone_is_unreachable() -> None:
    new = queue_of(2_999, 10_000)
    batch, outbox = candidate(new, 0)
    assert batch == 1
    assert drops(outbox) == [(0, DEADLINE_UNREACHABLE)]
    assert waiting(new) == [(10_000, 1)]


def test_head_in_the_way_of_the_target_is_dropped() -> None:
    # The target is 3 (half the SLO). Four in time from 6,000 us on would be stopped by a head due at 4,500.
    new = queue_of(4_500, 9_000, 9_000, 9_000, 9_000)
    batch, outbox = candidate(new, 0)
    assert batch == 4
    assert drops(outbox) == [(0, WINDOW)]


def test_head_that_a_batch_of_the_target_saves_is_kept_and_bounds_it() -> None:
    # All six need until 8,000 us, so the head is set aside; a batch of 3 saves it, and 4 still do.
    batch, outbox = candidate(queue_of(6_500, 9_000, 9_000, 9_000, 9_000, 9_000), 0)
    assert batch == 4
    assert drops(outbox) == []


def test_hopeless_rule_keeps_a_head_in_the_way_of_the_target() -> None:
    new = queue_of(4_500, 9_000, 9_000, 9_000, 9_000, drop=DropRule.HOPELESS)
    batch, outbox = candidate(new, 0)
    assert batch == 2
    assert drops(outbox) == []
    assert last_start_us(new, 0, 0, 2) == 500


def test_hopeless_rule_drops_what_a_batch_of_one_cannot_save() -> None:
    batch, outbox = candidate(queue_of(2_999, 3_500, 9_000, drop=DropRule.HOPELESS), 0)
    assert batch == 1
    assert drops(outbox) == [(0, DEADLINE_UNREACHABLE)]


def test_never_rule_serves_late_requests_first_and_keeps_the_deadline_of_the_next() -> None:
    new = queue_of(2_999, 4_500, 9_000, 9_000, drop=DropRule.NEVER)
    batch, outbox = candidate(new, 0)
    assert batch == 2
    assert drops(outbox) == []
    assert last_start_us(new, 0, 0, 2) == 500


def test_never_rule_serves_all_at_once_when_all_are_late() -> None:
    new = queue_of(100, 200, 300, drop=DropRule.NEVER)
    batch, outbox = candidate(new, 0)
    assert (batch, new.model["due_us"][0]) == (3, FAR_US)
    assert drops(outbox) == []


def test_all_hopeless_all_dropped() -> None:
    new = queue_of(100, 200, 300)
    batch, outbox = candidate(new, 0)
    assert batch == 0
    assert [reason for _, reason in drops(outbox)] == [DEADLINE_UNREACHABLE] * 3
    assert waiting(new) == []


def test_control_and_transfer_come_before_execution() -> None:
    delays = Delays(100, 400, 0)
    new = queue_of(5_900, 5_900, 5_900, delays=delays)
    assert candidate(new, 0)[0] == 2
    assert last_start_us(new, 0, 0, 2) == 5_900 - 4_000 - 900


def test_transfer_overlaps_what_the_gpu_still_executes() -> None:
    delays = Delays(100, 400, 0)
    # Free at 900: two inputs have arrived by then, so a batch of 2 ends at 4,900, and 3 at 6,300.
    assert candidate(queue_of(*[6_299] * 3, delays=delays), 0, gpu_free_us=900)[0] == 2
    assert candidate(queue_of(*[6_300] * 3, delays=delays), 0, gpu_free_us=900)[0] == 3


def test_slow_gpu_takes_a_smaller_batch() -> None:
    new = state(speeds=(1.0, 0.5))
    for request_id in range(4):
        insert(new, 0, request_id, 8_000)
    assert candidate(new, 0, speed=1)[0] == 2
    assert candidate(new, 0, speed=0)[0] == 4
