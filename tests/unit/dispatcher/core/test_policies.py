from __future__ import annotations

import pytest

from dispatcher.core.policies import due_us, note_batch, note_loss, note_miss
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.state import State, hold_factor
from tests.unit.dispatcher.core.core_states import model, state


def with_candidate(policy: Policy) -> State:
    """Its head, due at 10,000 us, came at 2,000; the window of its candidate ends at 4,000."""
    new = state(model(slo_us=8_000), rules=Rules(policy))
    new.model["due_us"], new.model["latest_us"] = 10_000, 4_000
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


def test_hold_factor_falls_when_candidates_wait_and_rises_when_they_do_not() -> None:
    adaptive = state(rules=Rules(Policy.ADAPTIVE))
    note_batch(adaptive, waited=False)
    assert hold_factor(adaptive) == 1
    note_batch(adaptive, waited=True)
    assert hold_factor(adaptive) == 0.9
    assert due_us(adaptive, 0, 0, 1_000) == 900
    note_batch(adaptive, waited=False)
    assert hold_factor(adaptive) == 0.92
    for _ in range(200):
        note_miss(adaptive)
    assert hold_factor(adaptive) == 0


def test_losses_by_holding_halve_the_hold_factor_for_long() -> None:
    adaptive = state(rules=Rules(Policy.ADAPTIVE))
    note_loss(adaptive)
    assert hold_factor(adaptive) == 0.5
    for _ in range(100):
        note_batch(adaptive, waited=False)
    assert hold_factor(adaptive) == 0.52


@pytest.mark.parametrize("policy", [Policy.EAGER, Policy.DEFERRED])
def test_pure_policies_do_not_adapt(policy: Policy) -> None:
    pure = state(rules=Rules(policy))
    before = hold_factor(pure)
    note_miss(pure)
    note_loss(pure)
    note_batch(pure, waited=False)
    assert hold_factor(pure) == before
