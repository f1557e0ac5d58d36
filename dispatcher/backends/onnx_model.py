"""A real model, computed by ONNX Runtime: on the GPU where its CUDA provider is there, else on one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from dispatcher.backends.backend import Array, ModelUnfit, load_error
from dispatcher.contract.sub_cluster import ServedModel

LOG_FATAL_ONLY = 4
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxModel:
    """
    ``model.backend.path`` as a session of one intra-op thread.

    The file's inputs and outputs must bear the declared names and take a batch as their
    first dimension; ``fixed_batch`` is that dimension where the file fixes it. Raises ``BackendError``
    when it cannot be loaded, ``ModelUnfit`` where it never can.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model
        self._inputs = [tensor.name for tensor in model.inputs]
        self._outputs = [tensor.name for tensor in model.outputs]
        self._session = _session(model)
        self._check_names()
        self.fixed_batch = self._fixed_batch()

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        """One run of the network for the whole batch."""
        given = [_text(array) if array.dtype.kind == "O" else array for array in inputs]
        outputs: list[Any] = self._session.run(self._outputs, dict(zip(self._inputs, given, strict=True)))
        return [_utf8(array) if array.dtype.kind == "O" else array for array in outputs]

    def _fixed_batch(self) -> int | None:
        first = [tensor.shape[0] for tensor in self._session.get_inputs() if tensor.shape]
        fixed = {extent for extent in first if isinstance(extent, int)}
        return fixed.pop() if len(fixed) == 1 else None

    def _check_names(self) -> None:
        for side, declared, found in (
            ("inputs", self._inputs, self._session.get_inputs()),
            ("outputs", self._outputs, self._session.get_outputs()),
        ):
            names = [tensor.name for tensor in found]
            unknown = [name for name in declared if name not in names]
            missing = [name for name in names if side == "inputs" and name not in declared]
            if unknown or missing:
                raise ModelUnfit(
                    f"model {self._model.id}: {self._model.backend.path}: the file's {side} are {names},"
                    f" declared are {declared}"
                )


def _text(array: Array) -> Array:
    """ONNX strings are text: what is not UTF-8 is read as U+FFFD, and does not fail the batch of others."""
    return _each(array, lambda string: string.decode(errors="replace"))


def _utf8(array: Array) -> Array:
    return _each(array, lambda text: text.encode())


def _each(array: Array, change: Callable[[Any], Any]) -> Array:
    changed = np.empty(array.size, dtype=object)
    changed[:] = [change(each) for each in array.flat]
    return changed.reshape(array.shape)


def _session(model: ServedModel) -> Any:
    path = Path(model.backend.path or "")
    if not path.is_file():
        raise ModelUnfit(f"model {model.id}: no file {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = LOG_FATAL_ONLY
    there = onnxruntime.get_available_providers()
    try:
        return onnxruntime.InferenceSession(str(path), options, [each for each in PROVIDERS if each in there])
    except Exception as error:
        raise load_error(f"model {model.id}: cannot load {path}: {error}", error) from error
