"""Which errors another try may mend."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dispatcher.backends.backend import (
    BackendError,
    DeviceLost,
    ModelUnfit,
    import_library,
    load_backend,
    load_error,
)
from dispatcher.backends.emulated_memory import EmulatedMemory
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        DeviceLost("gone"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("Failed to allocate memory for requested buffer of size 4096"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA error: device-side assert triggered"),
        RuntimeError("CUBLAS_STATUS_NOT_INITIALIZED when calling cublasCreate(handle)"),
    ],
)
def test_memory_and_devices_may_come_back(error: Exception) -> None:
    assert type(load_error("m", error)) is BackendError


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Load model from /models/cuda/memory.onnx failed: Protobuf parsing failed"),
        RuntimeError("Got invalid dimensions for input: x"),
        KeyError("x"),
    ],
)
def test_what_a_model_is_stays_so(error: Exception) -> None:
    assert type(load_error("m", error)) is ModelUnfit


def test_memory_that_others_hold_is_no_fault_of_the_model() -> None:
    memory = EmulatedMemory(4.0)
    held = load_backend(ServedModel("a", 1_000, (0, 1), weights_gib=3.0), memory)
    with pytest.raises(BackendError, match="out of memory") as caught:
        load_backend(ServedModel("b", 1_000, (0, 1), weights_gib=3.0), memory)
    assert not isinstance(caught.value, ModelUnfit)
    del held
    assert load_backend(ServedModel("b", 1_000, (0, 1), weights_gib=3.0), memory)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name in ("dispatcher.backends.onnx_model", "torch"):
            raise ImportError(f"No module named {name!r}")
        return there(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    for kind, words in (("onnx", "ONNX Runtime cannot be imported"), ("torch", "PyTorch is not installed")):
        with pytest.raises(ModelUnfit, match=f"model m: {words}"):
            import_library(ServedModel("m", 1_000, (0, 1), backend=ModelBackend(kind, "/m")))


class Wrong:
    """A network that answers in another shape than declared."""

    def __init__(self, model: ServedModel) -> None:
        self.fixed_batch = None

    def execute(self, inputs: Sequence[Any]) -> list[Any]:
        return [np.zeros((len(inputs[0]), 7), dtype=np.float32)]


def test_other_outputs_than_declared_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.backends.onnx_model.OnnxModel", Wrong)
    with pytest.raises(ModelUnfit, match=r"output .* must be FP32"):
        load_backend(ServedModel("m", 1_000, (0, 1), backend=ModelBackend("onnx", "/m.onnx")))
