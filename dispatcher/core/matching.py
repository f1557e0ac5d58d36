"""
Candidates meet GPUs.

A model with requests is in one of two heaps: ``holding`` until its candidate is due, then
``waiting`` until a GPU takes it or its window ends. A GPU takes the waiting candidate
with the earliest end of window: an idle one at once, lowest id first, so that idle GPUs
gather at the end of the list; a busy one as soon as the transfer of the input will
outlast what it executes. Each time the batch is formed anew for the very GPU.
"""

from __future__ import annotations

from dispatcher.core.candidate import (
    all_in_time,
    due_before,
    execution_us,
    largest_in_time,
    last_start_us,
    lead_us,
)
from dispatcher.core.clockwork import commit_ahead_us, form_allowed_batch
from dispatcher.core.compiled import kernel
from dispatcher.core.gpus import free_us, give_batch
from dispatcher.core.heaps import is_empty, put, remove, top_item, top_key
from dispatcher.core.observation import note_bad
from dispatcher.core.outbox import Outbox, has_room
from dispatcher.core.pace import fastest_row, note_sent_batch
from dispatcher.core.policies import due_us, note_lost, note_started
from dispatcher.core.queues import first_entry, remove_heads
from dispatcher.core.rates import target_batch
from dispatcher.core.state import CLOCKWORK, DROP_NEVER, FAR_US, NEVER, State


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
        _wait(state, m)
    while not is_empty(state.waiting):
        m = top_item(state.waiting)
        if not has_room(outbox, state.model[m].batch_max, state.model[m].count):
            return False
        g = gpu_for(state, now_us)
        if g != NEVER:
            _grant(state, m, g, now_us, outbox)
        elif state.model[m].latest_us < now_us:
            renew(state, m, now_us, outbox)
        else:
            break
    return True


@kernel
def renew(state: State, m: int, now_us: int, outbox: Outbox) -> None:
    """Compute the model's candidate as though a GPU were idle, and put it where it belongs."""
    speed = speed_to_count_on(state, m, now_us)
    state.model[m].speed = speed
    b = formed(state, m, speed, now_us, now_us, outbox)
    model = state.model[m]
    model.batch = b
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
    else:
        _wait(state, m)


@kernel
def formed(state: State, m: int, speed: int, now_us: int, gpu_free_us: int, outbox: Outbox) -> int:
    """``form_allowed_batch``; requests that it drops are noted as lost."""
    drops_before = outbox.counts[0].drops
    b = form_allowed_batch(state, m, speed, now_us, gpu_free_us, outbox)
    note_lost(state, m, outbox.counts[0].drops - drops_before)
    return int(b)


@kernel
def _wait(state: State, m: int) -> None:
    """The model's candidate is due."""
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
            at_us = min(at_us, opening_us(state))
        if at_us < FAR_US:
            instant_us = at_us if instant_us == NEVER else min(instant_us, at_us)
    return instant_us


@kernel
def _grant(state: State, m: int, g: int, now_us: int, outbox: Outbox) -> None:
    """
    Start the model's candidate on the GPU, unless nothing of it can be in time there.

    A GPU slower than the candidate's window counts on takes a smaller batch rather than have
    heads dropped, unless that would be less than half of what is aimed at.
    """
    speed = state.gpu[g].speed
    b = 0
    if speed > state.model[m].speed and state.totals[0].policy != CLOCKWORK:
        b = largest_in_time(state, m, speed, now_us, free_us(state, g, now_us))
    if b == 0 or 2 * b < min(state.model[m].batch, target_batch(state, m, now_us)):
        b = formed(state, m, speed, now_us, free_us(state, g, now_us), outbox)
    if b > 0:
        send_batch(state, m, g, b, now_us, outbox)
        remove(state.waiting, m)
        note_started(state, m, b)
    renew(state, m, now_us, outbox)


@kernel
def send_batch(state: State, m: int, g: int, b: int, now_us: int, outbox: Outbox) -> None:
    """Start a batch of the model's b oldest requests on the GPU."""
    execution = execution_us(state, m, state.gpu[g].speed, b)
    totals = state.totals[0]
    batch = totals.batches
    totals.batches += 1
    start_us = give_batch(state, g, m, batch, now_us + lead_us(state, b), execution, now_us)
    note_sent_batch(state, g, m, b)
    _write_start(state, m, g, batch, b, start_us, start_us + execution, outbox)
    if totals.drop == DROP_NEVER:
        late = due_before(state, m, start_us + execution, b)
        note_bad(state, late)
        note_lost(state, m, late)
    remove_heads(state, m, b)


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
def gpu_for(state: State, now_us: int) -> int:
    """The GPU that takes the first waiting candidate now; NEVER if there is none."""
    if not is_empty(state.idle):
        return top_item(state.idle)
    if not is_empty(state.busy) and opening_us(state) <= now_us:
        return top_item(state.busy)
    return NEVER


@kernel
def opening_us(state: State) -> int:
    """From when on the busy GPU that is free first can take the first waiting candidate."""
    gpu = state.gpu[top_item(state.busy)]
    b = state.model[top_item(state.waiting)].batch
    ahead_us = commit_ahead_us(state, lead_us(state, b))
    return int(max(gpu.start_us, gpu.free_us - ahead_us))


@kernel
def speed_to_count_on(state: State, m: int, now_us: int) -> int:
    """
    The row of the GPUs that the model's candidate counts on.

    While a GPU is idle: the slowest here on which all that wait would be in time, so that
    whichever takes the candidate when it is due will do. Where none is idle: the one that
    is free next. Else the fastest.
    """
    if len(state.here) == 1 or state.model[m].count == 0:
        return 0
    if not is_empty(state.idle):
        for speed in range(len(state.here) - 1, 0, -1):
            if state.here[speed] > 0 and all_in_time(state, m, speed, now_us, now_us):
                return speed
    elif not is_empty(state.busy):
        speed = state.gpu[top_item(state.busy)].speed
        if all_in_time(state, m, speed, now_us, now_us):
            return int(speed)
    return int(fastest_row(state, m))
