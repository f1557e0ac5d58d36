"""
Shards and their matcher on threads of their own, driven as fast as they can.

Time is virtual and paced by the slowest thread: the matcher's thread moves the clock on by a few
microseconds as soon as no shard is more than a few such steps behind. So a run takes
as long as the work takes, and requests per second of wall time say what the threads carry.
GPUs are emulated: each batch takes exactly its curve's time.

Thread 0 runs the matcher and shard 0, every other thread one shard. The kernels let go of the
interpreter lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.advance import take_request
from dispatcher.core.compiled import kernel, loop_kernel
from dispatcher.core.delays import Delays
from dispatcher.core.gpus import add_gpu
from dispatcher.core.heaps import is_empty
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.outbox import Outbox, empty, has_room, new_outbox
from dispatcher.core.rules import Rules
from dispatcher.core.sharding.atomics import LINE_WORDS, load_acquire, store_release
from dispatcher.core.sharding.matcher import Matcher, finish_executed, matcher_step, new_matcher
from dispatcher.core.sharding.rings import Rings, first, new_rings
from dispatcher.core.sharding.shard import Shard, new_shard, shard_step
from dispatcher.core.state import FAR_US, new_state
from dispatcher.simulation.loop import DROPPED, EXECUTED, Requests

STEP_US = 10
STEPS_BEHIND_MAX = 32
RING_PLACES = 4_096


class Sharded(NamedTuple):
    """
    What all threads share: the rings up to the matcher and down to the shards, and the clock.

    ``clock[0]`` is now; ``clock[(1 + s) * LINE_WORDS]`` is how far shard s is, FAR_US when all its
    requests are answered.
    """

    matcher: Matcher
    up: Rings
    down: Rings
    clock: NDArray[np.int64]


class Part(NamedTuple):
    """What belongs to one shard's thread; ``arrived`` counts the requests taken in."""

    shard: Shard
    outbox: Outbox
    requests: Requests
    arrived: NDArray[np.int64]


def new_sharded(
    models: Sequence[ModelSpec],
    gpu_count: int,
    requests: Requests,
    shards: int,
    *,
    delays: Delays,
    rules: Rules,
    ring_places: int = RING_PLACES,
) -> tuple[Sharded, list[Part]]:
    """Model m goes to shard ``m % shards``, with its requests in their order."""
    if len(models) % shards != 0:
        raise ValueError(f"{len(models)} models do not part evenly over {shards} shards.")
    if rules.time_quantile is not None:
        raise ValueError(f"time_quantile must be None: shards learn no times, got {rules.time_quantile}.")
    known = new_state([replace(spec, queue_max=1) for spec in models], [1.0] * gpu_count, delays, rules)
    for g in range(gpu_count):
        add_gpu(known, g)
    clock = np.zeros((1 + shards) * LINE_WORDS, dtype=np.int64)
    rings = new_rings(shards, ring_places), new_rings(shards, ring_places)
    parts = []
    for s in range(shards):
        mine = requests.model_index % shards == s
        own = Requests(*(np.ascontiguousarray(column[mine]) for column in requests))
        own = own._replace(model_index=own.model_index // shards)
        specs = models[s::shards]
        state = new_state(specs, [1.0], delays, rules)
        parts.append(Part(new_shard(state), new_outbox(specs), own, np.zeros(1, np.int64)))
    return Sharded(new_matcher(known), *rings, clock), parts


def run_on_threads(shared: Sharded, parts: Sequence[Part]) -> None:
    """Run until each request is answered; what becomes of them stands in the parts' requests."""
    with ThreadPoolExecutor(len(parts)) as threads:
        others = [threads.submit(run_shard, shared, part, 1 + s) for s, part in enumerate(parts[1:])]
        run_matcher_and_shard(shared, parts[0])
        for other in others:
            other.result()


@loop_kernel
def run_shard(shared: Sharded, part: Part, s: int) -> None:
    """Shard s, until the clock says that all is done."""
    while True:
        now_us = load_acquire(shared.clock, 0)
        if now_us == FAR_US:
            return
        part_step(shared, part, s, now_us)


@loop_kernel
def run_matcher_and_shard(shared: Sharded, part: Part) -> None:
    """The matcher, the clock and shard 0, until each request of every shard is answered."""
    shards = len(shared.up.message)
    while True:
        now_us = shared.clock[0]
        one_matcher_step(shared, now_us)
        part_step(shared, part, 0, now_us)
        slowest_us = FAR_US
        for s in range(shards):
            slowest_us = min(slowest_us, load_acquire(shared.clock, (1 + s) * LINE_WORDS))
        if slowest_us == FAR_US:
            store_release(shared.clock, 0, FAR_US)
            return
        if slowest_us >= now_us - STEP_US * STEPS_BEHIND_MAX:
            store_release(shared.clock, 0, now_us + STEP_US)


@kernel
def one_matcher_step(shared: Sharded, now_us: int) -> None:
    finish_executed(shared.matcher, now_us)
    matcher_step(shared.matcher, now_us, shared.up, shared.down)


@kernel
def part_step(shared: Sharded, part: Part, s: int, now_us: int) -> None:
    """Take in what has arrived by now, settle, carry out; say how far the shard is."""
    state, requests, outbox = part.shard.state, part.requests, part.outbox
    while part.arrived[0] < len(requests.arrival_us) and requests.arrival_us[part.arrived[0]] <= now_us:
        i = part.arrived[0]
        if not has_room(outbox, 0, 1):
            _carry_out(part, now_us)
        take_request(state, now_us, requests.model_index[i], 0, i, requests.deadline_us[i], outbox)
        part.arrived[0] += 1
    gpu_is_idle = load_acquire(shared.matcher.idle_word, 0)
    while not shard_step(part.shard, now_us, s, shared.up, shared.down, gpu_is_idle, outbox):
        _carry_out(part, now_us)
    _carry_out(part, now_us)
    is_done = (
        part.arrived[0] == len(requests.arrival_us)
        and is_empty(state.holding)
        and is_empty(state.waiting)
        and first(shared.down, s) < 0
    )
    reached_us = FAR_US if is_done else now_us
    if shared.clock[(1 + s) * LINE_WORDS] != reached_us:
        store_release(shared.clock, (1 + s) * LINE_WORDS, reached_us)


@kernel
def _carry_out(part: Part, now_us: int) -> None:
    """Note what the commands in the outbox do with the requests, and empty it."""
    outbox, requests = part.outbox, part.requests
    for i in range(outbox.counts[0].drops):
        drop = outbox.drop[i]
        requests.outcome[drop.request_id] = DROPPED + drop.reason
        requests.finish_us[drop.request_id] = now_us
    for i in range(outbox.counts[0].starts):
        start = outbox.start[i]
        for place in range(start.first, start.first + start.size):
            request = outbox.request_id[place]
            requests.outcome[request] = EXECUTED
            requests.start_us[request] = start.start_us
            requests.finish_us[request] = start.finish_us
            requests.gpu[request] = start.gpu
    empty(outbox)


def joined(parts: Sequence[Part]) -> Requests:
    """The requests of all shards, with the models' numbers of the whole; not in order of arrival."""
    shards = len(parts)
    columns: list[list[Any]] = [[] for _ in Requests._fields]
    for s, part in enumerate(parts):
        whole = part.requests._replace(model_index=part.requests.model_index * shards + s)
        for column, values in zip(columns, whole, strict=True):
            column.append(values)
    return Requests(*(np.concatenate(column) for column in columns))
