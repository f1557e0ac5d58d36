"""
Candidates meet GPUs.

A model with requests is in one of two heaps: ``holding`` until its candidate is due, then
``waiting`` until a GPU takes it or its window ends. A GPU takes the waiting candidate
with the earliest end of window: an idle one at once, lowest id first, so that idle GPUs
gather at the end of the list; a busy one as soon as the transfer of the input will
outlast what it executes. Each time the batch is formed anew for the very GPU.
"""

from __future__ import annotations

from dispatcher.core.candidate import due_before, execution_us, form_batch, last_start_us, lead_us
from dispatcher.core.compiled import kernel
from dispatcher.core.gpus import free_us, give_batch
from dispatcher.core.heaps import is_empty, is_in, put, remove, top_item, top_key
from dispatcher.core.observation import note_bad
from dispatcher.core.outbox import Outbox, has_room
from dispatcher.core.policies import due_us, note_batch, note_loss, note_miss
from dispatcher.core.queues import first_entry, remove_heads
from dispatcher.core.state import DROP_NEVER, FAR_US, NEVER, State


@kernel
def touch(state: State, m: int) -> None:
    """Have the model's candidate computed anew in this step."""
    if state.model[m].is_touched == 0:
        state.model[m].is_touched = 1
        state.model[m].touched_before = state.totals[0].last_touched
        state.totals[0].last_touched = m


@kernel
def settle(state: State, now_us: int, outbox: Outbox) -> bool:
    """Do all that is to be done at this instant; False when the outbox must be emptied first."""
    totals = state.totals[0]
    while totals.last_touched != NEVER:
        m = totals.last_touched
        if not has_room(outbox, 0, state.model[m].count):
            return False
        totals.last_touched = state.model[m].touched_before
        state.model[m].is_touched = 0
        renew(state, m, now_us, outbox)
    while not is_empty(state.holding) and top_key(state.holding) <= now_us:
        m = top_item(state.holding)
        _wait(state, m, now_us)
    while not is_empty(state.waiting):
        m = top_item(state.waiting)
        if not has_room(outbox, state.model[m].batch_max, state.model[m].count):
            return False
        g = _gpu_for(state, now_us)
        if g != NEVER:
            _grant(state, m, g, now_us, outbox)
        elif state.model[m].latest_us < now_us:
            note_miss(state)
            renew(state, m, now_us, outbox)
        else:
            break
    return True


@kernel
def renew(state: State, m: int, now_us: int, outbox: Outbox) -> None:
    """Compute the model's candidate as though a GPU were idle, and put it where it belongs."""
    speed = _speed_of_next_gpu(state)
    drops_before = outbox.counts[0].drops
    b = form_batch(state, m, speed, now_us, now_us, outbox)
    model = state.model[m]
    model.batch = b
    if outbox.counts[0].drops > drops_before and model.was_held == 1:
        model.was_held = 0
        note_loss(state)
    if b == 0:
        remove(state.holding, m)
        remove(state.waiting, m)
        return
    start_us = now_us
    if model.due_us == FAR_US:
        model.latest_us = FAR_US
    else:
        model.latest_us = last_start_us(state, m, speed, b)
    if b < model.batch_max and model.due_us != FAR_US:
        start_us = due_us(state, m, now_us, last_start_us(state, m, speed, b + 1))
    if start_us > now_us:
        remove(state.waiting, m)
        put(state.holding, m, start_us)
        if not is_empty(state.idle):
            model.was_held = 1
    else:
        _wait(state, m, now_us)


@kernel
def _wait(state: State, m: int, now_us: int) -> None:
    """The model's candidate is due."""
    if not is_in(state.waiting, m):
        state.model[m].waiting_since_us = now_us
        remove(state.holding, m)
    put(state.waiting, m, state.model[m].latest_us)


@kernel
def next_instant_us(state: State) -> int:
    """When something is to be done although nothing is heard; NEVER if nothing is."""
    instant_us = NEVER
    if not is_empty(state.holding):
        instant_us = top_key(state.holding)
    if not is_empty(state.waiting):
        at_us = min(top_key(state.waiting), FAR_US - 1) + 1
        if not is_empty(state.busy):
            at_us = min(at_us, _opening_us(state))
        if at_us < FAR_US:
            instant_us = at_us if instant_us == NEVER else min(instant_us, at_us)
    return instant_us


@kernel
def _grant(state: State, m: int, g: int, now_us: int, outbox: Outbox) -> None:
    """Start the model's candidate on the GPU, unless nothing of it can be in time there."""
    speed = state.gpu[g].speed
    b = form_batch(state, m, speed, now_us, free_us(state, g, now_us), outbox)
    if b > 0:
        execution = execution_us(state, m, speed, b)
        totals = state.totals[0]
        batch = totals.batches
        totals.batches += 1
        start_us = give_batch(state, g, batch, now_us + lead_us(state, b), execution, now_us)
        _write_start(state, m, g, batch, b, start_us, start_us + execution, outbox)
        if totals.drop == DROP_NEVER:
            note_bad(state, due_before(state, m, start_us + execution, b))
        remove_heads(state, m, b)
        remove(state.waiting, m)
        state.model[m].was_held = 0
        note_batch(state, state.model[m].waiting_since_us < now_us)
    renew(state, m, now_us, outbox)


@kernel
def _write_start(
    state: State, m: int, g: int, batch: int, b: int, start_us: int, finish_us: int, outbox: Outbox
) -> None:
    counts = outbox.counts[0]
    start = outbox.start[counts.starts]
    start.gpu = g
    start.batch = batch
    start.model = m
    start.first = counts.request_ids
    start.size = b
    start.start_us = start_us
    start.finish_us = finish_us
    counts.starts += 1
    head = first_entry(state, m)
    for i in range(b):
        outbox.request_id[counts.request_ids + i] = state.queue[head + i].request_id
    counts.request_ids += b


@kernel
def _gpu_for(state: State, now_us: int) -> int:
    """The GPU that takes the first waiting candidate now; NEVER if there is none."""
    if not is_empty(state.idle):
        return top_item(state.idle)
    if not is_empty(state.busy) and _opening_us(state) <= now_us:
        return top_item(state.busy)
    return NEVER


@kernel
def _opening_us(state: State) -> int:
    """From when on the busy GPU that is free first can take the first waiting candidate."""
    gpu = state.gpu[top_item(state.busy)]
    b = state.model[top_item(state.waiting)].batch
    return int(max(gpu.start_us, gpu.free_us - lead_us(state, b)))


@kernel
def _speed_of_next_gpu(state: State) -> int:
    """Of the GPU that would take a candidate now; where all are full, of the fastest."""
    if not is_empty(state.idle):
        return int(state.gpu[top_item(state.idle)].speed)
    if not is_empty(state.busy):
        return int(state.gpu[top_item(state.busy)].speed)
    return int(state.totals[0].fastest)
