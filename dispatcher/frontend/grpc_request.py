"""An infer request as the message of gRPC: typed contents or raw bytes, every fault named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tritonclient.grpc import service_pb2 as pb

from dispatcher.contract.reading import shown
from dispatcher.contract.sub_cluster import ServedModel, Tensor
from dispatcher.frontend.infer_request import (
    ArrayReader,
    InferRequest,
    InputReader,
    numbers_max,
    raise_faults,
    read_timeout_us,
    wanted_outputs,
)
from dispatcher.frontend.infer_response import MODEL_VERSION
from dispatcher.frontend.tenancy import Tenancy
from dispatcher.frontend.tensors import Array, TensorInvalid, from_bytes, from_values
from profiles.faults import Fault

CONTENTS_BY_DATATYPE = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field of ``InferTensorContents`` for each datatype; FP16 has none and is always raw."""

ALL_CONTENTS = tuple(dict.fromkeys(CONTENTS_BY_DATATYPE.values()))


def parse_message(
    model: ServedModel, message: pb.ModelInferRequest, tenancy: Tenancy, time_left_us: int | None
) -> InferRequest:
    """
    The request in ``message``.

    ``time_left_us`` is what the call's own deadline leaves, None without one: it counts as a
    timeout too. Outputs are raw where the inputs are. Raises ``RequestInvalid`` that names
    every field at fault with its value and limit.
    """
    faults: list[Fault] = []
    if message.model_version not in ("", MODEL_VERSION):
        limit = f"must be {MODEL_VERSION} or empty"
        faults.append(Fault("model_version", shown(message.model_version), limit))
    parameters = read_parameters(message.parameters)
    is_raw = len(message.raw_input_contents) > 0
    inputs = _inputs(model, message, is_raw, faults)
    asked = [(each.name, read_parameters(each.parameters)) for each in message.outputs]
    outputs = wanted_outputs(model, asked, is_raw, faults)
    timeout_us = read_timeout_us(parameters, faults)
    tenant_index = tenancy.index_of(parameters, faults)
    raise_faults(faults)
    if time_left_us is not None:
        timeout_us = min(time_left_us, time_left_us if timeout_us is None else timeout_us)
    return InferRequest(message.id or None, timeout_us, inputs, outputs, tenant_index)


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a message as plain values; one without a value is None."""
    values: dict[str, Any] = {}
    for name, parameter in parameters.items():
        kind = parameter.WhichOneof("parameter_choice")
        values[name] = None if kind is None else getattr(parameter, kind)
    return values


def _inputs(
    model: ServedModel, message: pb.ModelInferRequest, is_raw: bool, faults: list[Fault]
) -> tuple[Array, ...]:
    raw = message.raw_input_contents
    if is_raw and len(raw) != len(message.inputs):
        limit = f"must hold one part for each of {len(message.inputs)} inputs, or none at all"
        faults.append(Fault("raw_input_contents", f"{len(raw)} parts", limit))
        return ()
    reader = InputReader(model, faults, "raw_input_contents" if is_raw else "contents")
    for index, each in enumerate(message.inputs):
        read = _raw_reader(each, raw[index]) if is_raw else _typed_reader(each, numbers_max(model))
        reader.take(each.name, each.datatype, each.shape, read)
    return reader.arrays()


def _raw_reader(given: pb.ModelInferRequest.InferInputTensor, raw: bytes) -> ArrayReader:
    def read(tensor: Tensor, items: int) -> Array:
        if given.HasField("contents"):
            raise TensorInvalid("must be given once: in contents, or in raw_input_contents", "both")
        return from_bytes(tensor, raw, items)

    return read


def _typed_reader(given: pb.ModelInferRequest.InferInputTensor, most: int) -> ArrayReader:
    def read(tensor: Tensor, items: int) -> Array:
        field = CONTENTS_BY_DATATYPE.get(tensor.datatype)
        if field is None:
            raise TensorInvalid(f"must be in raw_input_contents for {tensor.datatype}", "typed contents")
        values = getattr(given.contents, field)
        if not values:
            found = next((name for name in ALL_CONTENTS if len(getattr(given.contents, name))), "nothing")
            raise TensorInvalid(f"must be in {field} for {tensor.datatype}", found)
        if len(values) > most:
            limit = f"must hold at most {most} numbers, and longer tensors be raw"
            raise TensorInvalid(limit, str(len(values)))
        return from_values(tensor, values, items)

    return read


def contents_of(array: Array, datatype: str) -> pb.InferTensorContents:
    """The typed contents of an array whose datatype has some."""
    return pb.InferTensorContents(**{CONTENTS_BY_DATATYPE[datatype]: array.ravel().tolist()})
