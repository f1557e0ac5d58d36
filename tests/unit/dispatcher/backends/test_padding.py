from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dispatcher.backends.backend import Array, BackendError, load_backend
from dispatcher.backends.padding import Padded
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor
from tests.onnx_models import affine_model

WIDTH = 8


class Doubling:
    """Notes the sizes it is run at."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def execute(self, inputs: Sequence[Array]) -> list[Array]:
        self.sizes.append(len(inputs[0]))
        return [2 * array for array in inputs]


def test_a_batch_is_filled_up_to_the_next_size_and_cut_back() -> None:
    inner = Doubling()
    padded = Padded(inner, (2, 4))
    for size in (1, 2, 3, 4):
        rows = np.arange(size * 3, dtype=np.float32).reshape(size, 3)
        (doubled,) = padded.execute([rows])
        np.testing.assert_array_equal(doubled, 2 * rows)
    assert inner.sizes == [2, 2, 4, 4]
    with pytest.raises(BackendError, match="at most 4 requests, got 5"):
        padded.execute([np.zeros((5, 3))])


def test_strings_are_filled_up_with_empty_ones() -> None:
    inner = Doubling()
    (doubled,) = Padded(inner, (2,)).execute([np.array([[b"a"]], dtype=object)])
    assert (inner.sizes, doubled.tolist()) == ([2], [[b"aa"]])


def served(folder: Path, largest: int, batch: int | None, sizes: tuple[int, ...] = ()) -> ServedModel:
    path = str(affine_model(folder, WIDTH, batch))
    return ServedModel(
        "affine",
        1_000_000,
        (0, *(100 for _ in range(largest))),
        (Tensor("x", "FP32", (WIDTH,)),),
        (Tensor("y", "FP32", (WIDTH,)),),
        ModelBackend("onnx", path, sizes),
    )


def test_a_file_of_a_fixed_batch_serves_every_smaller_one(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).standard_normal((3, WIDTH)).astype(np.float32)
    (free,) = load_backend(served(tmp_path, 4, None)).execute([rows])
    (fixed,) = load_backend(served(tmp_path, 4, 4)).execute([rows])
    np.testing.assert_allclose(fixed, free, rtol=1e-5)


def test_sizes_that_are_asked_for_are_the_only_ones_run(tmp_path: Path) -> None:
    rows = np.ones((3, WIDTH), dtype=np.float32)
    (free,) = load_backend(served(tmp_path, 4, None)).execute([rows])
    (padded,) = load_backend(served(tmp_path, 4, None, (1, 8))).execute([rows])
    np.testing.assert_allclose(padded, free, rtol=1e-5)


def test_a_fixed_batch_below_the_largest_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="at most 2 requests at once, batches have up to 4"):
        load_backend(served(tmp_path, 4, 2))
