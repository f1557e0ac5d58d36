"""Batches of any size on a network that takes a few fixed ones: filled up, run, cut back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatcher.backends.backend import Array, Backend, BackendError


class Padded:
    """
    ``backend`` run at the smallest of ``sizes`` that holds the batch; those beyond are zero (strings: empty).

    ``sizes`` ascend. A batch beyond the largest raises ``BackendError``.
    """

    def __init__(self, backend: Backend, sizes: Sequence[int]) -> None:
        self._backend = backend
        self._sizes = tuple(sizes)

    @property
    def device_bytes(self) -> int | None:
        """As of the backend that is run."""
        return getattr(self._backend, "device_bytes", None)

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        batch_size = len(inputs[0])
        size = next((size for size in self._sizes if size >= batch_size), None)
        if size is None:
            raise BackendError(f"batch: must hold at most {self._sizes[-1]} requests, got {batch_size}")
        outputs = self._backend.execute([_filled(array, size) for array in inputs])
        return [output[:batch_size] for output in outputs]


def _filled(array: Array, size: int) -> Array:
    if len(array) == size:
        return array
    filled = np.full((size, *array.shape[1:]), b"" if array.dtype.kind == "O" else 0, dtype=array.dtype)
    filled[: len(array)] = array
    return filled
