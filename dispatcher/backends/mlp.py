"""A network whose time is reading its weights: batching pays on it, even on one CPU thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT = "input"
OUTPUT = "output"
IR_VERSION = 10  # onnx writes newer files than onnxruntime reads
OPSET = 17


def write_mlp(path: Path | str, *, width: int, layers: int, seed: int) -> None:
    """
    Write ``layers`` times ``relu(x W + c)``, all ``width`` wide, as an ONNX file.

    Input ``input`` and output ``output`` are float32 of shape (batch, ``width``), batch free. Weights
    are drawn from ``seed``, scaled so that activations neither vanish nor grow. Raises ``ValueError``
    unless ``width`` and ``layers`` are at least 1.
    """
    if width < 1 or layers < 1:
        raise ValueError(f"width and layers must be at least 1, got {width} and {layers}.")
    random = np.random.default_rng(seed)
    nodes, weights = [], []
    before = INPUT
    for layer in range(layers):
        after = OUTPUT if layer == layers - 1 else f"hidden_{layer}"
        matrix = random.standard_normal((width, width), dtype=np.float32) * np.float32(np.sqrt(2 / width))
        bias = random.standard_normal(width, dtype=np.float32) * np.float32(0.01)
        weights += [
            numpy_helper.from_array(matrix, f"W_{layer}"),
            numpy_helper.from_array(bias, f"c_{layer}"),
        ]
        nodes += [
            helper.make_node("MatMul", [before, f"W_{layer}"], [f"product_{layer}"]),
            helper.make_node("Add", [f"product_{layer}", f"c_{layer}"], [f"sum_{layer}"]),
            helper.make_node("Relu", [f"sum_{layer}"], [after]),
        ]
        before = after
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", width])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="fermata"
    )
    onnx.checker.check_model(model)
    onnx.save(model, Path(path))
