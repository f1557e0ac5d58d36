"""
The simulator's loop: virtual time jumps from one happening to the next.

It is a driver of the scheduler's kernels and decides nothing: it feeds them arrivals, and
the ends of the batches that emulated GPUs execute. Of what happens at the same instant GPUs
come first (by id), then arrivals (in their order), then timers, all in one step.

An emulated GPU takes a batch in when its inputs have arrived, executes one at a time in the
order they were sent, each for its curve's time (times the batch's factor, where times vary), and
reports the end at once. A batch that is preempted stops at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.advance import FINISHED, take_request, take_signal
from dispatcher.core.compiled import kernel
from dispatcher.core.heaps import Heap, is_empty, new_heap, put, remove, top_item, top_key
from dispatcher.core.outbox import Outbox, empty, has_room
from dispatcher.core.settling import next_instant_us, settle
from dispatcher.core.state import NEVER, State
from dispatcher.simulation.execution import EXACT_PPM

PENDING, EXECUTED, DROPPED = 0, 1, 2
"""``Requests.outcome`` is DROPPED + the core's code of the reason for a dropped request."""

EMULATED_GPU = np.dtype(
    [
        (name, np.int64)
        for name in ("batches", "batch", "end_us", "next_batch", "next_end_us", "busy_us", "executed")
    ]
)
PROGRESS = np.dtype([("arrived", np.int64), ("timer_us", np.int64)])
MODEL_TALLY = np.dtype([(name, np.int64) for name in ("batches", "requests", "busy_us")])


class Requests(NamedTuple):
    """
    Every request of a run, ordered by arrival; its position is its id.

    ``outcome``, ``start_us``, ``finish_us`` (of its execution) and ``gpu`` are filled in by the
    run; for a dropped request ``finish_us`` is the instant of the drop.
    """

    arrival_us: NDArray[np.int64]
    deadline_us: NDArray[np.int64]
    model_index: NDArray[np.int32]
    tenant_index: NDArray[np.int32]
    outcome: NDArray[np.int8]
    start_us: NDArray[np.int64]
    finish_us: NDArray[np.int64]
    gpu: NDArray[np.int32]


class Fleet(NamedTuple):
    """
    The emulated GPUs, and what they executed in the measured interval.

    ``latency_us`` is the true time of a batch, laid out like ``State.latency_us``, and ``factor_ppm``
    what it is multiplied by, one after the other (``execution``);
    ``finishing`` holds the executing GPUs by the end of their older batch; ``progress`` is the
    single record of how many requests have arrived and when the scheduler wants to be called.
    """

    gpu: NDArray[Any]
    latency_us: NDArray[np.int64]
    factor_ppm: NDArray[np.int64]
    finishing: Heap
    tally: NDArray[Any]
    measured_us: NDArray[np.int64]
    progress: NDArray[Any]


def new_fleet(
    gpu_count: int,
    model_count: int,
    latency_us: NDArray[np.int64],
    measure_from_us: int,
    measure_to_us: int,
    factor_ppm: NDArray[np.int64] = EXACT_PPM,
) -> Fleet:
    """All GPUs idle; only what happens within the interval is tallied. The table is copied."""
    progress = np.zeros(1, dtype=PROGRESS)
    progress["timer_us"] = NEVER
    return Fleet(
        gpu=np.zeros(gpu_count, dtype=EMULATED_GPU),
        latency_us=latency_us.copy(),
        factor_ppm=factor_ppm,
        finishing=new_heap(gpu_count),
        tally=np.zeros(model_count, dtype=MODEL_TALLY),
        measured_us=np.array([measure_from_us, measure_to_us], dtype=np.int64),
        progress=progress,
    )


@kernel
def run(state: State, outbox: Outbox, requests: Requests, fleet: Fleet, until_us: int) -> bool:
    """
    Run on until nothing is left to happen before ``until_us``.

    Between two calls GPUs may be added and idle ones taken away. False if the scheduler
    refused an event, which is a bug.
    """
    progress = fleet.progress[0]
    while True:
        now_us = next_us(requests, fleet)
        if now_us == NEVER or now_us >= until_us:
            return True
        while not is_empty(fleet.finishing) and top_key(fleet.finishing) <= now_us:
            g = top_item(fleet.finishing)
            if not take_signal(state, now_us, FINISHED, g, fleet.gpu[g].batch):
                return False
            end_batch(fleet, g)
        while progress.arrived < len(requests.arrival_us) and requests.arrival_us[progress.arrived] == now_us:
            if not has_room(outbox, 0, 1):
                carry_out(state, outbox, requests, fleet, now_us)
            i = progress.arrived
            m, tenant = requests.model_index[i], requests.tenant_index[i]
            take_request(state, now_us, m, tenant, i, requests.deadline_us[i], outbox)
            progress.arrived += 1
        while not settle(state, now_us, outbox):
            carry_out(state, outbox, requests, fleet, now_us)
        carry_out(state, outbox, requests, fleet, now_us)
        progress.timer_us = next_instant_us(state)


@kernel
def next_us(requests: Requests, fleet: Fleet) -> int:
    """When the next thing happens; NEVER if nothing will."""
    soonest_us = int(fleet.progress[0].timer_us)
    if fleet.progress[0].arrived < len(requests.arrival_us):
        arrival_us = int(requests.arrival_us[fleet.progress[0].arrived])
        soonest_us = arrival_us if soonest_us == NEVER else min(soonest_us, arrival_us)
    if not is_empty(fleet.finishing):
        end_us = top_key(fleet.finishing)
        soonest_us = end_us if soonest_us == NEVER else min(soonest_us, end_us)
    return soonest_us


@kernel
def carry_out(state: State, outbox: Outbox, requests: Requests, fleet: Fleet, now_us: int) -> None:
    """Obey the commands in the outbox and empty it."""
    counts = outbox.counts[0]
    if counts.preempts == 1:
        _preempt(outbox, requests, fleet, now_us)
    for i in range(counts.drops):
        drop = outbox.drop[i]
        requests.outcome[drop.request_id] = DROPPED + drop.reason
        requests.finish_us[drop.request_id] = now_us
    for i in range(counts.starts):
        _execute(state, outbox, requests, fleet, i, now_us)
    empty(outbox)


@kernel
def _execute(state: State, outbox: Outbox, requests: Requests, fleet: Fleet, i: int, now_us: int) -> None:
    """Send the outbox's batch ``i`` to its emulated GPU."""
    start = outbox.start[i]
    g, b = start.gpu, start.size
    gpu = fleet.gpu[g]
    start_us = now_us + state.totals[0].ctrl_us + b * state.totals[0].data_us
    if gpu.batches == 1:
        start_us = max(start_us, gpu.end_us)
    speed = state.gpu[g].speed
    end_us = start_us + _true_us(state, fleet, speed, start.model, b, start.batch)
    if gpu.batches == 0:
        gpu.batch = start.batch
        gpu.end_us = end_us
        put(fleet.finishing, g, end_us)
    else:
        gpu.next_batch = start.batch
        gpu.next_end_us = end_us
    gpu.batches += 1
    for place in range(start.first, start.first + b):
        request = outbox.request_id[place]
        requests.outcome[request] = EXECUTED
        requests.start_us[request] = start_us
        requests.finish_us[request] = end_us
        requests.gpu[request] = g
    _tally(fleet, g, start.model, b, start_us, end_us)


@kernel
def _true_us(state: State, fleet: Fleet, speed: int, m: int, b: int, batch: int) -> int:
    """How long the batch really takes."""
    factor_ppm = fleet.factor_ppm[batch % len(fleet.factor_ppm)]
    latency_us = fleet.latency_us[speed, state.model[m].curve + b]
    return max(1, int((latency_us * factor_ppm + 500_000) // 1_000_000))


@kernel
def _preempt(outbox: Outbox, requests: Requests, fleet: Fleet, now_us: int) -> None:
    """Stop the only batch of an emulated GPU; what it has executed is wasted, and counts as busy."""
    preempt = outbox.preempt[0]
    g = preempt.gpu
    start_us = requests.start_us[outbox.request_id[preempt.first]]
    planned_us = _within_us(fleet, start_us, fleet.gpu[g].end_us)
    wasted_us = _within_us(fleet, start_us, now_us)
    if planned_us > 0:
        fleet.gpu[g].busy_us -= planned_us - max(wasted_us, 0)
        fleet.gpu[g].executed -= 0 if wasted_us > 0 else 1
    if fleet.measured_us[0] <= start_us < fleet.measured_us[1]:
        fleet.tally[preempt.model].batches -= 1
        fleet.tally[preempt.model].requests -= preempt.size
    fleet.gpu[g].batches = 0
    remove(fleet.finishing, g)
    for place in range(preempt.first, preempt.first + preempt.size):
        request = outbox.request_id[place]
        requests.outcome[request] = PENDING
        requests.start_us[request] = 0
        requests.finish_us[request] = 0
        requests.gpu[request] = NEVER


@kernel
def _within_us(fleet: Fleet, start_us: int, end_us: int) -> int:
    """How much of a span lies in the measured interval; not above 0 where nothing does."""
    return int(min(end_us, fleet.measured_us[1]) - max(start_us, fleet.measured_us[0]))


@kernel
def _tally(fleet: Fleet, g: int, m: int, b: int, start_us: int, end_us: int) -> None:
    from_us, to_us = fleet.measured_us[0], fleet.measured_us[1]
    within_us = _within_us(fleet, start_us, end_us)
    if within_us > 0:
        fleet.gpu[g].busy_us += within_us
        fleet.gpu[g].executed += 1
        fleet.tally[m].busy_us += within_us
    if from_us <= start_us < to_us:
        fleet.tally[m].batches += 1
        fleet.tally[m].requests += b


@kernel
def end_batch(fleet: Fleet, g: int) -> None:
    """The GPU's older batch is executed; the one behind it, if any, moves up."""
    gpu = fleet.gpu[g]
    gpu.batches -= 1
    if gpu.batches == 0:
        remove(fleet.finishing, g)
    else:
        gpu.batch = gpu.next_batch
        gpu.end_us = gpu.next_end_us
        put(fleet.finishing, g, gpu.end_us)
