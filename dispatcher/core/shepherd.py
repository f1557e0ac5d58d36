r"""
The policy ``shepherd``: the largest batch goes first, at once, and may take a GPU from a smaller one.

Source: Zhang, Tang, Khandelwal and Stoica 2023, "SHEPHERD: Serving DNNs in the Wild", NSDI, the
online algorithm Flex of its serving module.

- The batch of a model is its oldest requests, as many as are in time for the oldest of them;
  requests that not even a batch of one could save are dropped first (``hopeless``).
- A GPU that has nothing to do runs the largest batch of all models; so does one that completes.
- A request that arrives while no GPU is free may preempt: if the largest batch is at least
  :math:`\lambda = 3.03` (``Rules.preemption_factor``) times as large as the smallest one that runs, that
  one is stopped. What it has executed is lost; its requests wait again with their deadlines. The
  batch of the model that runs there counts them in.

Here, as for all policies, a GPU takes its next batch just early enough for the transfer of inputs
to overlap execution; a batch with another behind it is not preempted. The plan of the paper's
other module, which model is served by which group of GPUs, is the planner's work.

Models with requests are in ``waiting``, the largest batch first, and in ``holding`` by the instant
after which their batch would be late. ``Shepherd`` remembers what GPUs execute.
"""

from __future__ import annotations

from dispatcher.core.candidate import finish_us, form_batch, last_start_us
from dispatcher.core.compiled import called, kernel
from dispatcher.core.gpus import cancel_batch, free_us
from dispatcher.core.heaps import is_empty, put, remove, top_item, top_key
from dispatcher.core.matching import gpu_for, opening_us, send_batch, speed_to_count_on, touch
from dispatcher.core.outbox import Outbox, has_room, is_blank
from dispatcher.core.queues import first_entry, insert
from dispatcher.core.state import FAR_US, HOLD_WHOLE_PPM, NEVER, State


@called
def settle(state: State, now_us: int, outbox: Outbox) -> bool:
    """Do all that is to be done at this instant; False when the outbox must be emptied first."""
    totals = state.totals[0]
    while True:
        if totals.last_touched != NEVER:
            m = totals.last_touched
            if not has_room(outbox, 0, state.model[m].count):
                return False
            totals.last_touched = state.model[m].touched_before
            state.model[m].is_touched = 0
            _renew(state, m, now_us, outbox)
        elif not is_empty(state.holding) and top_key(state.holding) < now_us:
            touch(state, top_item(state.holding))
        elif is_empty(state.waiting):
            return True
        else:
            m = top_item(state.waiting)
            if not has_room(outbox, state.model[m].batch_max, state.model[m].count):
                return False
            g = gpu_for(state, now_us)
            if g != NEVER:
                _grant(state, m, g, now_us, outbox)
                continue
            m, b = _challenger(state, now_us)
            if b == 0:
                return True
            if not is_blank(outbox):
                return False
            _preempt(state, m, b, now_us, outbox)


@called
def next_instant_us(state: State) -> int:
    """When something is to be done although nothing is heard; NEVER if nothing is."""
    if is_empty(state.waiting):
        return NEVER
    at_us = min(top_key(state.holding), FAR_US - 1) + 1
    if not is_empty(state.busy):
        at_us = min(at_us, opening_us(state))
    return at_us if at_us < FAR_US else NEVER


@called
def _renew(state: State, m: int, now_us: int, outbox: Outbox) -> None:
    """Form the model's batch as though a GPU were idle, and put it where it belongs."""
    speed = speed_to_count_on(state, m, now_us)
    b = form_batch(state, m, speed, now_us, now_us, outbox)
    model = state.model[m]
    model.batch = b
    if b == 0:
        remove(state.holding, m)
        remove(state.waiting, m)
        return
    model.latest_us = FAR_US if model.due_us == FAR_US else last_start_us(state, m, speed, b)
    put(state.holding, m, model.latest_us)
    put(state.waiting, m, -b)


@called
def _grant(state: State, m: int, g: int, now_us: int, outbox: Outbox) -> None:
    """Start the model's batch on the GPU, unless nothing of it can be in time there."""
    b = form_batch(state, m, state.gpu[g].speed, now_us, free_us(state, g, now_us), outbox)
    if b > 0:
        _send(state, m, g, b, now_us, outbox)
    touch(state, m)


@kernel
def _send(state: State, m: int, g: int, b: int, now_us: int, outbox: Outbox) -> None:
    """Start the model's b oldest requests on the GPU, and remember them."""
    shepherd = state.shepherd
    place = shepherd.older[g] ^ state.gpu[g].batches
    shepherd.held[g, place].model = m
    shepherd.held[g, place].size = b
    first = first_entry(state, m)
    for i in range(b):
        shepherd.request[g, place, i].deadline_us = state.queue[first + i].deadline_us
        shepherd.request[g, place, i].request_id = state.queue[first + i].request_id
    send_batch(state, m, g, b, now_us, outbox)


@kernel
def _challenger(state: State, now_us: int) -> tuple[int, int]:
    """The model and the batch size that preempt the smallest batch that runs; size 0 if none does."""
    if is_empty(state.shepherd.running):
        return NEVER, 0
    g = top_item(state.shepherd.running)
    place = state.shepherd.older[g]
    holder = state.shepherd.held[g, place].model
    size = state.shepherd.held[g, place].size
    if state.model[holder].count + size > state.model[holder].queue_max:
        return NEVER, 0
    first = top_item(state.waiting)
    best = _size_with_running(state, holder, g, place, size, now_us)
    challenger = holder
    speed = state.gpu[g].speed
    b = state.model[first].batch
    is_in_time = finish_us(state, first, speed, b, now_us, now_us) <= state.model[first].due_us
    if first != holder and b >= best and is_in_time:
        best = b
        challenger = first
    if best * HOLD_WHOLE_PPM < size * state.totals[0].preemption_ppm:
        return NEVER, 0
    return challenger, best


@kernel
def _size_with_running(state: State, m: int, g: int, place: int, size: int, now_us: int) -> int:
    """The largest batch of those who wait and those whom the GPU serves, in time for all; 0 if none is."""
    due_us = state.shepherd.request[g, place, 0].deadline_us
    if state.model[m].count > 0:
        due_us = min(due_us, state.queue[first_entry(state, m)].deadline_us)
    speed = state.gpu[g].speed
    low, high = 0, min(state.model[m].count + size, state.model[m].batch_max)
    while low < high:
        b = (low + high + 1) // 2
        if finish_us(state, m, speed, b, now_us, now_us) <= due_us:
            low = b
        else:
            high = b - 1
    return int(low)


@called
def _preempt(state: State, m: int, b: int, now_us: int, outbox: Outbox) -> None:
    """The smallest batch that runs gives its GPU to b requests of the model; the outbox must be empty."""
    g = top_item(state.shepherd.running)
    place = state.shepherd.older[g]
    holder = state.shepherd.held[g, place].model
    size = state.shepherd.held[g, place].size
    preempt = outbox.preempt[0]
    preempt.gpu = g
    preempt.batch = state.gpu[g].batch
    preempt.model = holder
    preempt.first = outbox.counts[0].request_ids
    preempt.size = size
    outbox.counts[0].preempts = 1
    cancel_batch(state, g)
    for i in range(size):
        request = state.shepherd.request[g, place, i]
        outbox.request_id[preempt.first + i] = request.request_id
        insert(state, holder, request.request_id, request.deadline_us)
    outbox.counts[0].request_ids += size
    _send(state, m, g, b, now_us, outbox)
    touch(state, holder)
    touch(state, m)
