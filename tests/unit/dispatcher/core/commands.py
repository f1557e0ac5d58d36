"""Short ways to feed a scheduler and to read its commands."""

from __future__ import annotations

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.events import Command, RequestsArrived, SetTimer, StartBatch
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Rules
from dispatcher.core.scheduler import Scheduler
from tests.unit.dispatcher.core.core_states import NO_DELAYS, model


def scheduler(rules: Rules, gpu_count: int, *models: ModelSpec, delays: Delays = NO_DELAYS) -> Scheduler:
    """One model of l(b) = b + 2 ms and SLO 10 ms unless others are given."""
    return Scheduler(models or [model()], gpu_count, rules=rules, delays=delays)


def arrived(m: int, ids: range, deadline_us: int) -> RequestsArrived:
    """Requests of one model, all due at once."""
    return RequestsArrived(
        np.full(len(ids), m, np.int32), np.array(ids, np.int64), np.full(len(ids), deadline_us, np.int64)
    )


def starts(commands: list[Command]) -> list[tuple[int, list[int], int, int]]:
    """(GPU, ids, start, finish) of each batch."""
    return [
        (each.gpu_id, each.request_ids.tolist(), each.start_us, each.finish_us)
        for each in commands
        if isinstance(each, StartBatch)
    ]


def timer(commands: list[Command]) -> int | None:
    return next((each.at_us for each in commands if isinstance(each, SetTimer)), None)
