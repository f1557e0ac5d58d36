"""A real model, computed by ONNX Runtime on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from dispatcher.backends.backend import Array, BackendError, check_outputs
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.sub_cluster import ServedModel

LOG_FATAL_ONLY = 4


class OnnxModel:
    """
    ``model.backend.path`` as a session of one intra-op thread, warmed up at the smallest and largest batch.

    The file's inputs and outputs must bear the declared names and take a batch as their
    first dimension. Raises ``BackendError`` when it cannot be loaded or answers otherwise.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model
        self._inputs = [tensor.name for tensor in model.inputs]
        self._outputs = [tensor.name for tensor in model.outputs]
        self._session = _session(model)
        self._check_names()
        self._warm_up()

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        """One run of the network for the whole batch."""
        outputs: list[Any] = self._session.run(self._outputs, dict(zip(self._inputs, inputs, strict=True)))
        check_outputs(self._model, outputs, len(inputs[0]))
        return outputs

    def _check_names(self) -> None:
        for side, declared, found in (
            ("inputs", self._inputs, self._session.get_inputs()),
            ("outputs", self._outputs, self._session.get_outputs()),
        ):
            names = [tensor.name for tensor in found]
            unknown = [name for name in declared if name not in names]
            missing = [name for name in names if side == "inputs" and name not in declared]
            if unknown or missing:
                raise BackendError(
                    f"model {self._model.id}: the file's {side} are {names}, declared are {declared}"
                )

    def _warm_up(self) -> None:
        for batch_size in sorted({1, len(self._model.latency_us) - 1}):
            zeros = [
                np.zeros((batch_size, *tensor.shape), dtype=NUMPY_BY_DATATYPE[tensor.datatype])
                for tensor in self._model.inputs
            ]
            try:
                self.execute(zeros)
            except Exception as error:
                raise BackendError(
                    f"model {self._model.id}: fails on a batch of {batch_size}: {error}"
                ) from error


def _session(model: ServedModel) -> Any:
    path = Path(model.backend.path or "")
    if not path.is_file():
        raise BackendError(f"model {model.id}: no file {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = LOG_FATAL_ONLY
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BackendError(f"model {model.id}: cannot load {path}: {error}") from error
