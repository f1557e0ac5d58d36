"""
The scheduler's state: a few arrays of records, changed in place by the kernels.

Everything is int64. ``Totals`` are the single record of what belongs to no model and no GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.heaps import Heap, enlarged, new_heap
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.pace_state import enlarged_pace, new_pace
from dispatcher.core.rival_state import (
    enlarged_nexus,
    enlarged_shepherd,
    new_nexus,
    new_shepherd,
)
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec

RATE_BUCKETS = 100
RATE_PLACES = RATE_BUCKETS + 1
QUEUE_SLACK = 64
"""Requests may lie this much further into a queue's array before they are moved to its front."""
HOLD_WHOLE_PPM = 1_000_000
NEVER = -1
SPEED_OF_ADDED_GPUS = 1.0

FAR_US = 2**62
"""Beyond every deadline."""

ADAPTIVE, DEFERRED, EAGER, LATEST, TIMEOUT, CLOCKWORK, NEXUS, SHEPHERD = range(8)
POLICY_CODES = {
    Policy.ADAPTIVE: ADAPTIVE,
    Policy.DEFERRED: DEFERRED,
    Policy.EAGER: EAGER,
    Policy.LATEST: LATEST,
    Policy.TIMEOUT: TIMEOUT,
    Policy.CLOCKWORK: CLOCKWORK,
    Policy.NEXUS: NEXUS,
    Policy.SHEPHERD: SHEPHERD,
}
NOTHING_IS_HELD = (Policy.EAGER, Policy.CLOCKWORK, Policy.NEXUS, Policy.SHEPHERD)
DROP_WINDOW, DROP_HOPELESS, DROP_NEVER = range(3)
DROP_CODES = {
    DropRule.WINDOW: DROP_WINDOW,
    DropRule.HOPELESS: DROP_HOPELESS,
    DropRule.NEVER: DROP_NEVER,
}


def _record(*names: str) -> np.dtype[Any]:
    return np.dtype([(name, np.int64) for name in names])


ENTRY = _record("deadline_us", "request_id")

MODEL = _record(
    "budget_us",  # SLO less ctrl and resp
    "half_slo_us",
    "patience_us",  # how long before its deadline a head has waited its time, under the timeout policy
    "queue_max",
    "batch_max",
    "curve",  # where its curve begins in a row of State.latency_us
    "queue",  # where its part of State.queue begins
    "head",  # first waiting request, counted from there
    "count",  # waiting requests
    "target",  # batch size aimed at
    "target_bucket",  # rate bucket in which the target was computed
    "first_bucket",  # bucket of the first arrival, NEVER before it
    "last_bucket",  # newest bucket of the meter
    "arrivals",  # in the complete buckets of the meter
    "due_us",  # deadline that the candidate keeps: its head's, FAR_US where no request can be in time
    "latest_us",  # end of the candidate's window
    "sent",  # batches of it that GPUs hold
    "hold_ppm",  # its own hold factor, by whether its own requests are lost
    "batch",  # the candidate's size, 0 where there is none
    "speed",  # row of State.latency_us of the GPUs that the candidate's window counts on
    "is_touched",  # its candidate is to be computed anew in this step
    "touched_before",  # the model touched before it, NEVER if none: a list through the records
)

GPU = _record(
    "speed",  # row of State.latency_us
    "is_here",
    "is_leaving",  # here until it has executed what it holds
    "batches",  # 0 idle, 1 executing or about to, 2 one more behind it
    "batch",  # the older batch
    "model",  # of the older batch
    "start_us",  # of the older batch, expected
    "free_us",  # end of the older batch, expected
    "next_batch",
    "next_model",
    "next_ready_us",  # when its input will have arrived
    "next_execution_us",
)

TENANT = _record(
    "weight",
    "priority",
    "offered_ns",  # GPU time that its requests of this bucket ask for
    "demand_ns",  # the same as a mean over buckets
    "share_ns",  # what it gets of each bucket, NEVER while it is not settled
    "saved_ns",  # what is left of its shares, where it is limited
    "is_limited",
)

TOTALS = _record(
    "policy",
    "drop",  # rule
    "ctrl_us",
    "data_us",
    "commit_ahead_us",  # under clockwork
    "preemption_ppm",  # how much larger a batch preempts another under shepherd
    "hold_ppm",  # the pool's hold factor, by whether requests are lost; below 0 a debt
    "batches",  # started so far; the next batch's id
    "last_touched",  # head of the list of touched models, NEVER if it is empty
    "gpus",  # known so far, lost ones included
    "gpus_here",
    "fastest",  # row of latency_us of the fastest GPU known
    "share_bucket",  # in which the tenants' shares were settled
    "capacity_ppm",  # part of the GPUs' time that can be promised
    "admitted",  # requests in this bucket
    "lost",  # requests dropped in this bucket
    "seen_arrived",  # since the last observation, as the four below: requests that arrived
    "seen_bad",  # requests dropped, refused or sent although too late
    "seen_busy_us",  # planned execution time of the batches sent
    "seen_idle_min",  # smallest number of idle GPUs
    "seen_touched",  # one more than the highest GPU id that got a batch
)


class State(NamedTuple):
    """
    All that the scheduler knows.

    ``latency_us`` has a row for each distinct GPU speed, fastest first, and in it every
    model's curve. ``holding`` has models by the instant their candidate is due, ``waiting``
    models with a due candidate by the end of its window, ``idle`` GPUs by id, ``busy`` GPUs
    that could take one more batch by the instant they become free. ``here`` counts the GPUs
    that are here, for each row of ``latency_us``, ``speed_ppm`` how fast they are compared to the
    first. ``nexus`` and ``shepherd`` are what those policies must know besides (``rival_state``),
    None under the others; ``pace`` is what was learnt of real execution times (``pace_state``), None
    where the profile is trusted.
    """

    model: NDArray[Any]
    gpu: NDArray[Any]
    tenant: NDArray[Any]
    totals: NDArray[Any]
    latency_us: NDArray[np.int64]
    here: NDArray[np.int64]
    speed_ppm: NDArray[np.int64]
    queue: NDArray[Any]
    rate: NDArray[np.int64]
    holding: Heap
    waiting: Heap
    idle: Heap
    busy: Heap
    nexus: Any
    shepherd: Any
    pace: Any


def new_state(
    models: Sequence[ModelSpec],
    gpu_speeds: Sequence[float],
    delays: Delays,
    rules: Rules,
    tenants: Sequence[TenantSpec] = EVERYONE,
) -> State:
    """All queues empty, no GPU here yet, the hold factor at 1 (0 where nothing is held), models' own at 0."""
    speeds = distinct_speeds(gpu_speeds)
    model, queue_entries = _models(models, delays, rules)
    totals = np.zeros(1, dtype=TOTALS)
    totals["policy"] = POLICY_CODES[rules.policy]
    totals["drop"] = DROP_CODES[rules.drop_rule]
    totals["ctrl_us"], totals["data_us"] = delays.ctrl_us, delays.data_us
    totals["commit_ahead_us"] = rules.commit_ahead_us
    totals["preemption_ppm"] = round(rules.preemption_factor * 1e6)
    totals["hold_ppm"] = 0 if rules.policy in NOTHING_IS_HELD else HOLD_WHOLE_PPM
    totals["last_touched"] = totals["share_bucket"] = NEVER
    totals["capacity_ppm"] = 1_000_000
    tenant = np.zeros(len(tenants), dtype=TENANT)
    tenant["weight"] = [each.weight for each in tenants]
    tenant["priority"] = [each.priority for each in tenants]
    totals["fastest"] = len(speeds) - 1
    latency_us = np.vstack([latency_row(models, speed) for speed in speeds])
    pace = None
    if rules.time_quantile is not None:
        pace = new_pace(rules.time_quantile, latency_us, len(models))
    state = State(
        model=model,
        gpu=np.zeros(0, dtype=GPU),
        tenant=tenant,
        totals=totals,
        latency_us=latency_us,
        here=np.zeros(len(speeds), dtype=np.int64),
        speed_ppm=np.array([round(speed / speeds[0] * 1e6) for speed in speeds], dtype=np.int64),
        queue=np.empty(queue_entries, dtype=ENTRY),
        rate=np.zeros((len(models), RATE_PLACES), dtype=np.int64),
        holding=new_heap(len(models)),
        waiting=new_heap(len(models)),
        idle=new_heap(0),
        busy=new_heap(0),
        nexus=new_nexus(len(models)) if rules.policy is Policy.NEXUS else None,
        shepherd=new_shepherd(_batch_max(models)) if rules.policy is Policy.SHEPHERD else None,
        pace=pace,
    )
    return with_gpus(state, [speeds.index(speed) for speed in gpu_speeds])


def _batch_max(models: Sequence[ModelSpec]) -> int:
    return max(spec.batch_size_max for spec in models)


def distinct_speeds(gpu_speeds: Sequence[float]) -> list[float]:
    """Speeds of the rows of ``latency_us``, fastest first."""
    return sorted({SPEED_OF_ADDED_GPUS, *gpu_speeds}, reverse=True)


def hold_factor(state: State) -> float:
    """The pool's: the share of their deferral that candidates wait for at most, from 0 to 1."""
    return max(0.0, float(state.totals[0]["hold_ppm"]) / HOLD_WHOLE_PPM)


def with_gpus(state: State, rows: Sequence[int]) -> State:
    """The state with more GPUs known, none of them here yet; each has its row of ``latency_us``."""
    known = int(state.totals["gpus"][0])
    total = known + len(rows)
    if total > len(state.gpu):
        capacity = max(total, 2 * known)
        gpu = np.zeros(capacity, dtype=GPU)
        gpu[:known] = state.gpu[:known]
        idle, busy = enlarged(state.idle, capacity), enlarged(state.busy, capacity)
        state = state._replace(gpu=gpu, idle=idle, busy=busy)
        if state.nexus is not None:
            state = state._replace(nexus=enlarged_nexus(state.nexus, capacity))
        if state.shepherd is not None:
            state = state._replace(shepherd=enlarged_shepherd(state.shepherd, capacity))
        if state.pace is not None:
            state = state._replace(pace=enlarged_pace(state.pace, capacity))
    state.gpu["speed"][known:total] = rows
    state.totals["gpus"] = total
    state.totals["fastest"] = min([int(state.totals["fastest"][0]), *rows])
    state.model["target_bucket"] = NEVER  # targets count on the fastest GPU
    return state


def latency_row(models: Sequence[ModelSpec], speed: float) -> NDArray[np.int64]:
    """Every model's curve, one after another, on a GPU of that speed; rounded up to whole microseconds."""
    curves = np.concatenate([spec.latency_us for spec in models]) / speed
    return np.ceil(curves - 1e-6).astype(np.int64)


def _models(models: Sequence[ModelSpec], delays: Delays, rules: Rules) -> tuple[NDArray[Any], int]:
    """The models' records, and how many queue entries they need."""
    record = np.zeros(len(models), dtype=MODEL)
    record["budget_us"] = [spec.slo_us - delays.ctrl_us - delays.resp_us for spec in models]
    record["half_slo_us"] = [spec.slo_us // 2 for spec in models]
    record["patience_us"] = [
        spec.slo_us - delays.resp_us - int(rules.timeout_share * spec.slo_us) for spec in models
    ]
    record["queue_max"] = [spec.queue_max for spec in models]
    record["batch_max"] = [spec.batch_size_max for spec in models]
    curves = np.cumsum([0] + [len(spec.latency_us) for spec in models])
    record["curve"] = curves[:-1]
    queues = np.cumsum([0] + [2 * spec.queue_max + QUEUE_SLACK for spec in models])
    record["queue"] = queues[:-1]
    record["target_bucket"] = record["first_bucket"] = record["last_bucket"] = NEVER
    return record, int(queues[-1])
