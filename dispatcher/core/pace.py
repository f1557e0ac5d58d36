r"""
How long batches really take: the table by which the core schedules follows what is measured.

Only under ``Rules.time_quantile`` = q; else none of this is compiled, and the profile is trusted.

Sample      when a batch has ended: its time over the profile's, from the instant at which its GPU had
            its inputs and nothing else to do. Waiting and transfer are not in it. A batch that ended
            before that instant was not executed (nobody waited for it any more): no sample.
Histogram   for each model and GPU speed, in bins a 64th of an octave wide (1.1 %), so that a ratio of
            exactly 1 has the upper edge 1. At 512 samples all weights are halved: the last
            thousand or so count.
Table       after each 16 samples :math:`\ell(b) = \lceil profile(b) \cdot r_q \rceil`, r the upper edge
            of the quantile's bin. It is written only where the bin has changed; the model's target
            size and candidate are then computed anew.
Outliers    the largest sample of all never decides: one slow batch changes nothing while fewer than
            1 / (1 - q) are known.
Recovery    a model whose table has become too slow for its SLO is given no batch, so nothing more would
            be learnt of it. So when requests came for a second and an SLO without any of them
            being sent, all that was learnt of the model is forgotten and its profile trusted
            until 16 more batches are known. Where GPUs of one speed get no batch of a model
            that others execute, that speed's part is forgotten after 30 s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.core.compiled import called, is_there, kernel, variant
from dispatcher.core.pace_state import BINS, NOTHING_CAME, PROFILED_BIN
from dispatcher.core.state import State

PPM = 1_000_000
SAMPLE_WEIGHT = 256
"""A sample outlasts eight halvings."""
WEIGHT_MAX = 512 * SAMPLE_WEIGHT
JUDGED_EVERY = 16
RETRIED_AFTER_US = 1_000_000
STALE_AFTER_US = 30_000_000


def fastest_row(state: State, m: int) -> int:
    """The row of ``State.latency_us`` in which a batch of one of the model takes least."""
    return 0


@variant(of=fastest_row)
def _fastest_row(state: Any, m: Any) -> Callable[..., int]:
    if is_there(state, "pace"):
        return lambda state, m: fastest_measured_row(state, m)
    return lambda state, m: state.totals[0].fastest


def note_sent_batch(state: State, g: int, m: int, b: int) -> None:
    """The GPU has been given a batch of b."""


@variant(of=note_sent_batch)
def _note_sent_batch(state: Any, g: Any, m: Any, b: Any) -> Callable[..., None]:
    if is_there(state, "pace"):
        return lambda state, g, m, b: remember_batch(state, g, m, b)
    return lambda state, g, m, b: None


def is_pace_changed(state: State, g: int, now_us: int) -> bool:
    """Learn from the end of the GPU's older batch; whether its model's candidate is to be computed anew."""
    return False


@variant(of=is_pace_changed)
def _is_pace_changed(state: Any, g: Any, now_us: Any) -> Callable[..., bool]:
    if is_there(state, "pace"):
        return lambda state, g, now_us: measure(state, g, now_us)
    return lambda state, g, now_us: False


def is_pace_forgotten(state: State, m: int, now_us: int) -> bool:
    """A request of the model came; whether what was learnt of it is forgotten."""
    return False


@variant(of=is_pace_forgotten)
def _is_pace_forgotten(state: Any, m: Any, now_us: Any) -> Callable[..., bool]:
    if is_there(state, "pace"):
        return lambda state, m, now_us: reconsider(state, m, now_us)
    return lambda state, m, now_us: False


@kernel
def fastest_measured_row(state: State, m: int) -> int:
    """Of the rows measured, and that of the fastest GPU known."""
    best = state.totals[0].fastest
    one = state.model[m].curve + 1
    for speed in range(len(state.here)):
        is_measured = state.pace.record[speed, m].total > 0
        if is_measured and state.latency_us[speed, one] < state.latency_us[best, one]:
            best = speed
    return int(best)


@kernel
def remember_batch(state: State, g: int, m: int, b: int) -> None:
    """Keep what the profile says of the batch, which is the newest that the GPU holds."""
    profile_us = state.pace.profile_us[state.gpu[g].speed, state.model[m].curve + b]
    if state.gpu[g].batches == 1:
        state.pace.gpu[g].profile_us = profile_us
    else:
        state.pace.gpu[g].next_profile_us = profile_us
    state.pace.came_us[m] = NOTHING_CAME


@called
def measure(state: State, g: int, now_us: int) -> bool:
    """The GPU's older batch has ended, and is still noted as held; whether anything changed for its model."""
    pace, m, speed = state.pace, state.gpu[g].model, state.gpu[g].speed
    took_us = now_us - state.gpu[g].start_us
    profile_us = pace.gpu[g].profile_us
    pace.gpu[g].profile_us = pace.gpu[g].next_profile_us
    if took_us <= 0:
        return False
    k = _bin_of(state, took_us, profile_us)
    record = pace.record[speed, m]
    is_first = record.total == 0
    if is_first:
        state.model[m].target_bucket = -1  # its fastest row may be another
    pace.weight[speed, m, k] += SAMPLE_WEIGHT
    record.total += SAMPLE_WEIGHT
    record.measured_us = now_us
    record.unjudged += 1
    if record.total > WEIGHT_MAX:
        _halve(state, speed, m)
    if record.unjudged < JUDGED_EVERY:
        return bool(is_first)
    record.unjudged = 0
    is_changed = _set_bin(state, speed, m, quantile_bin(state, speed, m))
    return bool(_forget_stale(state, speed, m, now_us) or is_changed)


@kernel
def _bin_of(state: State, took_us: int, profile_us: int) -> int:
    """The first bin whose upper edge the ratio does not exceed, or the last."""
    edge_ppm = state.pace.edge_ppm
    if took_us > 8 * profile_us:
        return BINS - 1
    low, high = 0, BINS - 1
    while low < high:
        k = (low + high) // 2
        if took_us * PPM <= edge_ppm[k] * profile_us:
            high = k
        else:
            low = k + 1
    return low


@kernel
def _halve(state: State, speed: int, m: int) -> None:
    total = 0
    for k in range(BINS):
        state.pace.weight[speed, m, k] //= 2
        total += state.pace.weight[speed, m, k]
    state.pace.record[speed, m].total = total


@kernel
def quantile_bin(state: State, speed: int, m: int) -> int:
    """The bin up to which the quantile's part of the weight lies, one sample at least being left beyond."""
    total = state.pace.record[speed, m].total
    wanted = min((total * state.pace.quantile_ppm[0] + PPM - 1) // PPM, total - SAMPLE_WEIGHT)
    k = 0
    reached = state.pace.weight[speed, m, 0]
    while reached < wanted:
        k += 1
        reached += state.pace.weight[speed, m, k]
    return k


@kernel
def _set_bin(state: State, speed: int, m: int, k: int) -> bool:
    """Write the model's part of the row anew, unless the bin is what it was."""
    pace = state.pace
    if pace.record[speed, m].bin == k:
        return False
    pace.record[speed, m].bin = k
    curve = state.model[m].curve
    for entry in range(curve + 1, curve + state.model[m].batch_max + 1):
        state.latency_us[speed, entry] = (pace.profile_us[speed, entry] * pace.edge_ppm[k] + PPM - 1) // PPM
    state.model[m].target_bucket = -1
    return True


@kernel
def _forget_stale(state: State, measured: int, m: int, now_us: int) -> bool:
    """Forget the other rows of the model that were not measured for long; whether there was one."""
    is_changed = False
    for speed in range(len(state.here)):
        record = state.pace.record[speed, m]
        if speed != measured and record.total > 0 and now_us - record.measured_us >= STALE_AFTER_US:
            _forget(state, speed, m)
            is_changed = True
    return is_changed


@kernel
def reconsider(state: State, m: int, now_us: int) -> bool:
    """Forget what was learnt of a model whose requests come and are not sent; whether that was done."""
    came_us = state.pace.came_us[m]
    if came_us == NOTHING_CAME:
        state.pace.came_us[m] = now_us
        return False
    if now_us - came_us < RETRIED_AFTER_US + 2 * state.model[m].half_slo_us or state.model[m].sent > 0:
        return False
    state.pace.came_us[m] = now_us
    forget_model(state, m)
    return True


@called
def forget_model(state: State, m: int) -> None:
    """The model's profile is trusted again on all GPUs."""
    for speed in range(len(state.here)):
        _forget(state, speed, m)


@kernel
def _forget(state: State, speed: int, m: int) -> None:
    for k in range(BINS):
        state.pace.weight[speed, m, k] = 0
    state.pace.record[speed, m].total = 0
    state.pace.record[speed, m].unjudged = 0
    _set_bin(state, speed, m, PROFILED_BIN)
    state.model[m].target_bucket = -1
