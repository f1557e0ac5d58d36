from __future__ import annotations

from dispatcher.core.delays import Delays
from dispatcher.core.rates import BUCKET_US, count_arrival, target_batch
from dispatcher.core.state import RATE_BUCKETS
from tests.unit.dispatcher.core.core_states import model, state


def test_before_a_rate_is_known_half_the_slo_is_the_target() -> None:
    meter = state(model(slo_us=10_000, alpha_us=1_000, beta_us=2_000))
    assert target_batch(meter, 0, 0) == 3  # l(3) = 5 ms
    count_arrival(meter, 0, 10)
    assert target_batch(meter, 0, 20) == 3


def test_target_is_at_least_one() -> None:
    assert target_batch(state(model(slo_us=100)), 0, 0) == 1


def test_target_is_the_largest_batch_that_arrives_and_executes_within_the_budget() -> None:
    # 1,000 requests a second: l(b) + b (50 + 1,000) us <= 20 - 0.1 - 2 ms, hence 2,050 b <= 15,900
    meter = state(model(slo_us=20_000), delays=Delays(100, 50, 2_000))
    for i in range(50):
        count_arrival(meter, 0, i * 1_000)
    assert target_batch(meter, 0, BUCKET_US) == 7


def test_rate_forgets_what_is_five_seconds_old() -> None:
    meter = state()
    for i in range(50):
        count_arrival(meter, 0, i * 1_000)
    last_us = RATE_BUCKETS * BUCKET_US
    assert target_batch(meter, 0, last_us) > 0
    assert meter.model["arrivals"][0] == 50
    target_batch(meter, 0, last_us + BUCKET_US)
    assert meter.model["arrivals"][0] == 0


def test_rate_counts_each_complete_bucket_once_however_long_the_silence() -> None:
    meter = state()
    buckets = [0, 1, 1, 5, 99, 100, 101, 102, 250, 251, 400]
    for bucket in buckets:
        count_arrival(meter, 0, bucket * BUCKET_US + 7)
        complete = [b for b in buckets if bucket - RATE_BUCKETS <= b < bucket]
        assert meter.model["arrivals"][0] == len(complete)


def test_target_is_computed_once_in_a_bucket() -> None:
    meter = state()
    before = target_batch(meter, 0, 5)
    meter.model["half_slo_us"] = 1
    assert target_batch(meter, 0, BUCKET_US - 1) == before
    assert target_batch(meter, 0, BUCKET_US) == 1
