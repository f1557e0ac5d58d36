r"""
The candidate: the batch that a model would start now, and the window in which it may start.

Symbols     :math:`\ell(b)` execution time of a batch of b, :math:`\delta` transfer time of one
            request's input, :math:`f` when the GPU is free, :math:`q_0 \le q_1 \le \dots` the
            deadlines of the n requests that wait, B the largest batch, T the target.
Lead        :math:`lead(b) = ctrl + b\,\delta`, from the decision until the inputs have arrived.
Finish      :math:`finish(b) = \max(now + lead(b), f) + \ell(b)`; never falls as b grows.
Window      :math:`L(b) = d - \ell(b) - lead(b)` is the last instant to send a batch of b whose
            head is due at d. From frontrun :math:`= L(b + 1)` on one more request would make
            the head late, so waiting gains nothing; after latest :math:`= L(b)` this batch is late.
Source      Chen et al. 2023, arXiv 2308.07470, section 3.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.observation import note_bad
from dispatcher.core.outbox import DEADLINE_UNREACHABLE, WINDOW, Outbox, write_drop
from dispatcher.core.queues import first_entry, remove_heads
from dispatcher.core.rates import target_batch
from dispatcher.core.state import DROP_HOPELESS, DROP_WINDOW, FAR_US, State


@kernel
def finish_us(state: State, m: int, speed: int, b: int, now_us: int, gpu_free_us: int) -> int:
    """When a batch of b would have been executed."""
    arrived_us = now_us + lead_us(state, b)
    return max(arrived_us, gpu_free_us) + execution_us(state, m, speed, b)


@kernel
def lead_us(state: State, b: int) -> int:
    return int(state.totals[0].ctrl_us + b * state.totals[0].data_us)


@kernel
def execution_us(state: State, m: int, speed: int, b: int) -> int:
    return int(state.latency_us[speed, state.model[m].curve + b])


@kernel
def form_batch(state: State, m: int, speed: int, now_us: int, gpu_free_us: int, outbox: Outbox) -> int:
    """
    The size of the batch that the model would start now on that GPU; 0 when there is none.

    Heads that the drop rule gives up are dropped; the batch is then the oldest requests
    left. ``due_us`` of the model becomes the deadline that the batch keeps. The outbox must
    have room for as many drops as requests wait.
    """
    count = state.model[m].count
    if count == 0:
        return 0
    whole = int(min(count, state.model[m].batch_max))
    head_due_us = state.queue[first_entry(state, m)].deadline_us
    if finish_us(state, m, speed, whole, now_us, gpu_free_us) <= head_due_us:
        state.model[m].due_us = head_due_us
        return whole
    if state.totals[0].drop == DROP_WINDOW:
        return _behind_heads_in_the_way(state, m, speed, now_us, gpu_free_us, outbox)
    return _behind_hopeless_heads(state, m, speed, now_us, gpu_free_us, outbox)


@kernel
def all_in_time(state: State, m: int, speed: int, now_us: int, gpu_free_us: int) -> bool:
    """Whether all requests that wait, up to B, would be in time for the oldest in one batch."""
    whole = min(state.model[m].count, state.model[m].batch_max)
    head_due_us = state.queue[first_entry(state, m)].deadline_us
    return bool(finish_us(state, m, speed, whole, now_us, gpu_free_us) <= head_due_us)


@kernel
def largest_in_time(state: State, m: int, speed: int, now_us: int, gpu_free_us: int) -> int:
    """The largest batch that is in time for the deadline the candidate keeps; 0 if none is. Drops nothing."""
    most = min(state.model[m].count, state.model[m].batch_max)
    return grown(state, m, speed, 0, most, state.model[m].due_us, now_us, gpu_free_us)


@kernel
def _behind_heads_in_the_way(
    state: State, m: int, speed: int, now_us: int, gpu_free_us: int, outbox: Outbox
) -> int:
    """The drop rule ``window``: heads are kept only where a batch of the target size is in time for them."""
    count = state.model[m].count
    batch_max = state.model[m].batch_max
    aside = _heads_in_the_way_of_the_rest(state, m, speed, now_us, gpu_free_us)
    size = min(count - aside, batch_max, target_batch(state, m, now_us))
    lost = aside
    if size > 0:
        lost = due_before(state, m, finish_us(state, m, speed, size, now_us, gpu_free_us), aside)
    drop_heads(state, m, lost, finish_us(state, m, speed, 1, now_us, gpu_free_us), outbox)
    if size == 0:
        return 0
    head_due_us = state.queue[first_entry(state, m)].deadline_us
    state.model[m].due_us = head_due_us
    most = min(count - lost, batch_max)
    return grown(state, m, speed, size, most, head_due_us, now_us, gpu_free_us)


@kernel
def _behind_hopeless_heads(
    state: State, m: int, speed: int, now_us: int, gpu_free_us: int, outbox: Outbox
) -> int:
    """
    The drop rules ``hopeless`` and ``never``: the largest batch in time for the oldest who can be saved.

    Under ``never`` those whom nothing saves stay and are served as they come.
    """
    count = state.model[m].count
    alone_us = finish_us(state, m, speed, 1, now_us, gpu_free_us)
    hopeless = due_before(state, m, alone_us, count)
    saved_due_us = FAR_US
    if hopeless < count:
        saved_due_us = state.queue[first_entry(state, m) + hopeless].deadline_us
    if state.totals[0].drop == DROP_HOPELESS:
        drop_heads(state, m, hopeless, alone_us, outbox)
        count -= hopeless
        if count == 0:
            return 0
    state.model[m].due_us = saved_due_us
    most = min(count, state.model[m].batch_max)
    return grown(state, m, speed, 1, most, saved_due_us, now_us, gpu_free_us)


@kernel
def _heads_in_the_way_of_the_rest(state: State, m: int, speed: int, now_us: int, gpu_free_us: int) -> int:
    """
    Smallest k such that the whole rest behind the first k heads, up to B, is in time for its own head.

    Fewer requests finish earlier and later heads are due later, so the search may halve.
    """
    count = state.model[m].count
    batch_max = state.model[m].batch_max
    first = first_entry(state, m)
    low, high = 1, count
    while low < high:
        k = (low + high) // 2
        rest = min(count - k, batch_max)
        if finish_us(state, m, speed, rest, now_us, gpu_free_us) <= state.queue[first + k].deadline_us:
            high = k
        else:
            low = k + 1
    return low


@kernel
def due_before(state: State, m: int, instant_us: int, most: int) -> int:
    """How many of the oldest ``most`` requests are due before the instant."""
    first = first_entry(state, m)
    low, high = 0, most
    while low < high:
        i = (low + high) // 2
        if state.queue[first + i].deadline_us < instant_us:
            low = i + 1
        else:
            high = i
    return low


@kernel
def grown(
    state: State, m: int, speed: int, size: int, most: int, head_due_us: int, now_us: int, gpu_free_us: int
) -> int:
    """The largest batch from ``size`` to ``most`` that is in time for its head."""
    low, high = size, most
    while low < high:
        b = (low + high + 1) // 2
        if finish_us(state, m, speed, b, now_us, gpu_free_us) <= head_due_us:
            low = b
        else:
            high = b - 1
    return low


@kernel
def drop_heads(state: State, m: int, count: int, alone_us: int, outbox: Outbox) -> None:
    """Drop the oldest requests; ``alone_us`` is when a batch of one would have been executed."""
    first = first_entry(state, m)
    for entry in range(first, first + count):
        reason = DEADLINE_UNREACHABLE if state.queue[entry].deadline_us < alone_us else WINDOW
        write_drop(outbox, state.queue[entry].request_id, reason)
    state.totals[0].lost += count
    note_bad(state, count)
    remove_heads(state, m, count)


@kernel
def last_start_us(state: State, m: int, speed: int, b: int) -> int:
    """:math:`L(b)` of the deadline that the model's candidate keeps."""
    return int(state.model[m].due_us) - execution_us(state, m, speed, b) - lead_us(state, b)
