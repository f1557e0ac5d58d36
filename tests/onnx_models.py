"""Small real networks for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor

IR_VERSION = 10
OPSET = 17
STRINGS_OPSET = 20


def gather_model(folder: Path) -> Path:
    """``values[b] = table[indices[b]]`` for a table of three: an index beyond it makes the run fail."""
    table = numpy_helper.from_array(np.array([10, 20, 30], dtype=np.float32), "table")
    node = helper.make_node("Gather", ["table", "indices"], ["values"], axis=0)
    indices = helper.make_tensor_value_info("indices", TensorProto.INT64, ["batch", 1])
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["batch", 1])
    return _saved(helper.make_graph([node], "gather", [indices], [values], [table]), folder / "gather.onnx")


def affine_model(folder: Path, width: int, batch: int | None = None) -> Path:
    """``y = relu(x W + c)`` with fixed random W and c; ``batch`` fixes the batch dimension."""
    random = np.random.default_rng(7)
    weights = [
        numpy_helper.from_array(random.standard_normal((width, width)).astype(np.float32), "W"),
        numpy_helper.from_array(random.standard_normal(width).astype(np.float32), "c"),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["xW"]),
        helper.make_node("Add", ["xW", "c"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch or "batch", width])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch or "batch", width])
    return _saved(helper.make_graph(nodes, "affine", [x], [y], weights), folder / "affine.onnx")


def joining_model(folder: Path) -> Path:
    """``joined[b] = texts[b, 0] + texts[b, 1]``, of strings."""
    zero, one = (numpy_helper.from_array(np.array(place), f"at_{place}") for place in (0, 1))
    nodes = [
        helper.make_node("Gather", ["texts", "at_0"], ["first"], axis=1),
        helper.make_node("Gather", ["texts", "at_1"], ["second"], axis=1),
        helper.make_node("StringConcat", ["first", "second"], ["joined"]),
    ]
    texts = helper.make_tensor_value_info("texts", TensorProto.STRING, ["batch", 2])
    joined = helper.make_tensor_value_info("joined", TensorProto.STRING, ["batch"])
    graph = helper.make_graph(nodes, "joining", [texts], [joined], [zero, one])
    return _saved(graph, folder / "joining.onnx", STRINGS_OPSET)


def served_joining(folder: Path, slo_us: int = 1_000_000) -> ServedModel:
    """The joining network as a sub-cluster serves it."""
    return ServedModel(
        "joining",
        slo_us,
        (0, 500, 600, 700, 800),
        inputs=(Tensor("texts", "BYTES", (2,)),),
        outputs=(Tensor("joined", "BYTES", ()),),
        backend=ModelBackend("onnx", str(joining_model(folder))),
    )


def served_gather(folder: Path, slo_us: int = 1_000_000) -> ServedModel:
    """The gather network as a sub-cluster serves it."""
    return ServedModel(
        "gather",
        slo_us,
        (0, 500, 600, 700, 800),
        inputs=(Tensor("indices", "INT64", (1,)),),
        outputs=(Tensor("values", "FP32", (1,)),),
        backend=ModelBackend("onnx", str(gather_model(folder))),
    )


def _saved(graph: onnx.GraphProto, path: Path, opset: int = OPSET) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
