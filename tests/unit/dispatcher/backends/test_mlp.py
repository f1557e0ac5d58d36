"""The weight-bound network: a valid ONNX file that computes what it says, for any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from dispatcher.backends.mlp import write_mlp


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_computes_relu_of_its_layers_for_any_batch(tmp_path: Path, batch_size: int) -> None:
    path = tmp_path / "mlp.onnx"
    write_mlp(path, width=24, layers=3, seed=5)
    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    x = np.random.default_rng(0).standard_normal((batch_size, 24)).astype(np.float32)
    expected = x
    for layer in range(3):
        expected = np.maximum(expected @ weights[f"W_{layer}"] + weights[f"c_{layer}"], 0)
    (found,) = session(path).run(["output"], {"input": x})
    assert np.allclose(found, expected, atol=1e-4)
    assert found.any()


def test_same_seed_same_file_other_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_mlp(tmp_path / name, width=8, layers=1, seed=seed)
    contents = [(tmp_path / name).read_bytes() for name in "abc"]
    assert contents[0] == contents[1] != contents[2]


def test_file_is_one_that_the_runtime_reads(tmp_path: Path) -> None:
    write_mlp(tmp_path / "mlp.onnx", width=8, layers=2, seed=1)
    model = onnx.load(tmp_path / "mlp.onnx")
    assert model.ir_version == 10
    assert [i.name for i in session(tmp_path / "mlp.onnx").get_inputs()] == ["input"]


@pytest.mark.parametrize(("width", "layers"), [(0, 1), (8, 0), (-1, -1)])
def test_refuses_a_network_of_nothing(tmp_path: Path, width: int, layers: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        write_mlp(tmp_path / "mlp.onnx", width=width, layers=layers, seed=1)
