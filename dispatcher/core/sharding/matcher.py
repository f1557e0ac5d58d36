"""
The matcher: it owns the GPUs, and knows of each model only what its shard last offered.

The protocol is at the head of ``shard``. Model m of shard s is number ``m * shards + s`` here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.compiled import kernel
from dispatcher.core.gpus import finish_batch, free_us, give_batch
from dispatcher.core.heaps import Heap, is_empty, new_heap, put, remove, top_item, top_key
from dispatcher.core.matching import gpu_for
from dispatcher.core.sharding.atomics import store_release
from dispatcher.core.sharding.rings import Rings, first, leave, room, send
from dispatcher.core.sharding.shard import GRANT, OFFER, USED
from dispatcher.core.state import NEVER, State


class Matcher(NamedTuple):
    """
    ``state`` has all models, its queues unused. ``is_granted`` by model and ``is_reserved`` by GPU: a
    grant is unanswered. ``executing`` holds the GPUs by the end of their older batch, as expected: for a
    driver that emulates them. ``idle_word`` is the shared word that says whether a GPU is idle.
    """

    state: State
    is_granted: NDArray[np.int64]
    is_reserved: NDArray[np.int64]
    executing: Heap
    idle_word: NDArray[np.int64]


def new_matcher(state: State) -> Matcher:
    """A matcher over the state's GPUs, none of them granted."""
    gpus = len(state.gpu)
    granted, reserved = np.zeros(len(state.model), np.int64), np.zeros(gpus, np.int64)
    return Matcher(state, granted, reserved, new_heap(gpus), np.ones(1, np.int64))


@kernel
def matcher_step(matcher: Matcher, now_us: int, up: Rings, down: Rings) -> None:
    """Read the shards' messages, then grant what can be granted now."""
    state = matcher.state
    shards = len(up.message)
    for ring in range(shards):
        while first(up, ring) >= 0:
            _read(matcher, ring, up)
            leave(up, ring)
    while not is_empty(state.waiting):
        m = top_item(state.waiting)
        g = gpu_for(state, now_us)
        if g == NEVER or room(down, m % shards) == 0:
            break
        remove(state.waiting, m)
        remove(state.idle, g)
        remove(state.busy, g)
        matcher.is_granted[m] = 1
        matcher.is_reserved[g] = 1
        free_at_us = free_us(state, g, now_us)
        send(down, m % shards, GRANT, m // shards, g, state.gpu[g].speed, free_at_us, 0, now_us, 0)
    gpu_is_idle = 0 if is_empty(state.idle) else 1
    if matcher.idle_word[0] != gpu_is_idle:
        store_release(matcher.idle_word, 0, gpu_is_idle)


@kernel
def _read(matcher: Matcher, ring: int, up: Rings) -> None:
    """The oldest message of the shard."""
    state = matcher.state
    message = up.message[ring, first(up, ring)]
    m = message.model * len(up.message) + ring
    g = message.gpu
    if message.kind == OFFER:
        if matcher.is_granted[m] == 1:
            return
        if message.size == 0:
            remove(state.waiting, m)
        else:
            state.model[m].batch = message.size
            state.model[m].latest_us = message.a_us
            put(state.waiting, m, message.a_us)
        return
    matcher.is_granted[m] = 0
    matcher.is_reserved[g] = 0
    if message.kind == USED:
        give_batch(state, g, m, message.batch, message.a_us, message.b_us, message.decided_us)
        if state.gpu[g].batches == 1:
            put(matcher.executing, g, state.gpu[g].free_us)
    elif state.gpu[g].batches == 0:
        put(state.idle, g, g)
    else:
        put(state.busy, g, state.gpu[g].free_us)


@kernel
def finish_executed(matcher: Matcher, now_us: int) -> None:
    """Emulated GPUs: those whose older batch has been executed by now are free of it."""
    state = matcher.state
    while not is_empty(matcher.executing) and top_key(matcher.executing) <= now_us:
        g = top_item(matcher.executing)
        finish_batch(state, g, top_key(matcher.executing))
        if state.gpu[g].batches == 1:
            put(matcher.executing, g, state.gpu[g].free_us)
        else:
            remove(matcher.executing, g)
            if matcher.is_reserved[g] == 1:
                remove(state.idle, g)
