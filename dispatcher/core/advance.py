"""One instant: the events of GPUs, then the requests that arrived, then what follows from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.admission import is_within_share, no_gpu_in_time
from dispatcher.core.compiled import kernel
from dispatcher.core.gpus import add_gpu, finish_batch, is_known, lose_gpu, retire_gpu
from dispatcher.core.heaps import is_in
from dispatcher.core.matching import touch
from dispatcher.core.observation import note_arrived, note_bad
from dispatcher.core.outbox import GPUS_BUSY, OVER_SHARE, QUEUE_FULL, Outbox, has_room, write_drop
from dispatcher.core.pace import is_pace_changed, is_pace_forgotten
from dispatcher.core.queues import insert
from dispatcher.core.rates import count_arrival
from dispatcher.core.settling import next_instant_us, settle
from dispatcher.core.state import ADAPTIVE, NEXUS, SHEPHERD, State

FINISHED, LOST, ADDED, RETIRED = 0, 1, 2, 3
SIGNAL = np.dtype([("kind", np.int64), ("gpu", np.int64), ("batch", np.int64)])
PROGRESS = np.dtype([("signals", np.int64), ("arrivals", np.int64), ("next_us", np.int64)])

DONE, OUTBOX_FULL, SIGNAL_INVALID, ARRIVAL_INVALID = 0, 1, 2, 3


class Happenings(NamedTuple):
    """
    What happened at one instant.

    ``signal`` holds events of GPUs (dtype SIGNAL) in order; the other arrays, as long as one
    another, the requests that arrived after them. ``progress`` is the single record of how
    many of each have been taken in, and of when to look again though nothing is heard, NEVER if never.
    """

    signal: NDArray[Any]
    model_index: NDArray[np.int32]
    request_id: NDArray[np.int64]
    deadline_us: NDArray[np.int64]
    tenant_index: NDArray[np.int32]
    progress: NDArray[Any]


@kernel
def advance(state: State, now_us: int, happenings: Happenings, outbox: Outbox) -> int:
    """
    Take everything in and settle; one of DONE, OUTBOX_FULL, SIGNAL_INVALID, ARRIVAL_INVALID.

    After OUTBOX_FULL empty the outbox and call again with the same arguments.
    """
    progress = happenings.progress[0]
    while progress.signals < len(happenings.signal):
        signal = happenings.signal[progress.signals]
        if not take_signal(state, now_us, signal.kind, signal.gpu, signal.batch):
            return SIGNAL_INVALID
        progress.signals += 1
    while progress.arrivals < len(happenings.request_id):
        i = progress.arrivals
        m = happenings.model_index[i]
        tenant = happenings.tenant_index[i]
        if m < 0 or m >= len(state.model) or tenant < 0 or tenant >= len(state.tenant):
            return ARRIVAL_INVALID
        if not has_room(outbox, 0, 1):
            return OUTBOX_FULL
        deadline_us = happenings.deadline_us[i]
        take_request(state, now_us, m, tenant, happenings.request_id[i], deadline_us, outbox)
        progress.arrivals += 1
    if not settle(state, now_us, outbox):
        return OUTBOX_FULL
    progress.next_us = next_instant_us(state)
    return DONE


@kernel
def take_signal(state: State, now_us: int, kind: int, g: int, batch: int) -> bool:
    """One event of a GPU; False if it cannot have happened."""
    if not is_known(state, g):
        return False
    gpu = state.gpu[g]
    if kind == FINISHED:
        if gpu.batches == 0 or gpu.batch != batch:
            return False
        m = gpu.model
        has_new_times = is_pace_changed(state, g, now_us)
        finish_batch(state, g, now_us)
        if has_new_times or (state.totals[0].policy == ADAPTIVE and is_in(state.holding, m)):
            touch(state, m)
    elif kind == LOST:
        lose_gpu(state, g)
    elif kind == RETIRED:
        if gpu.is_here == 0 or state.totals[0].policy in (NEXUS, SHEPHERD):
            return False
        retire_gpu(state, g)
    else:
        if gpu.is_here == 1:
            return False
        add_gpu(state, g)
    return True


@kernel
def take_request(
    state: State, now_us: int, m: int, tenant: int, request_id: int, deadline_us: int, outbox: Outbox
) -> None:
    """One request that arrived; the outbox must have room for one drop."""
    note_arrived(state)
    if not is_within_share(state, m, tenant, now_us):
        _refuse(state, request_id, OVER_SHARE, outbox)
        return
    count_arrival(state, m, now_us)
    if is_pace_forgotten(state, m, now_us):
        touch(state, m)
    if no_gpu_in_time(state, m, now_us, deadline_us):
        _refuse(state, request_id, GPUS_BUSY, outbox)
    elif insert(state, m, request_id, deadline_us):
        touch(state, m)
    else:
        _refuse(state, request_id, QUEUE_FULL, outbox)


@kernel
def _refuse(state: State, request_id: int, reason: int, outbox: Outbox) -> None:
    write_drop(outbox, request_id, reason)
    note_bad(state, 1)
