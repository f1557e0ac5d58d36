"""
One shard: some of the models, with everything of theirs but the GPUs.

The protocol. Each shard has two rings (``rings``): one to the matcher, one from it.

=========  =================  ==========================================================================
message    from, to           meaning
=========  =================  ==========================================================================
OFFER      shard to matcher   the model's candidate is due: its size, the end of its window; it takes the
                              place of the model's last offer; size 0 takes that back
GRANT      matcher to shard   the model may use the GPU, which is free from a_us on. The matcher now ignores
                              the model's offers, and gives the GPU to no one else
USED       shard to matcher   the batch was sent to the GPU; b_us is its execution, a_us its inputs' arrival
UNUSED     shard to matcher   nothing of the model could be in time there
=========  =================  ==========================================================================

USED or UNUSED answers each GRANT, and ends both its effects. Rings keep their order, so every offer
that the matcher reads before the answer is stale and every one after it is new: no versions
are needed. A shard sends USED before the worker can have the batch, so that the
matcher, which reads its rings before it hears of ends, never hears of the end of an unknown batch.

A model has one slot, in ``changed``: however often its candidate changes before the ring has room, one offer
follows. Only due candidates are offered: those still held stay in the shard, so that the matcher's
work follows batches, not requests.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.candidate import execution_us, lead_us
from dispatcher.core.compiled import kernel
from dispatcher.core.heaps import is_empty, is_in, put, remove, top_item, top_key
from dispatcher.core.matching import _wait, _write_start, formed, renew
from dispatcher.core.outbox import Outbox, has_room
from dispatcher.core.policies import note_started
from dispatcher.core.queues import remove_heads
from dispatcher.core.sharding.rings import Rings, first, leave, room, send
from dispatcher.core.state import NEVER, State

OFFER, GRANT, USED, UNUSED = 0, 1, 2, 3
COUNT = 0


class Shard(NamedTuple):
    """
    ``state`` knows one GPU, number 0: a stand-in, idle while the matcher has an idle one.

    ``changed`` lists models whose offer may be out of date: their number, then they; ``is_changed`` says
    which are in it; ``offered`` holds the size and the end of window last offered, size 0 for none.
    """

    state: State
    changed: NDArray[np.int64]
    is_changed: NDArray[np.int64]
    offered: NDArray[np.int64]


def new_shard(state: State) -> Shard:
    """A shard of the state's models."""
    count = len(state.model)
    words = (np.zeros(count + 1, np.int64), np.zeros(count, np.int64), np.zeros((count, 2), np.int64))
    return Shard(state, *words)


@kernel
def shard_step(
    shard: Shard, now_us: int, ring: int, up: Rings, down: Rings, gpu_is_idle: int, outbox: Outbox
) -> bool:
    """Settle what the clock and the requests ask for; False when the outbox must be emptied first."""
    state = shard.state
    if gpu_is_idle == 1:
        put(state.idle, 0, 0)
    else:
        remove(state.idle, 0)
    is_done = _settle(shard, now_us, outbox)
    while is_done and first(down, ring) >= 0 and room(up, ring) > 0:
        m = down.message[ring, first(down, ring)].model
        if not has_room(outbox, state.model[m].batch_max, 2 * state.model[m].count):
            is_done = False
        else:
            _use(shard, now_us, ring, up, down, outbox)
    _offer(shard, ring, up)
    return is_done


@kernel
def _settle(shard: Shard, now_us: int, outbox: Outbox) -> bool:
    state = shard.state
    totals = state.totals[0]
    while totals.last_touched != NEVER:
        m = totals.last_touched
        if not has_room(outbox, 0, state.model[m].count):
            return False
        totals.last_touched = state.model[m].touched_before
        state.model[m].is_touched = 0
        renew(state, m, now_us, outbox)
        _note_change(shard, m)
    while not is_empty(state.holding) and top_key(state.holding) <= now_us:
        m = top_item(state.holding)
        _wait(state, m)
        _note_change(shard, m)
    while not is_empty(state.waiting) and top_key(state.waiting) < now_us:
        m = top_item(state.waiting)
        if not has_room(outbox, 0, state.model[m].count):
            return False
        renew(state, m, now_us, outbox)
        _note_change(shard, m)
    return True


@kernel
def _use(shard: Shard, now_us: int, ring: int, up: Rings, down: Rings, outbox: Outbox) -> None:
    """Answer the oldest grant."""
    state = shard.state
    grant = down.message[ring, first(down, ring)]
    m, g, speed = grant.model, grant.gpu, grant.batch
    free_us = max(now_us, grant.a_us)
    b = formed(state, m, speed, now_us, free_us, outbox)
    if b > 0:
        execution = execution_us(state, m, speed, b)
        ready_us = now_us + lead_us(state, b)
        start_us = max(ready_us, free_us)
        batch = state.totals[0].batches
        state.totals[0].batches += 1
        _write_start(state, m, g, batch, b, start_us, start_us + execution, outbox)
        remove_heads(state, m, b)
        note_started(state, m, b)
        remove(state.waiting, m)
        send(up, ring, USED, m, g, batch, ready_us, execution, now_us, b)
    else:
        send(up, ring, UNUSED, m, g, NEVER, 0, 0, now_us, 0)
    leave(down, ring)
    shard.offered[m, 0] = 0
    renew(state, m, now_us, outbox)
    _note_change(shard, m)


@kernel
def _note_change(shard: Shard, m: int) -> None:
    if shard.is_changed[m] == 0:
        shard.is_changed[m] = 1
        shard.changed[COUNT] += 1
        shard.changed[shard.changed[COUNT]] = m


@kernel
def _offer(shard: Shard, ring: int, up: Rings) -> None:
    """Send what has changed, as far as the ring has room."""
    state = shard.state
    while shard.changed[COUNT] > 0 and room(up, ring) > 0:
        m = shard.changed[shard.changed[COUNT]]
        shard.changed[COUNT] -= 1
        shard.is_changed[m] = 0
        size, latest_us = 0, 0
        if is_in(state.waiting, m):
            size, latest_us = state.model[m].batch, state.model[m].latest_us
        if size != shard.offered[m, 0] or (size > 0 and latest_us != shard.offered[m, 1]):
            shard.offered[m, 0] = size
            shard.offered[m, 1] = latest_us
            send(up, ring, OFFER, m, NEVER, NEVER, latest_us, 0, 0, size)
