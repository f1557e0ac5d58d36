"""A model as the scheduler sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ModelSpec:
    """
    What the scheduler knows of a model.

    Parameters
    ----------
    slo_us
        The answer is due this long after the request.
    latency_us
        int64, shape ``(batch_size_max + 1,)``: entry b is the time of a batch of b on a GPU of
        speed 1, entry 0 is 0; positive and not falling from entry 1 on.
    queue_max
        Requests that may wait; one more is dropped with ``QUEUE_FULL``.
    """

    model_id: str
    slo_us: int
    latency_us: NDArray[np.int64]
    queue_max: int = 10_000

    def __post_init__(self) -> None:
        if self.slo_us <= 0:
            raise ValueError(f"{self.model_id}: slo_us must be positive, got {self.slo_us}.")
        if self.queue_max < 1:
            raise ValueError(f"{self.model_id}: queue_max must be at least 1, got {self.queue_max}.")
        curve = self.latency_us
        if curve.ndim != 1 or len(curve) < 2 or curve[0] != 0:
            raise ValueError(f"{self.model_id}: latency_us must hold 0 and then a time for each batch size.")
        if curve[1] < 1 or np.any(np.diff(curve[1:]) < 0):
            raise ValueError(f"{self.model_id}: latency_us must be positive and must not fall.")

    @property
    def batch_size_max(self) -> int:
        return len(self.latency_us) - 1
