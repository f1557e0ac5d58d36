"""
The scheduler on the machine's own clock, fed by whole arrays of arrivals: how much one core carries.

The third driver of the scheduler's kernels, beside the live one (whose requests come from
sockets, one Python call each) and the simulator's (whose time is virtual). Here requests come
from prepared arrays and GPUs are emulated, but time is real: the loop reads the clock, takes in
every arrival and every end of a batch whose instant has come, has the scheduler settle, carries
out its commands, and begins again. It never sleeps. If it falls behind, requests are handled late,
and that is measured.

Lag        of a request: from its arrival's instant until the step that took it in is over, commands
           carried out.
Decision   a command to start a batch or to drop a request. Its latency: from the *earliest* instant at
           which anything that its step took in was due (an arrival, the end of a batch, the
           scheduler's timer) until the command is in the outbox. A decision may follow from something
           later, never from anything earlier, so that the figure is never too small.

An emulated GPU counts the delays from the instant at which it is really told, not from the one
that the scheduler was told; so a slow scheduler makes batches late, and they count as bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.advance import FINISHED, take_request, take_signal
from dispatcher.core.compiled import kernel, loop_kernel
from dispatcher.core.delays import Delays
from dispatcher.core.gpus import add_gpu
from dispatcher.core.heaps import is_empty, top_item, top_key
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.outbox import Outbox, has_room, new_outbox
from dispatcher.core.rules import Rules
from dispatcher.core.settling import next_instant_us, settle
from dispatcher.core.state import FAR_US, NEVER, State, new_state
from dispatcher.runtime.compiled_clock import monotonic_ns
from dispatcher.runtime.histogram import Histogram, new_histogram, note
from dispatcher.simulation.loop import Fleet, Requests, carry_out, end_batch, new_fleet, next_us

RUN_MAX = 1_024
"""Arrivals taken in by one step; more of them wait for the next."""

PAGE_BYTES = 4_096
"""At most a page of memory."""


class Observations(NamedTuple):
    """What the loop measures: the lag of each request, the latency of each decision, the steps it made."""

    lag: Histogram
    decision: Histogram
    steps: NDArray[np.int64]


def run_in_real_time(
    models: Sequence[ModelSpec], gpu_count: int, requests: Requests, *, delays: Delays, rules: Rules
) -> Observations:
    """
    Feed the requests at their instants, counted from now; fill in what becomes of them.

    Returns when each has been served or dropped. Everything is brought into memory before the
    clock starts.
    """
    state = new_state(models, [1.0] * gpu_count, delays, rules)
    for g in range(gpu_count):
        add_gpu(state, g)
    fleet = new_fleet(gpu_count, len(models), state.latency_us, 0, FAR_US)
    outbox = new_outbox(models)
    observed = Observations(new_histogram(), new_histogram(), np.zeros(1, dtype=np.int64))
    for array in (*state, *fleet, *outbox, *requests):
        bring_into_memory(array)
    if not run_real_time(state, outbox, requests, fleet, observed):
        raise AssertionError("the scheduler refused an event of its own batch")
    return observed


def bring_into_memory(array: NDArray[Any] | None) -> None:
    """Write to each of the array's pages, and change nothing; a part that a policy does without is None."""
    if array is None:
        return
    array.reshape(-1).view(np.uint8)[::PAGE_BYTES] |= 0


@loop_kernel
def run_real_time(
    state: State, outbox: Outbox, requests: Requests, fleet: Fleet, observed: Observations
) -> bool:
    """Run until each request has its answer; False if the scheduler refused an event, which is a bug."""
    progress = fleet.progress[0]
    origin_ns = monotonic_ns()
    while True:
        now_ns = monotonic_ns() - origin_ns
        now_us = now_ns // 1_000
        first = progress.arrived
        cause_us = next_us(requests, fleet)
        if cause_us == NEVER:
            return True
        if cause_us > now_us:
            continue
        while not is_empty(fleet.finishing) and top_key(fleet.finishing) <= now_us:
            g = top_item(fleet.finishing)
            if not take_signal(state, now_us, FINISHED, g, fleet.gpu[g].batch):
                return False
            end_batch(fleet, g)
        last = min(len(requests.arrival_us), first + RUN_MAX)
        while progress.arrived < last and requests.arrival_us[progress.arrived] <= now_us:
            if not has_room(outbox, 0, 1):
                _carry_out(state, outbox, requests, fleet, observed, origin_ns, cause_us)
            i = progress.arrived
            m, tenant = requests.model_index[i], requests.tenant_index[i]
            take_request(state, now_us, m, tenant, i, requests.deadline_us[i], outbox)
            progress.arrived += 1
        while not settle(state, now_us, outbox):
            _carry_out(state, outbox, requests, fleet, observed, origin_ns, cause_us)
        progress.timer_us = next_instant_us(state)
        _carry_out(state, outbox, requests, fleet, observed, origin_ns, cause_us)
        handled_ns = monotonic_ns() - origin_ns
        for i in range(first, progress.arrived):
            note(observed.lag, handled_ns - requests.arrival_us[i] * 1_000, 1)
        observed.steps[0] += 1


@kernel
def _carry_out(
    state: State,
    outbox: Outbox,
    requests: Requests,
    fleet: Fleet,
    observed: Observations,
    origin_ns: int,
    cause_us: int,
) -> None:
    """Note how long the commands in the outbox took, and obey them from now on."""
    counts = outbox.counts[0]
    decisions = counts.starts + counts.drops
    if decisions == 0:
        return
    written_ns = monotonic_ns() - origin_ns
    note(observed.decision, written_ns - cause_us * 1_000, decisions)
    carry_out(state, outbox, requests, fleet, written_ns // 1_000)
