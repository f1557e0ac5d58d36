"""
Commands on their way out of the kernels: arrays of fixed size that the driver empties.

A kernel asks for room before it acts, and stops where there is none; the driver empties
the outbox and calls again. Nothing is ever half done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.compiled import kernel
from dispatcher.core.model_spec import ModelSpec

START = np.dtype(
    [(name, np.int64) for name in ("gpu", "batch", "model", "first", "size", "start_us", "finish_us")]
)
PREEMPT = np.dtype([(name, np.int64) for name in ("gpu", "batch", "model", "first", "size")])
DROP = np.dtype([("request_id", np.int64), ("reason", np.int64)])
COUNTS = np.dtype([(name, np.int64) for name in ("starts", "request_ids", "drops", "preempts")])

DEADLINE_UNREACHABLE, WINDOW, QUEUE_FULL, GPUS_BUSY, OVER_SHARE = range(5)

STARTS_MAX = 1_024
ROOM_BEYOND_ONE = 4_096
"""Entries beyond what the largest single operation writes: fewer round trips under load."""


class Outbox(NamedTuple):
    """
    ``start[i]`` is a batch of ``size`` requests, whose ids lie in ``request_id`` from ``first`` on.
    ``preempt`` has one place, for the like of a batch that is taken back: it is to be carried out
    first, so it is written into an empty outbox only.

    ``counts`` is the single record of how many entries of each array are in use.
    """

    start: NDArray[Any]
    request_id: NDArray[np.int64]
    drop: NDArray[Any]
    preempt: NDArray[Any]
    counts: NDArray[Any]


def new_outbox(models: Sequence[ModelSpec]) -> Outbox:
    """Empty, with room for at least one operation on any of the models."""
    batch_max = max(spec.batch_size_max for spec in models)
    queue_max = max(spec.queue_max for spec in models)
    return Outbox(
        start=np.zeros(STARTS_MAX, dtype=START),
        request_id=np.zeros(2 * batch_max + ROOM_BEYOND_ONE, dtype=np.int64),
        drop=np.zeros(queue_max + ROOM_BEYOND_ONE, dtype=DROP),
        preempt=np.zeros(1, dtype=PREEMPT),
        counts=np.zeros(1, dtype=COUNTS),
    )


@kernel
def empty(outbox: Outbox) -> None:
    """Forget what was carried out."""
    counts = outbox.counts[0]
    counts.starts = 0
    counts.request_ids = 0
    counts.drops = 0
    counts.preempts = 0


@kernel
def is_blank(outbox: Outbox) -> bool:
    """Whether nothing is to be carried out."""
    counts = outbox.counts[0]
    return bool(counts.starts == 0 and counts.drops == 0 and counts.preempts == 0)


@kernel
def has_room(outbox: Outbox, batch_size: int, drops: int) -> bool:
    """Whether one more batch of that size and that many drops can be written."""
    counts = outbox.counts[0]
    return bool(
        counts.starts < len(outbox.start)
        and counts.request_ids + batch_size <= len(outbox.request_id)
        and counts.drops + drops <= len(outbox.drop)
    )


@kernel
def write_drop(outbox: Outbox, request_id: int, reason: int) -> None:
    counts = outbox.counts[0]
    drop = outbox.drop[counts.drops]
    drop.request_id = request_id
    drop.reason = reason
    counts.drops += 1
