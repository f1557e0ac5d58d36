r"""
Who is let in: fair shares between tenants, and refusal at once of what no GPU can do in time.

A request of model m costs :math:`c_m = \ell(T) / T` of GPU time, T the batch size aimed at.
The GPUs here can give :math:`C = \kappa \sum_g speed_g` of it in each unit of time. While
the tenants together ask for no more, all are let in. When they ask for more, C is
shared out: the higher priority first, and within one priority by weighted max-min
fairness, so that a tenant that asks for less than its share gets all it asks for and the
rest is divided among the others by weight. A tenant that asks for more than it gets has
its requests let in at the rate of its share and refused beyond (a token bucket, so that
bursts of a second pass).

:math:`\kappa` is not known beforehand: it depends on bursts, deadlines and the mix. It falls by 3 %
in each bucket of 50 ms in which more than 1 % of the requests let in were dropped, and rises
by 0.2 % in each other, up to 1.

Everything is in whole nanoseconds of the fastest GPU's time for each bucket.

Sources: max-min fairness, Bertsekas and Gallager 1992, Data Networks, section 6.5.2.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.heaps import is_empty, top_key
from dispatcher.core.pace import fastest_row
from dispatcher.core.rates import BUCKET_US, target_batch
from dispatcher.core.state import DROP_NEVER, NEVER, TIMEOUT, State

NS_PER_US = 1_000
PPM = 1_000_000
DEMAND_MEMORY = 8
"""Buckets that the mean of a tenant's demand looks back."""
BURST_BUCKETS = 20
"""A limited tenant may save up its share of this many buckets."""
LOST_PERCENT_MAX = 1
CAPACITY_KEPT_PERCENT = 97
CAPACITY_GAINED_PPM = 2_000
CAPACITY_MIN_PPM = 300_000


@kernel
def is_within_share(state: State, m: int, tenant: int, now_us: int) -> bool:
    """Whether one more request of the tenant is let in; it is then counted."""
    if len(state.tenant) == 1:
        return True
    bucket = now_us // BUCKET_US
    if state.totals[0].share_bucket != bucket:
        _share_out(state, bucket)
    cost_ns = _cost_ns(state, m, now_us)
    record = state.tenant[tenant]
    record.offered_ns += cost_ns
    if record.is_limited == 1:
        if record.saved_ns < cost_ns:
            return False
        record.saved_ns -= cost_ns
    state.totals[0].admitted += 1
    return True


@kernel
def no_gpu_in_time(state: State, m: int, now_us: int, deadline_us: int) -> bool:
    """
    Whether every GPU is busy until it is too late for the request; False where that is not certain.

    The rival policies refuse nobody: their papers do not.
    """
    totals = state.totals[0]
    if totals.policy > TIMEOUT or totals.drop == DROP_NEVER:
        return False
    if not is_empty(state.idle) or state.busy[0].slot < totals.gpus_here:
        return False
    if totals.gpus_here == 0:
        return False
    start_us = max(now_us + totals.ctrl_us + totals.data_us, top_key(state.busy))
    return bool(start_us + state.latency_us[fastest_row(state, m), state.model[m].curve + 1] > deadline_us)


@kernel
def _cost_ns(state: State, m: int, now_us: int) -> int:
    """GPU time of one request in a batch of the size aimed at."""
    b = target_batch(state, m, now_us)
    return int(state.latency_us[fastest_row(state, m), state.model[m].curve + b] * NS_PER_US // b)


@kernel
def _share_out(state: State, bucket: int) -> None:
    """A new bucket begins: judge the last, and give each tenant its share."""
    totals = state.totals[0]
    passed = 1
    if totals.share_bucket != NEVER:
        passed = bucket - totals.share_bucket
    totals.share_bucket = bucket
    if totals.lost * 100 > totals.admitted * LOST_PERCENT_MAX:
        kept_ppm = totals.capacity_ppm * CAPACITY_KEPT_PERCENT // 100
        totals.capacity_ppm = max(CAPACITY_MIN_PPM, kept_ppm)
    else:
        totals.capacity_ppm = min(PPM, totals.capacity_ppm + passed * CAPACITY_GAINED_PPM)
    totals.lost = 0
    totals.admitted = 0
    asked_ns = 0
    for tenant in range(len(state.tenant)):
        record = state.tenant[tenant]
        memory = min(passed, DEMAND_MEMORY)
        record.demand_ns += (record.offered_ns // passed - record.demand_ns) * memory // DEMAND_MEMORY
        record.offered_ns = 0
        record.share_ns = NEVER
        asked_ns += record.demand_ns
    capacity_ns = 0
    for speed in range(len(state.here)):
        capacity_ns += state.here[speed] * state.speed_ppm[speed] * BUCKET_US * NS_PER_US // PPM
    capacity_ns = capacity_ns * totals.capacity_ppm // PPM
    if asked_ns <= capacity_ns:
        for tenant in range(len(state.tenant)):
            state.tenant[tenant].is_limited = 0
            state.tenant[tenant].saved_ns = 0
        return
    _fill(state, capacity_ns)
    for tenant in range(len(state.tenant)):
        record = state.tenant[tenant]
        record.is_limited = int(record.demand_ns > record.share_ns)
        saved_ns = record.saved_ns + passed * record.share_ns
        record.saved_ns = min(saved_ns, BURST_BUCKETS * record.share_ns)


@kernel
def _fill(state: State, capacity_ns: int) -> None:
    """
    Weighted max-min fairness, one priority after the other.

    In each round those who ask for no more than their part of what is left get what they ask for;
    when there is none, the others divide what is left by weight.
    """
    left_ns = capacity_ns
    while True:
        priority = NEVER
        for tenant in range(len(state.tenant)):
            if state.tenant[tenant].share_ns == NEVER:
                priority = max(priority, state.tenant[tenant].priority)
        if priority == NEVER:
            return
        weight = 0
        for tenant in range(len(state.tenant)):
            record = state.tenant[tenant]
            if record.share_ns == NEVER and record.priority == priority:
                weight += record.weight
        content_ns = 0
        are_content = False
        for tenant in range(len(state.tenant)):
            record = state.tenant[tenant]
            if record.share_ns == NEVER and record.priority == priority:
                part_ns = left_ns * record.weight // weight
                if record.demand_ns <= part_ns:
                    record.share_ns = record.demand_ns
                    content_ns += record.demand_ns
                    are_content = True
        if are_content:
            left_ns -= content_ns
            continue
        for tenant in range(len(state.tenant)):
            record = state.tenant[tenant]
            if record.share_ns == NEVER and record.priority == priority:
                record.share_ns = left_ns * record.weight // weight
        left_ns = 0
