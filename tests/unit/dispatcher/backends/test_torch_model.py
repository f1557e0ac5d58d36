"""
What the PyTorch back end asks of PyTorch, with a stand-in for it: so a GPU can be there, run out and be lost.

The real library is in ``test_torch_real.py``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dispatcher.backends.backend import BackendError, DeviceLost, load_backend
from dispatcher.backends.loading import load_measured
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

    def __init__(self, array: np.ndarray, dtype: Any = np.float32) -> None:
        self.array = array
        self.dtype = dtype

    def to(self, *args: Any, **kwargs: Any) -> StandInTensor:
        return self

    detach = float = lambda self: self

    def numpy(self, *, force: bool = False) -> np.ndarray:
        return self.array


class StandIn(ModuleType):
    """
    A module in PyTorch's place: ``network`` is what loading a file gives.

    ``reserved`` bytes are taken of the GPU, ``done`` is what was asked of it.
    """

    def __init__(self) -> None:
        super().__init__("torch")
        self.network: Callable[[StandInTensor], Any] = lambda x: x
        self.has_gpu = False
        self.reserved = 0
        self.done: list[str] = []
        self.fails_to_synchronize = False
        self.threads = 8
        self.__version__ = "0"
        self.version = SimpleNamespace(cuda=None)
        self.Tensor, self.float32, self.bfloat16 = StandInTensor, np.float32, "bfloat16"
        self.inference_mode = contextlib.nullcontext
        self.get_num_threads = lambda: self.threads
        schema = SimpleNamespace(
            arguments=[None, SimpleNamespace(name="x", type="Tensor", has_default_value=lambda: False)]
        )
        module = SimpleNamespace(forward=SimpleNamespace(schema=schema))
        module.parameters = module.buffers = tuple
        self.jit = SimpleNamespace(load=lambda path, map_location: SimpleNamespace(eval=lambda: self._called))
        self._called = type("Loaded", (SimpleNamespace,), {"__call__": lambda _, x: self.network(x)})(
            **vars(module)
        )
        self.cuda = SimpleNamespace(
            is_available=lambda: self.has_gpu,
            current_device=lambda: 0,
            get_device_name=lambda: "a GPU",
            memory_reserved=lambda: self.reserved,
            empty_cache=lambda: self.done.append("empty_cache"),
            current_stream=lambda: SimpleNamespace(synchronize=lambda: self.done.append("outputs awaited")),
            synchronize=self._synchronize,
        )

    def device(self, kind: str, index: int | None = None) -> Any:
        return SimpleNamespace(type=kind, index=index)

    def set_num_threads(self, count: int) -> None:
        self.threads = count

    def empty(self, shape: tuple[int, ...], dtype: Any, pin_memory: bool) -> StandInTensor:
        self.done.append("pinned" if pin_memory else "pageable")
        return StandInTensor(np.empty(shape, dtype))

    def _synchronize(self) -> None:
        if self.fails_to_synchronize:
            raise RuntimeError("CUDA error: device-side assert triggered\nmore")


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn()
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return module


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/constants.pkl", b"")
    return tmp_path / "m.pt"


ROWS = np.ones((2, 3), dtype=np.float32)


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is installed")
def test_a_node_without_pytorch_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="model m: PyTorch is not installed on this node"):
        load_backend(served(tmp_path / "m.pt"))
    with pytest.raises(BackendError, match="PyTorch is not installed on this node"):
        load_measured(served(tmp_path / "m.pt"))


def test_a_file_that_is_not_there_is_named(torch: StandIn, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"model m: no file .*gone\.pt"):
        load_backend(served(tmp_path / "gone.pt"))


@pytest.mark.parametrize("kind", ["tensor", "tuple", "mapping", "named tuple"])
def test_outputs_come_in_the_declared_order(torch: StandIn, path: Path, kind: str) -> None:
    def network(x: StandInTensor) -> Any:
        plus, minus = StandInTensor(x.array + 1), StandInTensor(-x.array)
        named = namedtuple("named", ["minus", "plus"])(minus, plus)
        mapping = {"minus": minus, "plus": plus}
        return {"tensor": plus, "tuple": (plus, minus), "mapping": mapping, "named tuple": named}[kind]

    torch.network = network
    names = ("plus",) if kind == "tensor" else ("plus", "minus")
    outputs = load_backend(served(path, names, (2,))).execute([ROWS[:1]])
    np.testing.assert_array_equal(outputs[0], ROWS[:1] + 1)
    if kind != "tensor":
        np.testing.assert_array_equal(outputs[1], -ROWS[:1])


def test_torchscript_is_warm_after_the_third_run_of_a_size(torch: StandIn, path: Path) -> None:
    sizes: list[int] = []

    def network(x: StandInTensor) -> StandInTensor:
        sizes.append(len(x.array))
        return x

    torch.network = network
    load_backend(served(path))
    assert sizes == [1, 1, 1, 2, 2, 2]


def test_a_missing_output_is_named_when_the_model_is_loaded(torch: StandIn, path: Path) -> None:
    torch.network = lambda x: {"z": x}
    with pytest.raises(BackendError, match=r"missing \['y'\]"):
        load_backend(served(path))


def test_on_the_cpu_a_batch_computes_on_one_thread_unless_told_otherwise(
    torch: StandIn, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = load_backend(served(path))
    torch.threads = 8  # as another thread of the process has it
    backend.execute([ROWS])
    assert torch.threads == 1
    assert set(torch.done) == {"pageable"}
    torch.threads = 4
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    load_backend(served(path)).execute([ROWS])
    assert torch.threads == 4


def test_inputs_go_to_the_gpu_by_way_of_pinned_memory_and_outputs_are_awaited_once(
    torch: StandIn, path: Path
) -> None:
    torch.has_gpu = True
    torch.network = lambda x: (x, x)
    backend = load_backend(served(path, ("y", "z")))
    torch.done.clear()
    backend.execute([ROWS])
    assert torch.done == ["pinned", "outputs awaited"]


def test_memory_of_the_gpu_counts_weights_and_the_workspace_of_the_warm_up(
    torch: StandIn, path: Path
) -> None:
    torch.has_gpu = True
    torch.reserved = 1_000  # of models before

    def network(x: StandInTensor) -> StandInTensor:
        torch.reserved = max(torch.reserved, 1_000 + 100 * len(x.array))
        return x

    torch.network = network
    assert load_measured(served(path)).memory_bytes == 200
    assert torch.done[0] == "empty_cache"  # what models before it left is free to be used
    torch.reserved = 1_000
    assert load_measured(served(path, sizes=(2, 4))).memory_bytes == 400


def test_a_gpu_out_of_memory_fails_the_batch_says_its_size_and_frees_what_is_cached(
    torch: StandIn, path: Path
) -> None:
    torch.has_gpu = True
    backend = load_backend(served(path))

    def network(x: StandInTensor) -> StandInTensor:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    torch.network = network
    torch.done.clear()
    with pytest.raises(BackendError) as caught:
        backend.execute([ROWS])
    assert str(caught.value) == (
        "model m: out of memory for a batch of 2 (x [2, 3] FP32: 0.0 MiB):"
        " CUDA out of memory. Tried to allocate 2.00 GiB."
    )
    assert torch.done[-1] == "empty_cache"
    torch.network = lambda x: x
    backend.execute([ROWS])


@pytest.mark.parametrize("lost", [False, True])
def test_a_gpu_that_refuses_everything_after_a_fault_is_lost(torch: StandIn, path: Path, lost: bool) -> None:
    torch.has_gpu = True
    backend = load_backend(served(path))

    def network(x: StandInTensor) -> StandInTensor:
        raise IndexError("index out of range")

    torch.network, torch.fails_to_synchronize = network, lost
    with pytest.raises(BackendError, match="index out of range") as caught:
        backend.execute([ROWS])
    assert isinstance(caught.value, DeviceLost) is lost
    assert ("device-side assert" in str(caught.value)) is lost
