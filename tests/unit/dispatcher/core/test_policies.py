from __future__ import annotations

import pytest

from dispatcher.core.delays import Policy
from dispatcher.core.policies import due_us, note_batch, note_loss, note_miss
from dispatcher.core.state import hold_factor
from tests.unit.dispatcher.core.core_states import state


@pytest.mark.parametrize(
    ("policy", "expected_us"), [(Policy.EAGER, 100), (Policy.DEFERRED, 1_100), (Policy.ADAPTIVE, 1_100)]
)
def test_when_a_candidate_is_due(policy: Policy, expected_us: int) -> None:
    assert due_us(state(policy=policy), 100, 1_100) == expected_us


@pytest.mark.parametrize("policy", list(Policy))
def test_after_frontrun_every_candidate_is_due(policy: Policy) -> None:
    assert due_us(state(policy=policy), 100, 40) == 100


def test_hold_factor_falls_when_candidates_wait_and_rises_when_they_do_not() -> None:
    adaptive = state(policy=Policy.ADAPTIVE)
    note_batch(adaptive, waited=False)
    assert hold_factor(adaptive) == 1
    note_batch(adaptive, waited=True)
    assert hold_factor(adaptive) == 0.9
    assert due_us(adaptive, 0, 1_000) == 900
    note_batch(adaptive, waited=False)
    assert hold_factor(adaptive) == 0.92
    for _ in range(200):
        note_miss(adaptive)
    assert hold_factor(adaptive) == 0


def test_losses_by_holding_halve_the_hold_factor_for_long() -> None:
    adaptive = state(policy=Policy.ADAPTIVE)
    note_loss(adaptive)
    assert hold_factor(adaptive) == 0.5
    for _ in range(100):
        note_batch(adaptive, waited=False)
    assert hold_factor(adaptive) == 0.52


@pytest.mark.parametrize("policy", [Policy.EAGER, Policy.DEFERRED])
def test_pure_policies_do_not_adapt(policy: Policy) -> None:
    pure = state(policy=policy)
    before = hold_factor(pure)
    note_miss(pure)
    note_loss(pure)
    note_batch(pure, waited=False)
    assert hold_factor(pure) == before
