from __future__ import annotations

import pytest

from dispatcher.core.delays import Policy
from dispatcher.core.policies import due_us, note_hit, note_miss
from tests.unit.dispatcher.core.core_states import state


@pytest.mark.parametrize(
    ("policy", "expected_us"), [(Policy.EAGER, 100), (Policy.DEFERRED, 1_100), (Policy.ADAPTIVE, 1_100)]
)
def test_when_a_candidate_is_due(policy: Policy, expected_us: int) -> None:
    assert due_us(state(policy=policy), 100, 1_100) == expected_us


@pytest.mark.parametrize("policy", list(Policy))
def test_after_frontrun_every_candidate_is_due(policy: Policy) -> None:
    assert due_us(state(policy=policy), 100, 40) == 100


def test_hold_factor_falls_at_misses_and_rises_at_hits_within_its_range() -> None:
    adaptive = state(policy=Policy.ADAPTIVE)
    note_hit(adaptive)
    assert adaptive.totals["hold_ppm"][0] == 1_000_000
    note_miss(adaptive)
    assert adaptive.totals["hold_ppm"][0] == 900_000
    assert due_us(adaptive, 0, 1_000) == 900
    note_hit(adaptive)
    assert adaptive.totals["hold_ppm"][0] == 920_000
    for _ in range(200):
        note_miss(adaptive)
    assert adaptive.totals["hold_ppm"][0] == 0


@pytest.mark.parametrize("policy", [Policy.EAGER, Policy.DEFERRED])
def test_pure_policies_do_not_adapt(policy: Policy) -> None:
    pure = state(policy=policy)
    before = int(pure.totals["hold_ppm"][0])
    note_miss(pure)
    note_hit(pure)
    assert pure.totals["hold_ppm"][0] == before
