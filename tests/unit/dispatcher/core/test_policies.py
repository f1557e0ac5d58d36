from __future__ import annotations

import pytest

from dispatcher.core.advance import FINISHED, take_signal
from dispatcher.core.gpus import give_batch
from dispatcher.core.heaps import top_key
from dispatcher.core.matching import settle, touch
from dispatcher.core.outbox import new_outbox
from dispatcher.core.policies import due_us, hold_share_ppm, note_lost, note_started
from dispatcher.core.queues import insert
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.state import State, hold_factor
from tests.unit.dispatcher.core.core_states import model, state


def with_candidate(policy: Policy) -> State:
    """Its head, due at 10,000 us, came at 2,000; the window of its candidate ends at 4,000."""
    new = state(model(slo_us=8_000), rules=Rules(policy))
    new.model["due_us"], new.model["latest_us"] = 10_000, 4_000
    new.model["hold_ppm"] = 1_000_000
    return new


@pytest.mark.parametrize(
    ("policy", "expected_us"),
    [
        (Policy.EAGER, 2_500),
        (Policy.DEFERRED, 3_100),
        (Policy.ADAPTIVE, 3_100),
        (Policy.LATEST, 4_000),
        (Policy.TIMEOUT, 4_000),  # a quarter of the SLO after the head came
    ],
)
def test_when_a_candidate_is_due(policy: Policy, expected_us: int) -> None:
    assert due_us(with_candidate(policy), 0, 2_500, 3_100) == expected_us


def test_timeout_waits_no_longer_than_the_window() -> None:
    of = with_candidate(Policy.TIMEOUT)
    of.model["latest_us"] = 3_500
    assert due_us(of, 0, 2_500, 3_100) == 3_500


@pytest.mark.parametrize("policy", [Policy.EAGER, Policy.DEFERRED, Policy.ADAPTIVE])
def test_after_frontrun_nothing_is_gained_by_waiting(policy: Policy) -> None:
    assert due_us(with_candidate(policy), 0, 100, 40) <= 100


def test_hold_factor_falls_with_losses_and_rises_with_what_is_served() -> None:
    adaptive = with_candidate(Policy.ADAPTIVE)
    note_started(adaptive, 0, 8)
    assert hold_factor(adaptive) == 1
    note_lost(adaptive, 0, 2)
    assert hold_factor(adaptive) == 0.94
    adaptive.model["hold_ppm"] = 1_000_000
    assert due_us(adaptive, 0, 0, 1_000) == 940
    note_started(adaptive, 0, 1_000)
    assert hold_factor(adaptive) == 0.985
    note_lost(adaptive, 0, 1_000)
    assert hold_factor(adaptive) == 0


def test_a_model_earns_its_own_hold_and_pays_for_its_own_losses_alone() -> None:
    two = state(model(), model(), rules=Rules(Policy.ADAPTIVE))
    assert [hold_share_ppm(two, m) for m in (0, 1)] == [0, 0]
    note_started(two, 0, 100)
    note_started(two, 1, 300)
    assert [hold_share_ppm(two, m) for m in (0, 1)] == [500_000, 1_000_000]
    note_lost(two, 1, 1)
    assert [hold_share_ppm(two, m) for m in (0, 1)] == [500_000, 500_000]
    note_lost(two, 1, 30)
    assert [hold_share_ppm(two, m) for m in (0, 1)] == [70_000, 0], "the pool's is smaller now"
    note_started(two, 1, 1)
    assert hold_share_ppm(two, 1) == 5_000, "no debt of its own"


@pytest.mark.parametrize(
    ("of_model", "of_other", "share_ppm"),
    [
        (0, 3, 0),  # nothing of its own to wait for: by the hold factor alone
        (1, 2, 250_000),
        (2, 1, 1_000_000),
        (1, 1, 0),  # two of four GPUs idle: not short
        (2, 0, 0),
    ],
)
def test_where_gpus_are_short_a_model_with_batches_under_way_waits(
    of_model: int, of_other: int, share_ppm: int
) -> None:
    fleet = state(model(), model(), speeds=[1.0] * 4, rules=Rules(Policy.ADAPTIVE))
    fleet.totals["hold_ppm"] = 0
    for g in range(of_model + of_other):
        give_batch(fleet, g, 0 if g < of_model else 1, g, ready_us=0, execution_us=5_000, now_us=0)
    assert hold_share_ppm(fleet, 0) == share_ppm


def test_what_waits_beside_a_batch_is_sent_when_that_ends() -> None:
    fleet = state(model(slo_us=20_000), model(), speeds=[1.0] * 4, rules=Rules(Policy.ADAPTIVE))
    fleet.totals["hold_ppm"] = 0
    for g, m in enumerate([1, 1, 0]):
        give_batch(fleet, g, m, g, ready_us=0, execution_us=3_000, now_us=0)
    insert(fleet, 0, request_id=7, deadline_us=20_000)
    touch(fleet, 0)
    outbox = new_outbox([model()])
    settle(fleet, 0, outbox)
    assert top_key(fleet.holding) == 4_000  # a quarter of the way to frontrun, 20,000 - l(2)
    take_signal(fleet, 3_000, FINISHED, 2, 2)
    settle(fleet, 3_000, outbox)
    assert outbox.start["start_us"][: outbox.counts["starts"][0]].tolist() == [3_000]


def test_late_answers_count_as_lost_where_nothing_is_dropped() -> None:
    fleet = state(model(slo_us=5_000), rules=Rules(Policy.ADAPTIVE, DropRule.NEVER))
    insert(fleet, 0, request_id=7, deadline_us=2_000)
    touch(fleet, 0)
    settle(fleet, 0, new_outbox([model()]))
    assert hold_factor(fleet) == 0.970045


def test_losses_of_a_burst_are_made_good_before_anything_is_held_again() -> None:
    fleet = state(rules=Rules(Policy.ADAPTIVE))
    note_lost(fleet, 0, 500)
    assert hold_factor(fleet) == 0
    note_started(fleet, 0, 200_000 // 45)
    assert (hold_factor(fleet), hold_share_ppm(fleet, 0)) == (0, 0)
    note_started(fleet, 0, 1_000)
    assert 0.044 < hold_factor(fleet) <= 0.045


@pytest.mark.parametrize("policy", [Policy.EAGER, Policy.DEFERRED])
def test_pure_policies_do_not_adapt(policy: Policy) -> None:
    pure = state(rules=Rules(policy))
    before = hold_factor(pure)
    note_lost(pure, 0, 3)
    note_started(pure, 0, 5)
    assert (hold_factor(pure), pure.model["hold_ppm"][0]) == (before, 0)
