"""The adaptive policy against both pure ones: where holding pays, and where it costs."""

from __future__ import annotations

import pytest

from bench.policies import Regime, run
from bench.policies_compared import BUSY_RATIO_MAX, GOODPUT_RATIO_MIN, compared
from dispatcher.core.rules import DropRule, Policy

PURE = (Policy.EAGER, Policy.DEFERRED)


@pytest.mark.parametrize("seed", [6, 9, 20, 22, 85, 94, 143, 165])
def test_adaptive_loses_to_neither_pure_policy(seed: int) -> None:
    (found,) = compared([seed], [Policy.ADAPTIVE, *PURE], [DropRule.WINDOW])
    assert found.goodput_ratio(Policy.ADAPTIVE) >= GOODPUT_RATIO_MIN
    assert not found.is_quiet or found.busy_ratio <= BUSY_RATIO_MAX


@pytest.mark.parametrize(
    ("regime", "rate_rps", "better"),
    [
        (Regime(1, 8, 25), 5_000, Policy.DEFERRED),
        (Regime(4, 8, 25), 4_450, Policy.DEFERRED),
        (Regime(16, 8, 25), 2_960, Policy.EAGER),
        (Regime(4, 1, 25), 120, Policy.EAGER),
    ],
)
def test_adaptive_joins_the_better_policy(regime: Regime, rate_rps: float, better: Policy) -> None:
    bad = {policy: run(regime, rate_rps, policy).bad_rate for policy in (Policy.ADAPTIVE, *PURE)}
    assert min(PURE, key=lambda policy: bad[policy]) is better
    assert bad[Policy.ADAPTIVE] <= bad[better] + 0.002
