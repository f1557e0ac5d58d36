"""With PyTorch where it is installed; what the worker asks of it, with a stand-in where it is not."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dispatcher.backends.backend import BackendError, load_backend
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor

HAS_TORCH = importlib.util.find_spec("torch") is not None


def served(path: Path, outputs: tuple[str, ...] = ("y",), sizes: tuple[int, ...] = ()) -> ServedModel:
    return ServedModel(
        "m",
        1_000,
        (0, 10, 10),
        (Tensor("x", "FP32", (3,)),),
        tuple(Tensor(name, "FP32", (3,)) for name in outputs),
        ModelBackend("torch", str(path), sizes),
    )


class StandInTensor:
    """As much of a tensor as the backend touches."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def to(self, device: str) -> StandInTensor:
        return self

    detach = cpu = lambda self: self

    def numpy(self) -> np.ndarray:
        return self.array


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A module in PyTorch's place; ``network`` is what loading a file gives."""
    network: dict[str, Any] = {}
    torch = ModuleType("torch")
    loaded = SimpleNamespace(eval=lambda: lambda *inputs: network["call"](*inputs))
    parts = {
        "cuda": SimpleNamespace(is_available=lambda: False),
        "device": str,
        "inference_mode": contextlib.nullcontext,
        "from_numpy": StandInTensor,
        "jit": SimpleNamespace(load=lambda path, map_location: loaded),
    }
    for name, part in parts.items():
        setattr(torch, name, part)
    monkeypatch.setitem(sys.modules, "torch", torch)
    return network


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is installed")
def test_a_node_without_pytorch_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="PyTorch is not installed on this node"):
        load_backend(served(tmp_path / "m.pt"))


def test_a_file_that_is_not_there_is_named(stand_in: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no file"):
        load_backend(served(tmp_path / "m.pt"))


@pytest.mark.parametrize("kind", ["tensor", "tuple", "mapping"])
def test_outputs_come_in_the_declared_order(stand_in: dict[str, Any], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.pt"
    path.touch()

    def call(x: StandInTensor) -> Any:
        plus, minus = StandInTensor(x.array + 1), StandInTensor(-x.array)
        return {"tensor": plus, "tuple": (plus, minus), "mapping": {"minus": minus, "plus": plus}}[kind]

    stand_in["call"] = call
    names = ("plus",) if kind == "tensor" else ("plus", "minus")
    rows = np.ones((2, 3), dtype=np.float32)
    outputs = load_backend(served(path, names, (2,))).execute([rows[:1]])
    np.testing.assert_array_equal(outputs[0], rows[:1] + 1)
    if kind != "tensor":
        np.testing.assert_array_equal(outputs[1], -rows[:1])


def test_a_missing_output_is_named_when_the_model_is_loaded(stand_in: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.touch()
    stand_in["call"] = lambda x: {"z": x}
    with pytest.raises(BackendError, match=r"missing \['y'\]"):
        load_backend(served(path))


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
def test_a_real_network_computes_the_whole_batch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 3)
    path = tmp_path / "m.pt"
    torch.jit.script(layer).save(str(path))
    rows = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)
    (found,) = load_backend(served(path)).execute([rows])
    np.testing.assert_allclose(found, layer(torch.from_numpy(rows)).detach().numpy(), rtol=1e-5)
