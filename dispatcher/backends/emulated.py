"""An emulated GPU: a batch of b takes exactly l(b) microseconds, and computes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import numpy as np

from dispatcher.backends.backend import Array, BackendError
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.sub_cluster import ServedModel

WAKE_UP_NS = 300_000
"""A sleeping process is back this long after it asked at the latest, mostly (Linux: 0.1 to 0.2 ms)."""


class EmulatedGpu:
    """Takes the model's own latency curve as its time; answers zeros of the declared shape."""

    def __init__(self, model: ServedModel) -> None:
        self._model = model

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        """Raises ``BackendError`` for a batch larger than the curve knows."""
        started_ns = time.monotonic_ns()
        batch_size = len(inputs[0])
        latency_us = self._model.latency_us
        if batch_size >= len(latency_us):
            raise BackendError(f"{self._model.id}: batch of at most {len(latency_us) - 1}, got {batch_size}")
        outputs: list[Array] = [
            np.zeros((batch_size, *tensor.shape), dtype=NUMPY_BY_DATATYPE[tensor.datatype])
            for tensor in self._model.outputs
        ]
        wait_until(started_ns + latency_us[batch_size] * 1_000)
        return outputs


def wait_until(instant_ns: int) -> None:
    """
    Return at ``instant_ns`` of the monotonic clock, within some ten microseconds on an idle core.

    Sleeps until shortly before, then gives up the core again and again: other processes
    run meanwhile, so that many emulated GPUs fit on few cores.
    """
    sleep_ns = instant_ns - WAKE_UP_NS - time.monotonic_ns()
    if sleep_ns > 0:
        time.sleep(sleep_ns / 1e9)
    while time.monotonic_ns() < instant_ns:
        os.sched_yield()
