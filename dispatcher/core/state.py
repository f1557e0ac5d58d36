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
from dispatcher.core.rules import DropRule, Policy, Rules

RATE_BUCKETS = 100
RATE_PLACES = RATE_BUCKETS + 1
QUEUE_SLACK = 64
"""Requests may lie this much further into a queue's array before they are moved to its front."""
HOLD_WHOLE_PPM = 1_000_000
NEVER = -1
SPEED_OF_ADDED_GPUS = 1.0

FAR_US = 2**62
"""Beyond every deadline."""

ADAPTIVE, DEFERRED, EAGER, LATEST, TIMEOUT = range(5)
POLICY_CODES = {
    Policy.ADAPTIVE: ADAPTIVE,
    Policy.DEFERRED: DEFERRED,
    Policy.EAGER: EAGER,
    Policy.LATEST: LATEST,
    Policy.TIMEOUT: TIMEOUT,
}
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
    "was_held",  # on an idle GPU, since its last batch
    "waiting_since_us",  # for a GPU; kept while the candidate is formed anew
    "batch",  # the candidate's size, 0 where there is none
    "is_touched",  # its candidate is to be computed anew in this step
    "touched_before",  # the model touched before it, NEVER if none: a list through the records
)

GPU = _record(
    "speed",  # row of State.latency_us
    "is_here",
    "is_leaving",  # here until it has executed what it holds
    "batches",  # 0 idle, 1 executing or about to, 2 one more behind it
    "batch",  # the older batch
    "start_us",  # of the older batch, expected
    "free_us",  # end of the older batch, expected
    "next_batch",
    "next_ready_us",  # when its input will have arrived
    "next_execution_us",
)

TOTALS = _record(
    "policy",
    "drop",  # rule
    "ctrl_us",
    "data_us",
    "hold_ppm",  # hold factor by whether due candidates find a GPU
    "hold_cap_ppm",  # and its limit by whether holding loses requests
    "batches",  # started so far; the next batch's id
    "last_touched",  # head of the list of touched models, NEVER if it is empty
    "gpus",  # known so far, lost ones included
    "fastest",  # row of latency_us of the fastest GPU known
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
    that could take one more batch by the instant they become free.
    """

    model: NDArray[Any]
    gpu: NDArray[Any]
    totals: NDArray[Any]
    latency_us: NDArray[np.int64]
    queue: NDArray[Any]
    rate: NDArray[np.int64]
    holding: Heap
    waiting: Heap
    idle: Heap
    busy: Heap


def new_state(
    models: Sequence[ModelSpec], gpu_speeds: Sequence[float], delays: Delays, rules: Rules
) -> State:
    """All queues empty, no GPU here yet, the hold factor at 1 (0 for eager)."""
    speeds = distinct_speeds(gpu_speeds)
    model, queue_entries = _models(models, delays, rules)
    totals = np.zeros(1, dtype=TOTALS)
    totals["policy"] = POLICY_CODES[rules.policy]
    totals["drop"] = DROP_CODES[rules.drop_rule]
    totals["ctrl_us"], totals["data_us"] = delays.ctrl_us, delays.data_us
    totals["hold_ppm"] = totals["hold_cap_ppm"] = 0 if rules.policy is Policy.EAGER else HOLD_WHOLE_PPM
    totals["last_touched"] = NEVER
    totals["fastest"] = len(speeds) - 1
    state = State(
        model=model,
        gpu=np.zeros(0, dtype=GPU),
        totals=totals,
        latency_us=np.vstack([latency_row(models, speed) for speed in speeds]),
        queue=np.empty(queue_entries, dtype=ENTRY),
        rate=np.zeros((len(models), RATE_PLACES), dtype=np.int64),
        holding=new_heap(len(models)),
        waiting=new_heap(len(models)),
        idle=new_heap(0),
        busy=new_heap(0),
    )
    return with_gpus(state, [speeds.index(speed) for speed in gpu_speeds])


def distinct_speeds(gpu_speeds: Sequence[float]) -> list[float]:
    """Speeds of the rows of ``latency_us``, fastest first."""
    return sorted({SPEED_OF_ADDED_GPUS, *gpu_speeds}, reverse=True)


def hold_factor(state: State) -> float:
    """Share of the deferral that candidates wait for, from 0 to 1."""
    totals = state.totals[0]
    return float(min(totals["hold_ppm"], totals["hold_cap_ppm"])) / HOLD_WHOLE_PPM


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
