"""
A PyTorch network: an exported program (``.pt2``) or TorchScript, on the first visible GPU, else the CPU.

PyTorch is no dependency of the dispatcher: a node that serves such models installs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dispatcher.backends.backend import Array, BackendError
from dispatcher.contract.sub_cluster import ServedModel

EXPORTED_SUFFIX = ".pt2"


class TorchModel:
    """
    ``model.backend.path``, called with the declared inputs in their order.

    It may answer one tensor, a sequence of them in the order of the declared outputs, or a mapping
    by their names. ``device_bytes`` is what its weights take on the GPU, None on the CPU. Raises
    ``BackendError`` when PyTorch is not there or the file cannot be loaded.
    """

    def __init__(self, model: ServedModel) -> None:
        self._torch = _torch(model)
        self._model = model
        has_gpu = self._torch.cuda.is_available()
        self._device = self._torch.device("cuda" if has_gpu else "cpu")
        before_bytes = self._torch.cuda.memory_allocated() if has_gpu else 0
        self._module = self._load(Path(model.backend.path or ""))
        self.device_bytes = self._torch.cuda.memory_allocated() - before_bytes if has_gpu else None

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        """One forward pass for the whole batch, finished when it returns."""
        torch = self._torch
        with torch.inference_mode():
            tensors = [torch.from_numpy(np.array(array)).to(self._device) for array in inputs]
            return [output.detach().cpu().numpy() for output in self._in_order(self._module(*tensors))]

    def _in_order(self, found: Any) -> list[Any]:
        if isinstance(found, dict):
            missing = [tensor.name for tensor in self._model.outputs if tensor.name not in found]
            if missing:
                raise BackendError(f"model {self._model.id}: outputs are {list(found)}, missing {missing}")
            return [found[tensor.name] for tensor in self._model.outputs]
        return list(found) if isinstance(found, list | tuple) else [found]

    def _load(self, path: Path) -> Any:
        if not path.is_file():
            raise BackendError(f"model {self._model.id}: no file {path}")
        try:
            if path.suffix == EXPORTED_SUFFIX:
                return self._torch.export.load(str(path)).module().to(self._device)
            return self._torch.jit.load(str(path), map_location=self._device).eval()
        except Exception as error:
            raise BackendError(f"model {self._model.id}: cannot load {path}: {error}") from error


def _torch(model: ServedModel) -> Any:
    try:
        import torch
    except ImportError as error:
        raise BackendError(f"model {model.id}: PyTorch is not installed on this node") from error
    return torch
