"""
Bounded rings of messages from one thread to one other, several side by side in one array.

The producer writes a message, then releases ``cursor[ring, TAIL]``; the consumer acquires it, reads, then
releases ``cursor[ring, HEAD]``, which the producer acquires before it writes over the place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.compiled import kernel
from dispatcher.core.sharding.atomics import LINE_WORDS, load_acquire, store_release

HEAD, TAIL = 0, LINE_WORDS
MESSAGE = np.dtype(
    [(name, np.int64) for name in ("kind", "model", "gpu", "batch", "a_us", "b_us", "decided_us", "size")]
)


class Rings(NamedTuple):
    """``message`` has dtype MESSAGE, shape (rings, places); ``cursor`` counts messages, (rings, 2 lines)."""

    message: NDArray[Any]
    cursor: NDArray[np.int64]


def new_rings(count: int, places: int) -> Rings:
    """Empty rings."""
    return Rings(np.zeros((count, places), MESSAGE), np.zeros((count, 2 * LINE_WORDS), np.int64))


@kernel
def room(rings: Rings, ring: int) -> int:
    """How many messages the producer may still send."""
    head = load_acquire(rings.cursor[ring], HEAD)
    return int(rings.message.shape[1] - (rings.cursor[ring, TAIL] - head))


@kernel
def send(
    rings: Rings,
    ring: int,
    kind: int,
    model: int,
    gpu: int,
    batch: int,
    a_us: int,
    b_us: int,
    decided_us: int,
    size: int,
) -> None:
    """Send one message; there must be room."""
    tail = rings.cursor[ring, TAIL]
    message = rings.message[ring, tail % rings.message.shape[1]]
    message.kind = kind
    message.model = model
    message.gpu = gpu
    message.batch = batch
    message.a_us = a_us
    message.b_us = b_us
    message.decided_us = decided_us
    message.size = size
    store_release(rings.cursor[ring], TAIL, tail + 1)


@kernel
def first(rings: Rings, ring: int) -> int:
    """The place of the oldest message, -1 if there is none; the consumer's."""
    head = rings.cursor[ring, HEAD]
    if load_acquire(rings.cursor[ring], TAIL) == head:
        return -1
    return int(head % rings.message.shape[1])


@kernel
def leave(rings: Rings, ring: int) -> None:
    """The oldest message has been read."""
    store_release(rings.cursor[ring], HEAD, rings.cursor[ring, HEAD] + 1)
