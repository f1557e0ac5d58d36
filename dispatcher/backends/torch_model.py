"""
A PyTorch network: an exported program (``.pt2``) or TorchScript, on the first visible GPU, else the CPU.

PyTorch is no dependency of the dispatcher: a node that serves such models installs it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from dispatcher.backends.backend import Array, BackendError, DeviceLost, ModelUnfit
from dispatcher.backends.torch_file import (
    TYPE_BY_DATATYPE,
    Form,
    check_inputs,
    form_of,
    import_reader,
    load_network,
    reason_of,
)
from dispatcher.contract.sub_cluster import ServedModel

THREADS = "OMP_NUM_THREADS"
DEVICES = "CUDA_VISIBLE_DEVICES"
MIB = 2**20
OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory")
"""In words: out of TorchScript every error comes as the same class."""


_log = structlog.get_logger()


class TorchModel:
    """
    ``model.backend.path``, called with the declared inputs by their names.

    It may answer one tensor, a sequence of them in the order of the declared outputs, or a mapping or
    named tuple by their names. bfloat16 is FP32 to the outside. On the CPU one thread computes, or as many
    as ``OMP_NUM_THREADS`` says. Raises ``BackendError`` when PyTorch is not there, the file cannot be
    loaded, or takes other inputs than declared.
    """

    def __init__(self, model: ServedModel) -> None:
        self._torch = torch = import_torch(f"model {model.id}: ")
        self._model = model
        self._has_gpu = torch.cuda.is_available()
        self._device = torch.device(*(("cuda", torch.cuda.current_device()) if self._has_gpu else ("cpu",)))
        self._threads = int(torch.get_num_threads()) if os.environ.get(THREADS) else 1
        if not self._has_gpu and os.environ.get(DEVICES, "-1") not in ("", "-1"):
            built = torch.version.cuda or "none"
            _log.warning(
                "torch_finds_no_gpu", model=model.id, devices=os.environ[DEVICES], built_for_cuda=built
            )
        self._reserved_bytes = self._reserved()
        path = Path(model.backend.path or "")
        try:
            self._network = load_network(torch, path, self._device)
            check_inputs(torch, path, self._network, model.inputs)
        except BackendError as error:
            raise type(error)(f"model {model.id}: {error}") from error
        self.fixed_batch = self._network.fixed_batch
        self.runs_to_warm = self._network.runs_to_warm
        found = {"form": str(self._network.form), "device": self._device_name(), "threads": self._threads}
        _log.info("torch_model_loaded", model=model.id, torch=torch.__version__, **found)

    @property
    def device_bytes(self) -> int | None:
        """What PyTorch took of the GPU since before the model was loaded; None on the CPU."""
        return max(0, self._reserved() - self._reserved_bytes) if self._has_gpu else None

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        """One forward pass for the whole batch, finished when it returns. Raises ``BackendError``."""
        torch = self._torch
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)  # holds for the thread that calls alone
        try:
            with torch.inference_mode():
                tensors = {
                    tensor.name: self._on_device(tensor.name, tensor.datatype, array)
                    for tensor, array in zip(self._model.inputs, inputs, strict=True)
                }
                return self._on_host(self._in_order(self._network.call(tensors)))
        except BackendError:
            raise
        except Exception as error:
            reason = reason_of(error)
            if not OUT_OF_MEMORY.search(reason):
                self._check_device(error)
                raise BackendError(f"model {self._model.id}: {reason}") from error
        torch.cuda.empty_cache()  # only now: while the error is held, so are the tensors of its frames
        raise BackendError(
            f"model {self._model.id}: out of memory for {_sizes(self._model, inputs)}: {reason}"
        )

    def _on_device(self, name: str, datatype: str, array: Array) -> Any:
        """A copy on the device; by way of pinned memory, so that it need not wait for each."""
        torch = self._torch
        own = getattr(torch, TYPE_BY_DATATYPE[datatype])
        staged = torch.empty(array.shape, dtype=own, pin_memory=self._has_gpu)
        staged.numpy()[...] = array
        wanted = next((each.type for each in self._network.inputs if each.name == name), None)
        moved = staged.to(self._device, non_blocking=True)
        return moved if wanted is None else moved.to(getattr(torch, wanted))

    def _on_host(self, outputs: Sequence[Any]) -> list[Array]:
        torch = self._torch
        found = []
        for output in outputs:
            if not isinstance(output, torch.Tensor):
                kind = type(output).__name__
                raise BackendError(f"model {self._model.id}: outputs must be tensors, got {kind}")
            wide = output.float() if output.dtype == torch.bfloat16 else output
            found.append(wide.detach().to("cpu", non_blocking=True))
        if self._has_gpu:
            torch.cuda.current_stream().synchronize()
        return [output.numpy(force=True) for output in found]

    def _in_order(self, found: Any) -> list[Any]:
        if isinstance(found, tuple) and hasattr(found, "_fields"):
            found = dict(zip(found._fields, found, strict=True))
        if isinstance(found, Mapping):
            missing = [tensor.name for tensor in self._model.outputs if tensor.name not in found]
            if missing:
                raise BackendError(f"model {self._model.id}: outputs are {list(found)}, missing {missing}")
            return [found[tensor.name] for tensor in self._model.outputs]
        return list(found) if isinstance(found, list | tuple) else [found]

    def _check_device(self, error: Exception) -> None:
        """After some faults (an index out of bounds is one) CUDA refuses everything else in the process."""
        if not self._has_gpu:
            return
        try:
            self._torch.cuda.synchronize()
        except Exception as lost:
            why = f"{reason_of(error)}; the GPU cannot be used any more: {reason_of(lost)}"
            raise DeviceLost(f"model {self._model.id}: {why}") from error

    def _reserved(self) -> int:
        return int(self._torch.cuda.memory_reserved()) if self._has_gpu else 0

    def _device_name(self) -> str:
        return (
            f"{self._device} ({self._torch.cuda.get_device_name()})" if self._has_gpu else str(self._device)
        )


def import_torch(subject: str = "") -> Any:
    """The library. Raises ``BackendError``, which begins with ``subject``, where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise ModelUnfit(f"{subject}PyTorch is not installed on this node") from error
    return torch


def import_for(model: ServedModel) -> None:
    """All that the library loads once for every model like this one. Raises ``BackendError``."""
    torch = import_torch(f"model {model.id}: ")
    with contextlib.suppress(BackendError):  # it is told when the model itself is loaded
        if form_of(Path(model.backend.path or "")) is Form.EXPORTED:
            import_reader(torch)


def _sizes(model: ServedModel, inputs: Sequence[Array]) -> str:
    parts = [
        f"{tensor.name} {list(array.shape)} {tensor.datatype}"
        for tensor, array in zip(model.inputs, inputs, strict=True)
    ]
    given = sum(array.nbytes for array in inputs) / MIB
    return f"a batch of {len(inputs[0])} ({', '.join(parts)}: {given:.1f} MiB)"
