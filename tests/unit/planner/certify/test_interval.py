"""The interval that decides whether a certificate holds."""

from __future__ import annotations

import numpy as np
import pytest

from planner.certify.interval import bad_rate_interval


def test_no_bad_request_among_few_proves_little() -> None:
    interval = bad_rate_interval([0, 0, 0], [50, 50, 50])
    assert interval.rate == 0
    assert interval.low == 0
    assert interval.high > 0.02


def test_no_bad_request_among_many_proves_much() -> None:
    assert bad_rate_interval([0, 0, 0], [20_000] * 3).high < 0.001


def test_pooled_rate_weights_replications_by_their_requests() -> None:
    assert bad_rate_interval([10, 0], [100, 900]).rate == pytest.approx(0.01)


def test_replications_that_disagree_widen_the_interval() -> None:
    alike = bad_rate_interval([100, 100, 100], [10_000] * 3)
    apart = bad_rate_interval([0, 300, 0], [10_000] * 3)
    assert alike.rate == apart.rate
    assert apart.high > 2 * alike.high


def test_without_requests_nothing_is_bad() -> None:
    assert bad_rate_interval([], []).high == 0
    assert bad_rate_interval([0], [0]).high == 0


def test_covers_the_true_rate_as_often_as_it_says() -> None:
    """Bursty replications, rates drawn around 2 %: the interval must hold 2 % about 95 times in 100."""
    rng = np.random.default_rng(5)
    covered, trials = 0, 400
    for _ in range(trials):
        rates = rng.gamma(4.0, 0.02 / 4.0, size=8)
        arrived = rng.poisson(5_000, size=8)
        interval = bad_rate_interval(
            [int(x) for x in rng.binomial(arrived, rates)], [int(x) for x in arrived]
        )
        covered += interval.low <= 0.02 <= interval.high
    assert 0.90 <= covered / trials <= 0.99
