"""Small states to call kernels on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.gpus import add_gpu
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.queues import first_entry
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.state import State, new_state

NO_DELAYS = Delays(0, 0, 0)


def model(
    slo_us: int = 10_000,
    alpha_us: int = 1_000,
    beta_us: int = 2_000,
    batch_size_max: int = 8,
    queue_max: int = 50,
) -> ModelSpec:
    """A model of affine latency."""
    table = [0, *(alpha_us * b + beta_us for b in range(1, batch_size_max + 1))]
    return ModelSpec("m", slo_us, np.array(table, dtype=np.int64), queue_max)


def state(
    *models: ModelSpec,
    speeds: Sequence[float] = (1.0,),
    delays: Delays = NO_DELAYS,
    rules: Rules = Rules(Policy.DEFERRED),  # noqa: B008 (frozen)
) -> State:
    """Every GPU there and idle."""
    new = new_state(models or [model()], speeds, delays, rules)
    for g in range(len(speeds)):
        add_gpu(new, g)
    return new


def waiting(of: State, m: int = 0) -> list[tuple[int, int]]:
    """The queue as (deadline, id)."""
    first = int(first_entry(of, m))
    return [tuple(entry) for entry in of.queue[first : first + int(of.model["count"][m])].tolist()]
