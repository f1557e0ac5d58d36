"""The rules of ``dispatcher.simulation.loop`` stated plainly, around the scheduler's twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    DropReason,
    DropRequest,
    Event,
    PreemptBatch,
    RequestsArrived,
    StartBatch,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Rules
from tests.naive.rivals import naive_scheduler


@dataclass
class NaiveRun:
    """What became of each request: (gpu, start, finish), or the reason of its drop."""

    served: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    dropped: dict[int, DropReason] = field(default_factory=dict)


def naive_simulation(
    models: Sequence[ModelSpec],
    gpu_count: int,
    arrivals: Sequence[tuple[int, int]],
    *,
    delays: Delays,
    rules: Rules,
    gpu_speeds: Sequence[float] | None = None,
) -> NaiveRun:
    """``arrivals`` are (instant, model index), in order; a request's id is its position."""
    scheduler = naive_scheduler(models, gpu_count, delays=delays, rules=rules, gpu_speeds=gpu_speeds)
    run = NaiveRun()
    pending = [(at_us, m, i) for i, (at_us, m) in enumerate(arrivals)]
    executing: list[tuple[int, int, int]] = []  # (end, gpu, batch)
    members: dict[int, list[int]] = {}  # by batch
    timer_us: int | None = None
    while pending or executing or timer_us is not None:
        instants = [at_us for at_us, _, _ in pending[:1]] + [end for end, _, _ in executing]
        now_us = min(instants + ([timer_us] if timer_us is not None else []))
        ended = sorted((g, batch) for end, g, batch in executing if end == now_us)
        executing = [each for each in executing if each[0] != now_us]
        events: list[Event] = [BatchFinished(g, batch) for g, batch in ended]
        here = [each for each in pending if each[0] == now_us]
        pending = pending[len(here) :]
        if here:
            events.append(
                RequestsArrived(
                    np.array([m for _, m, _ in here], dtype=np.int32),
                    np.array([i for _, _, i in here], dtype=np.int64),
                    np.array(
                        [now_us + models[m].slo_us - delays.resp_us for _, m, _ in here], dtype=np.int64
                    ),
                )
            )
        timer_us = None
        for command in scheduler.step(now_us, events):
            if isinstance(command, StartBatch):
                executing.append((command.finish_us, command.gpu_id, command.batch_id))
                members[command.batch_id] = command.request_ids.tolist()
                for request_id in members[command.batch_id]:
                    run.served[request_id] = (command.gpu_id, command.start_us, command.finish_us)
            elif isinstance(command, PreemptBatch):
                executing = [each for each in executing if each[2] != command.batch_id]
                for request_id in members[command.batch_id]:
                    del run.served[request_id]
            elif isinstance(command, DropRequest):
                run.dropped[command.request_id] = command.reason
            else:
                timer_us = command.at_us
    return run
