r"""
How fast a model's requests come, and the batch size to aim at.

The rate is the mean over the last 100 complete buckets of 50 ms (5 s: Chen et al. 2023,
arXiv 2308.07470), or over as many as there have been since the first arrival. Requests are
counted and never divided, so that the arithmetic stays in whole numbers.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.pace import fastest_row
from dispatcher.core.state import NEVER, RATE_BUCKETS, RATE_PLACES, State

BUCKET_US = 50_000
TARGET_SIXTEENTHS = 16


@kernel
def count_arrival(state: State, m: int, now_us: int) -> None:
    """Note one request of the model."""
    bucket = now_us // BUCKET_US
    _advance(state, m, bucket)
    if state.model[m].first_bucket == NEVER:
        state.model[m].first_bucket = bucket
    state.rate[m, bucket % RATE_PLACES] += 1


@kernel
def target_batch(state: State, m: int, now_us: int) -> int:
    """The batch size to aim at, computed anew once in each bucket."""
    model = state.model[m]
    bucket = now_us // BUCKET_US
    if model.target_bucket != bucket:
        model.target_bucket = bucket
        _advance(state, m, bucket)
        model.target = _target(state, m, bucket)
    return int(model.target)


@kernel
def rate_per_us(state: State, m: int, now_us: int) -> float:
    """Requests per microsecond, 0 before the model has been heard of for a whole bucket."""
    model = state.model[m]
    bucket = now_us // BUCKET_US
    if model.first_bucket == NEVER or bucket <= model.first_bucket:
        return 0.0
    _advance(state, m, bucket)
    return float(model.arrivals / (min(bucket - model.first_bucket, RATE_BUCKETS) * BUCKET_US))


@kernel
def _advance(state: State, m: int, bucket: int) -> None:
    """
    Make ``bucket`` the newest.

    ``arrivals`` is the sum over the 100 complete buckets before it; the ring has a place for
    each of them and one for the newest, which takes that of the bucket that leaves the sum.
    """
    model = state.model[m]
    if model.last_bucket == NEVER or bucket - model.last_bucket > RATE_BUCKETS:
        state.rate[m, :] = 0
        model.arrivals = 0
        model.last_bucket = bucket
        return
    while model.last_bucket < bucket:
        model.arrivals += state.rate[m, model.last_bucket % RATE_PLACES]
        model.last_bucket += 1
        place = model.last_bucket % RATE_PLACES
        model.arrivals -= state.rate[m, place]
        state.rate[m, place] = 0


@kernel
def _target(state: State, m: int, bucket: int) -> int:
    r"""
    Largest b with :math:`\ell(b) + b\,(\delta + 1/r) \le S`, at least 1.

    The fixed point of :math:`n b / \ell(b) = r` and :math:`\ell(b) (1 + 1/n) \le S`. Before a
    rate is known: the largest b with :math:`\ell(b) \le SLO / 2`. One in sixteen less than that:
    heads are given up for the target, and at the fixed point the smallest backlog costs some.
    """
    model = state.model[m]
    curve = model.curve
    latency_us = state.latency_us[fastest_row(state, m)]
    data_us = state.totals[0].data_us
    is_known = model.first_bucket != NEVER and bucket > model.first_bucket
    span_us = min(bucket - model.first_bucket, RATE_BUCKETS) * BUCKET_US
    low, high = 1, model.batch_max
    while low < high:
        b = (low + high + 1) // 2
        if is_known:
            spare_us = model.budget_us - latency_us[curve + b] - b * data_us
            fits = spare_us * model.arrivals >= b * span_us
        else:
            fits = latency_us[curve + b] <= model.half_slo_us
        if fits:
            low = b
        else:
            high = b - 1
    return low - low // TARGET_SIXTEENTHS
