"""An emulated GPU: a batch of b takes exactly l(b) microseconds, and computes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from dispatcher.backends.backend import Array, BackendError
from dispatcher.backends.emulated_memory import EmulatedMemory
from dispatcher.contract.strings import BYTES, blank
from dispatcher.contract.sub_cluster import ServedModel, Tensor

WAKE_UP_NS = 300_000
"""A sleeping process is back this long after it asked at the latest, mostly (Linux: 0.1 to 0.2 ms)."""


class EmulatedGpu:
    """
    Takes the model's own latency curve as its time; answers zeros of the declared shape.

    ``memory`` is the GPU's, where it is limited. An output of BYTES repeats the first input of BYTES of the
    same shape; without one its strings are empty.
    """

    def __init__(self, model: ServedModel, memory: EmulatedMemory | None = None) -> None:
        """Raises ``BackendError`` where the model does not fit."""
        self._model = model
        self._memory = memory
        if memory is not None:
            memory.hold(self, model)
            self.device_bytes = round(model.weights_gib * 2**30)

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        """Raises ``BackendError`` for a batch larger than the curve knows or memory holds."""
        started_ns = time.monotonic_ns()
        batch_size = len(inputs[0])
        latency_us = self._model.latency_us
        if batch_size >= len(latency_us):
            raise BackendError(f"{self._model.id}: batch of at most {len(latency_us) - 1}, got {batch_size}")
        if self._memory is not None:
            self._memory.run(self._model, batch_size)
        outputs = [self._output(tensor, inputs, batch_size) for tensor in self._model.outputs]
        wait_until(started_ns + latency_us[batch_size] * 1_000)
        return outputs

    def _output(self, tensor: Tensor, inputs: Sequence[Array], batch_size: int) -> Array:
        if tensor.datatype == BYTES:
            for given, array in zip(self._model.inputs, inputs, strict=True):
                if (given.datatype, given.shape) == (BYTES, tensor.shape):
                    return array
        return blank(tensor, batch_size)


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
