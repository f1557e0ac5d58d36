from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dispatcher.backends.backend import ModelUnfit, load_backend
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor
from tests.onnx_models import gather_model, served_gather, served_joining


def test_a_network_computes_the_whole_batch(tmp_path: Path) -> None:
    model = served_gather(tmp_path)
    indices = np.array([[0], [2], [1]], dtype=np.int64)
    (values,) = load_backend(model).execute([indices])
    np.testing.assert_array_equal(values, np.array([[10.0], [30.0], [20.0]], dtype=np.float32))


def test_a_network_of_strings_takes_text_and_what_is_none(tmp_path: Path) -> None:
    backend = load_backend(served_joining(tmp_path))
    texts = np.array([["grün".encode(), b"kohl"], [b"\xff", b""]], dtype=object)
    (joined,) = backend.execute([texts])
    assert joined.tolist() == ["grünkohl".encode(), "\ufffd".encode()]


def test_a_network_that_raises_stays_usable(tmp_path: Path) -> None:
    backend = load_backend(served_gather(tmp_path))
    with pytest.raises(Exception, match=r"(?i)out of.*bounds|indices"):
        backend.execute([np.array([[99]], dtype=np.int64)])
    backend.execute([np.array([[1]], dtype=np.int64)])


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    path = gather_model(tmp_path)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(path.read_bytes()[:20])
    inputs, outputs = (Tensor("indices", "INT64", (1,)),), (Tensor("values", "FP32", (1,)),)
    for model, words in (
        (ServedModel("m", 1, (0, 1), backend=ModelBackend("onnx", str(tmp_path / "none.onnx"))), "no file"),
        (ServedModel("m", 1, (0, 1), backend=ModelBackend("onnx", str(broken))), "cannot load"),
        (ServedModel("m", 1, (0, 1), backend=ModelBackend("onnx", str(path))), "inputs are"),
        (
            ServedModel(
                "m", 1, (0, 1), inputs, (Tensor("values", "FP64", (1,)),), ModelBackend("onnx", str(path))
            ),
            "must be FP64",
        ),
        (
            ServedModel(
                "m", 1, (0, 1), inputs, (Tensor("other", "FP32", (1,)),), ModelBackend("onnx", str(path))
            ),
            "outputs",
        ),
    ):
        with pytest.raises(ModelUnfit, match=words):
            load_backend(model)
    assert load_backend(ServedModel("m", 1, (0, 1), inputs, outputs, ModelBackend("onnx", str(path))))
