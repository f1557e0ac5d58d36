"""An emulated GPU refuses what does not fit, and has room again once a model is let go."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.backends.backend import Backend, BackendError, load_backend
from dispatcher.backends.emulated_memory import EmulatedMemory
from dispatcher.backends.loading import load_measured
from dispatcher.contract.sub_cluster import ServedModel

CURVE = (0, *range(1, 9))


def model(name: str, weights_gib: float, workspace_gib: float = 0.0, largest: int = 8) -> ServedModel:
    return ServedModel(
        name, 1_000, CURVE[: largest + 1], weights_gib=weights_gib, workspace_gib_per_item=workspace_gib
    )


def test_a_model_that_does_not_fit_is_refused_until_another_is_gone() -> None:
    memory = EmulatedMemory(10.0)
    held: list[Backend] = [load_backend(model("a", 6.0), memory)]
    with pytest.raises(BackendError, match=r"model b: out of memory: 12\.000 of 10\.000 GiB"):
        load_backend(model("b", 6.0), memory)
    assert memory.held_gib == 6.0
    held.clear()
    assert memory.held_gib == 0.0
    held.append(load_backend(model("b", 6.0), memory))
    assert memory.held_gib == 6.0


def test_a_model_held_in_batches_of_two_sizes_counts_once() -> None:
    memory = EmulatedMemory(10.0)
    held = [load_backend(model("a", 6.0), memory), load_backend(model("a", 6.0, largest=4), memory)]
    assert memory.held_gib == 6.0
    held.pop(0)
    assert memory.held_gib == 6.0
    held.pop()
    assert memory.held_gib == 0.0


def test_a_batch_whose_workspace_does_not_fit_fails() -> None:
    memory = EmulatedMemory(10.0)
    backend = load_backend(model("a", 6.0, 1.0), memory)
    backend.execute([np.zeros((4, 4), dtype=np.float32)])
    with pytest.raises(BackendError, match=r"11\.000 of 10\.000 GiB"):
        backend.execute([np.zeros((5, 4), dtype=np.float32)])


def test_what_it_took_is_reported_and_without_a_limit_everything_fits() -> None:
    assert load_measured(model("a", 6.0), EmulatedMemory(10.0)).memory_bytes == 6 * 2**30
    load_backend(model("a", 1e5))
