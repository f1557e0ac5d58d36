"""An infer request, and its JSON and binary form: checked against the model, every fault named."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from dispatcher.contract.reading import shown
from dispatcher.contract.strings import BYTES, STRING_BYTES_OF_ITEM_MAX, item_bytes_max
from dispatcher.contract.sub_cluster import ServedModel, Tensor
from dispatcher.frontend.tenancy import EVERYONE, Tenancy, whole
from dispatcher.frontend.tensors import Array, TensorInvalid, from_bytes, from_json
from profiles.faults import Fault

FAULTS_SHOWN_MAX = 20
TIMEOUT_US_END = 2**62
BODY_BYTES_FREE = 64 * 2**10
BODY_BYTES_PER_ELEMENT = 64
"""A number of a nested, indented JSON list takes about this much at most."""

RAW_BYTES_OF_MANY = 64 * 2**20
"""Requests of several items may be this long where one item alone is not longer."""

TEXT_BYTES_OF_MANY = 8 * 2**20
"""Strings in JSON may be this long where several items have them; longer ones come as raw bytes."""

NUMBERS_OF_MANY = 2**16
"""
So many numbers may several items have as JSON or typed contents where one alone has not more.

A million take some 90 ms to read, in which nothing else moves; raw ones take 2 ms.
"""


class RequestInvalid(ValueError):
    """The client's fault: ``status`` is the HTTP status that says so, ``reason`` a word for machines."""

    def __init__(self, message: str, status: int = 400, reason: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """Which output (index in the model's declaration), and whether as raw bytes."""

    index: int
    binary: bool


@dataclass(frozen=True, slots=True)
class InferRequest:
    """
    One valid request: an array of shape ``(items, *declared)`` for each input of the model.

    ``timeout_us`` counts from the arrival of the request; None leaves the model's SLO.
    ``tenant_index`` is the place of the tenant whose request it is.
    """

    id: str | None
    timeout_us: int | None
    inputs: tuple[Array, ...]
    outputs: tuple[WantedOutput, ...]
    tenant_index: int = 0

    @property
    def items(self) -> int:
        return len(self.inputs[0])


class _Input(msgspec.Struct):
    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] | None = None


class _Body(msgspec.Struct):
    inputs: tuple[_Input, ...]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: tuple[_Output, ...] | None = None


_decode_body = msgspec.json.Decoder(_Body).decode


def items_max(model: ServedModel) -> int:
    """The most items that one request may carry: the largest batch of the model."""
    return len(model.latency_us) - 1


def numbers_max(model: ServedModel) -> int:
    """The most numbers that a request for this model may spell out, as JSON or as typed contents."""
    item = sum(math.prod(tensor.shape) for tensor in model.inputs)
    return max(item, min(item * items_max(model), NUMBERS_OF_MANY))


def json_bytes_max(model: ServedModel) -> int:
    """The longest JSON that a request for this model may have."""
    text = STRING_BYTES_OF_ITEM_MAX * sum(tensor.datatype == BYTES for tensor in model.inputs)
    texts = max(text, min(text * items_max(model), TEXT_BYTES_OF_MANY))
    return BODY_BYTES_FREE + BODY_BYTES_PER_ELEMENT * numbers_max(model) + texts


def body_bytes_max(model: ServedModel) -> int:
    """The longest body that a request for this model may have, raw tensors included."""
    bytes_per_item = sum(map(item_bytes_max, model.inputs))
    raw = max(bytes_per_item, min(bytes_per_item * items_max(model), RAW_BYTES_OF_MANY))
    return max(json_bytes_max(model), BODY_BYTES_FREE + raw)


def parse_infer(
    model: ServedModel,
    body: bytes,
    header_length: int | None = None,
    tenancy: Tenancy = EVERYONE,
) -> InferRequest:
    """
    The request in ``body``.

    ``header_length`` is the value of ``Inference-Header-Content-Length``: that many bytes
    are JSON, the rest raw tensors in the order of the inputs. Raises ``RequestInvalid`` that
    names every field at fault with its value and limit.
    """
    header, raw = body, b""
    if header_length is not None:
        if not 0 <= header_length <= len(body):
            raise RequestInvalid(
                f"Inference-Header-Content-Length: must lie in 0..{len(body)}, got {header_length}"
            )
        header, raw = body[:header_length], body[header_length:]
    if len(header) > json_bytes_max(model):
        limit = f"must be at most {json_bytes_max(model)} bytes, and longer tensors binary"
        raise RequestInvalid(f"body: JSON {limit}, got {len(header)}", 413)
    faults: list[Fault] = []
    try:
        parsed = _decode_body(header)
        inputs = _inputs(model, parsed.inputs, raw, faults)
        outputs = _outputs(model, parsed, faults)
        timeout_us = read_timeout_us(parsed.parameters or {}, faults)
        tenant_index = tenancy.index_of(parsed.parameters or {}, faults)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestInvalid(f"body: must be an infer request in JSON: {error}") from error
    except RecursionError as error:
        raise RequestInvalid("body: must be an infer request in JSON: nested too deep") from error
    raise_faults(faults)
    return InferRequest(parsed.id, timeout_us, inputs, outputs, tenant_index)


def raise_faults(faults: Sequence[Fault]) -> None:
    """Raises ``RequestInvalid`` that tells the first of ``faults``, if there is any."""
    if faults:
        more = f"; and {len(faults) - FAULTS_SHOWN_MAX} more" if len(faults) > FAULTS_SHOWN_MAX else ""
        raise RequestInvalid("; ".join(map(str, faults[:FAULTS_SHOWN_MAX])) + more)


def _inputs(
    model: ServedModel, given: Sequence[_Input], raw: bytes, faults: list[Fault]
) -> tuple[Array, ...]:
    """The arrays in the model's order; raw bytes are cut off ``raw`` in the request's order."""
    reader = InputReader(model, faults)
    offset = 0
    for each in given:
        size = (each.parameters or {}).get("binary_data_size")
        raw_part: bytes | None = None
        if size is not None:
            if not whole(size) or not 0 <= size <= len(raw) - offset:
                limit = f"must lie in 0..{len(raw) - offset}, the bytes behind the JSON"
                path = f"inputs[{reader.read}].parameters.binary_data_size"
                faults.append(Fault(path, shown(size), limit))
                return ()
            raw_part = raw[offset : offset + size]
            offset += size
        reader.take(each.name, each.datatype, each.shape, _array_reader(each.data, raw_part))
    if offset < len(raw):
        faults.append(
            Fault("body", f"{len(raw) - offset} bytes more", "must end with the last binary tensor")
        )
    return reader.arrays()


def _array_reader(data: msgspec.Raw, raw: bytes | None) -> ArrayReader:
    def read(tensor: Tensor, items: int) -> Array:
        if bool(bytes(data)) == (raw is not None):
            limit = "must be given once: as JSON, or as binary_data_size with bytes behind the JSON"
            raise TensorInvalid(limit, "nothing" if raw is None else "both")
        return from_json(tensor, data, items) if raw is None else from_bytes(tensor, raw, items)

    return read


ArrayReader: TypeAlias = Callable[[Tensor, int], Array]
"""From the declared tensor and the number of items to the array; raises ``TensorInvalid``."""


class InputReader:
    """
    The inputs of one request, taken one after the other in the request's order.

    Faults are appended to ``faults``; ``data_field`` is what they call the place of the numbers.
    All inputs must carry as many items as the first.
    """

    def __init__(self, model: ServedModel, faults: list[Fault], data_field: str = "data") -> None:
        self._declared = {tensor.name: tensor for tensor in model.inputs}
        self._items_max = items_max(model)
        self._faults = faults
        self._data_field = data_field
        self._items: int | None = None
        self._arrays: dict[str, Array] = {}
        self._named: set[str] = set()
        self.read = 0

    def take(self, name: str, datatype: str, shape: Sequence[int], array: ArrayReader) -> None:
        path = f"inputs[{self.read}]"
        self.read += 1
        tensor = self._declared.get(name)
        if tensor is None or name in self._named:
            limit = "is given twice" if tensor else f"must be one of {', '.join(self._declared)}"
            self._faults.append(Fault(f"{path}.name", shown(name), limit))
            return
        self._named.add(name)
        found = len(self._faults)
        if datatype != tensor.datatype:
            self._faults.append(Fault(f"{path}.datatype", shown(datatype), f"must be {tensor.datatype}"))
        self._check_shape(tensor, tuple(shape), path)
        if len(self._faults) > found or self._items is None:
            return
        try:
            self._arrays[name] = array(tensor, self._items)
        except TensorInvalid as error:
            self._faults.append(Fault(f"{path}.{self._data_field}", error.value, error.limit))

    def _check_shape(self, tensor: Tensor, shape: tuple[int, ...], path: str) -> None:
        if shape and shape[1:] == tensor.shape and 1 <= shape[0] <= self._items_max:
            if self._items is None:
                self._items = shape[0]
            if shape[0] == self._items:
                return
        if self._items is not None or self._items_max == 1:
            expected = [self._items or 1, *tensor.shape]
            limit = f"must be {expected}" + (", as many items as the first" if self.read > 1 else "")
        else:
            inner = "".join(f", {extent}" for extent in tensor.shape)
            limit = f"must be [k{inner}] with k, the number of items, in 1..{self._items_max}"
        self._faults.append(Fault(f"{path}.shape", shown(list(shape)), limit))

    def arrays(self) -> tuple[Array, ...]:
        """Those read, in the model's order; a fault is appended for each that is not there."""
        missing = [name for name in self._declared if name not in self._named]
        self._faults.extend(Fault("inputs", "nothing", f"must hold {name}") for name in missing)
        return tuple(self._arrays[name] for name in self._declared if name in self._arrays)


def _outputs(model: ServedModel, body: _Body, faults: list[Fault]) -> tuple[WantedOutput, ...]:
    binary_all = (body.parameters or {}).get("binary_data_output", False) is True
    given = [(each.name, each.parameters or {}) for each in body.outputs or ()]
    return wanted_outputs(model, given, binary_all, faults)


def wanted_outputs(
    model: ServedModel,
    given: Sequence[tuple[str, Mapping[str, Any]]],
    binary_all: bool,
    faults: list[Fault],
) -> tuple[WantedOutput, ...]:
    """The outputs that a request names (name, parameters); all where it names none."""
    if not given:
        return tuple(WantedOutput(index, binary_all) for index in range(len(model.outputs)))
    names = [tensor.name for tensor in model.outputs]
    wanted: dict[str, WantedOutput] = {}
    for index, (name, parameters) in enumerate(given):
        path = f"outputs[{index}]"
        if name not in names or name in wanted:
            limit = "is given twice" if name in wanted else f"must be one of {', '.join(names)}"
            faults.append(Fault(f"{path}.name", shown(name), limit))
            continue
        for unsupported in ("classification", "shared_memory_region"):
            if parameters.get(unsupported):
                asked = shown(parameters[unsupported])
                faults.append(Fault(f"{path}.parameters.{unsupported}", asked, "is not supported"))
        wanted[name] = WantedOutput(names.index(name), parameters.get("binary_data", binary_all) is True)
    return tuple(wanted.values())


def read_timeout_us(parameters: Mapping[str, Any], faults: list[Fault]) -> int | None:
    """The parameter ``timeout``; a fault is appended for one that cannot be."""
    value = parameters.get("timeout")
    if value is None:
        return None
    if not whole(value) or not 1 <= value < TIMEOUT_US_END:
        faults.append(Fault("parameters.timeout", shown(value), "must be a whole number of microseconds > 0"))
        return None
    return int(value)
