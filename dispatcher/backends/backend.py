"""What executes a batch: one small protocol, and which backend a model asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.sub_cluster import ServedModel

Array: TypeAlias = NDArray[Any]


class BackendError(RuntimeError):
    """A model cannot be loaded, or answered with something other than it declares."""


class Backend(Protocol):
    """
    One loaded model on one GPU.

    ``execute`` takes one array of shape ``(batch size, *declared shape)`` for each declared
    input, in order, and returns the same for the outputs. It may raise anything: the batch
    is then lost, the model is not.
    """

    def execute(self, inputs: Sequence[Array]) -> Sequence[Array]: ...


def load_backend(model: ServedModel) -> Backend:
    """The backend that ``model.backend`` names, loaded and warm. Raises ``BackendError``."""
    if model.backend.kind == "emulated":
        from dispatcher.backends.emulated import EmulatedGpu

        return EmulatedGpu(model)
    if model.backend.kind == "onnx":
        from dispatcher.backends.onnx_model import OnnxModel

        return OnnxModel(model)
    raise BackendError(f"model {model.id}: unknown backend kind {model.backend.kind!r}")


def check_outputs(model: ServedModel, outputs: Sequence[Array], batch_size: int) -> None:
    """Raises ``BackendError`` unless ``outputs`` are what the model declares for such a batch."""
    if len(outputs) != len(model.outputs):
        raise BackendError(f"model {model.id}: declares {len(model.outputs)} outputs, gave {len(outputs)}")
    for tensor, output in zip(model.outputs, outputs, strict=True):
        expected = (batch_size, *tensor.shape)
        if output.shape != expected or output.dtype != NUMPY_BY_DATATYPE[tensor.datatype]:
            raise BackendError(
                f"model {model.id}: output {tensor.name} must be {tensor.datatype} {list(expected)},"
                f" got {output.dtype} {list(output.shape)}"
            )
