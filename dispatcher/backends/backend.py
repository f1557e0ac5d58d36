"""What executes a batch: one small protocol, and which backend a model asks for."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from numpy.typing import NDArray

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.strings import BYTES, blank
from dispatcher.contract.sub_cluster import ServedModel

if TYPE_CHECKING:
    from dispatcher.backends.emulated_memory import EmulatedMemory

Array: TypeAlias = NDArray[Any]

PASSING = re.compile(
    r"out of memory|bad_alloc|(failed to|can't) allocate|alloc\w* failed"
    r"|(cuda|hip) (error|failure)|cu(dnn|blas)_status",
    re.IGNORECASE,
)
"""In the words of an error: others may free memory, a device may come back."""


class BackendError(RuntimeError):
    """A model cannot be loaded, or answered with something other than it declares."""


class ModelUnfit(BackendError):
    """
    A model that cannot be loaded as it is given, however often one tries.

    No such file, another format, other inputs or outputs than declared, a library that is not installed.
    """


class DeviceLost(BackendError):
    """The device takes nothing more from this process: whoever runs it ends it and starts another."""


class Backend(Protocol):
    """
    One loaded model on one GPU.

    ``execute`` takes one array of shape ``(batch size, *declared shape)`` for each declared
    input, in order, and returns the same for the outputs. It may raise anything: the batch
    is then lost, the model is not, unless it raises ``DeviceLost``. A backend may have ``fixed_batch``, the
    one batch size it takes, ``device_bytes``, the memory of the device that it took, and ``runs_to_warm``,
    how many runs of one batch size it needs before its times are steady.
    """

    def execute(self, inputs: Sequence[Array]) -> Sequence[Array]: ...


def load_error(text: str, error: BaseException) -> BackendError:
    """What to raise where ``error`` kept a model from being loaded: it may pass where memory lacked."""
    may_pass = isinstance(error, MemoryError | DeviceLost) or PASSING.search(str(error))
    return (BackendError if may_pass else ModelUnfit)(text)


def import_library(model: ServedModel) -> None:
    """
    Import what the backend of ``model`` computes with.

    It is loaded once in a process: what it takes is no model's cost. Raises ``BackendError``.
    """
    if model.backend.kind == "onnx":
        try:
            import dispatcher.backends.onnx_model  # noqa: F401
        except ImportError as error:
            text = f"model {model.id}: ONNX Runtime cannot be imported on this node: {error}"
            raise ModelUnfit(text) from error
    if model.backend.kind == "torch":
        from dispatcher.backends.torch_model import import_for

        import_for(model)


def free_cached() -> None:
    """Give back to the device what a library keeps of models that were unloaded."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.cuda.empty_cache()


def load_backend(model: ServedModel, memory: EmulatedMemory | None = None) -> Backend:
    """
    The backend that ``model.backend`` names, loaded and warm; ``memory`` is an emulated GPU's.

    Raises ``BackendError``.
    """
    backend = _backend(model, memory)
    largest = len(model.latency_us) - 1
    runs = getattr(backend, "runs_to_warm", 1)
    fixed = getattr(backend, "fixed_batch", None)
    sizes = model.backend.batch_sizes or ((fixed,) if fixed else ())
    if sizes:
        from dispatcher.backends.padding import Padded

        if sizes[-1] < largest:
            raise ModelUnfit(
                f"model {model.id}: the network takes at most {sizes[-1]} requests at once,"
                f" batches have up to {largest}"
            )
        backend = Padded(backend, sizes)
    if model.backend.kind != "emulated":
        _warm_up(model, backend, sizes or (1, largest), runs)
    return backend


def _backend(model: ServedModel, memory: EmulatedMemory | None) -> Backend:
    if model.backend.kind == "emulated":
        from dispatcher.backends.emulated import EmulatedGpu

        return EmulatedGpu(model, memory)
    if model.backend.kind == "onnx":
        from dispatcher.backends.onnx_model import OnnxModel

        return OnnxModel(model)
    if model.backend.kind == "torch":
        from dispatcher.backends.torch_model import TorchModel

        return TorchModel(model)
    raise ModelUnfit(f"model {model.id}: unknown backend kind {model.backend.kind!r}")


def _warm_up(model: ServedModel, backend: Backend, sizes: Sequence[int], runs: int) -> None:
    """Each size is run: kernels are chosen, memory is taken, and what does not fit shows now."""
    for size in sorted(set(sizes)):
        try:
            for _ in range(runs):
                outputs = backend.execute([blank(tensor, size) for tensor in model.inputs])
        except Exception as error:
            raise load_error(f"model {model.id}: fails on a batch of {size}: {error}", error) from error
        try:
            check_outputs(model, outputs, size)
        except BackendError as error:
            raise ModelUnfit(str(error)) from error


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
        if tensor.datatype == BYTES and not all(isinstance(each, bytes) for each in output.flat):
            raise BackendError(f"model {model.id}: output {tensor.name} must be bytes throughout")
