"""The body of an infer request: parsed, checked against the model, every fault named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from dispatcher.contract.reading import shown
from dispatcher.contract.sub_cluster import ServedModel, Tensor
from dispatcher.frontend.tensors import Array, TensorInvalid, from_bytes, from_json
from profiles.faults import Fault

FAULTS_SHOWN_MAX = 20
TENANTS_SHOWN_MAX = 20
NO_TENANTS: Mapping[str, int] = {}
BODY_BYTES_FREE = 64 * 2**10
BODY_BYTES_PER_ELEMENT = 64
"""A number of a nested, indented JSON list takes about this much at most."""


class RequestInvalid(ValueError):
    """The client's fault: ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """Which output (index in the model's declaration), and whether as raw bytes."""

    index: int
    binary: bool


@dataclass(frozen=True, slots=True)
class InferRequest:
    """
    One valid request: an item for each input of the model, shape ``(1, *declared)``.

    ``timeout_us`` counts from the arrival of the request; None leaves the model's SLO.
    ``tenant_index`` is the place of the tenant that the request named, 0 where it named none.
    """

    id: str | None
    timeout_us: int | None
    inputs: tuple[Array, ...]
    outputs: tuple[WantedOutput, ...]
    tenant_index: int = 0


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


def body_bytes_max(model: ServedModel) -> int:
    """The largest body that a request for this model may have."""
    return BODY_BYTES_FREE + BODY_BYTES_PER_ELEMENT * sum(math.prod(tensor.shape) for tensor in model.inputs)


def parse_infer(
    model: ServedModel,
    body: bytes,
    header_length: int | None = None,
    tenants: Mapping[str, int] = NO_TENANTS,
) -> InferRequest:
    """
    The request in ``body``.

    ``header_length`` is the value of ``Inference-Header-Content-Length``: that many bytes
    are JSON, the rest raw tensors in the order of the inputs. ``tenants`` gives each known
    tenant's index. Raises ``RequestInvalid`` that names every field at fault with its value and limit.
    """
    header, raw = body, b""
    if header_length is not None:
        if not 0 <= header_length <= len(body):
            raise RequestInvalid(
                f"Inference-Header-Content-Length: must lie in 0..{len(body)}, got {header_length}"
            )
        header, raw = body[:header_length], body[header_length:]
    faults: list[Fault] = []
    try:
        parsed = _decode_body(header)
        inputs = _inputs(model, parsed.inputs, raw, faults)
        outputs = _outputs(model, parsed, faults)
        timeout_us = _timeout_us(parsed.parameters or {}, faults)
        tenant_index = _tenant_index(parsed.parameters or {}, tenants, faults)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestInvalid(f"body: must be an infer request in JSON: {error}") from error
    except RecursionError as error:
        raise RequestInvalid("body: must be an infer request in JSON: nested too deep") from error
    if faults:
        more = f"; and {len(faults) - FAULTS_SHOWN_MAX} more" if len(faults) > FAULTS_SHOWN_MAX else ""
        raise RequestInvalid("; ".join(map(str, faults[:FAULTS_SHOWN_MAX])) + more)
    return InferRequest(parsed.id, timeout_us, inputs, outputs, tenant_index)


def _inputs(
    model: ServedModel, given: Sequence[_Input], raw: bytes, faults: list[Fault]
) -> tuple[Array, ...]:
    """The arrays in the model's order; raw bytes are cut off ``raw`` in the request's order."""
    arrays: dict[str, Array] = {}
    declared = {tensor.name: tensor for tensor in model.inputs}
    offset = 0
    for index, each in enumerate(given):
        path = f"inputs[{index}]"
        size = (each.parameters or {}).get("binary_data_size")
        raw_part: bytes | None = None
        if size is not None:
            if not _whole(size) or not 0 <= size <= len(raw) - offset:
                limit = f"must lie in 0..{len(raw) - offset}, the bytes behind the JSON"
                faults.append(Fault(f"{path}.parameters.binary_data_size", shown(size), limit))
                return ()
            raw_part = raw[offset : offset + size]
            offset += size
        tensor = declared.get(each.name)
        if tensor is None or each.name in arrays:
            limit = "is given twice" if tensor else f"must be one of {', '.join(declared)}"
            faults.append(Fault(f"{path}.name", shown(each.name), limit))
            continue
        found = list(_declaration_faults(tensor, each, path))
        faults.extend(found)
        if not found:
            array = _array(tensor, each, raw_part, path, faults)
            if array is not None:
                arrays[each.name] = array
    if offset < len(raw):
        faults.append(
            Fault("body", f"{len(raw) - offset} bytes more", "must end with the last binary tensor")
        )
    named = {each.name for each in given}
    faults.extend(Fault("inputs", "nothing", f"must hold {name}") for name in declared if name not in named)
    return tuple(arrays[name] for name in declared if name in arrays)


def _declaration_faults(tensor: Tensor, given: _Input, path: str) -> Iterator[Fault]:
    if given.datatype != tensor.datatype:
        yield Fault(f"{path}.datatype", shown(given.datatype), f"must be {tensor.datatype}")
    expected = (1, *tensor.shape)
    if given.shape != expected:
        reason = " (one request carries one item)" if given.shape[1:] == tensor.shape else ""
        yield Fault(f"{path}.shape", shown(list(given.shape)), f"must be {list(expected)}{reason}")


def _array(tensor: Tensor, given: _Input, raw: bytes | None, path: str, faults: list[Fault]) -> Array | None:
    """The tensor's array; None after adding its fault."""
    has_json = bool(bytes(given.data))
    if has_json == (raw is not None):
        limit = "must be given once: as JSON, or as binary_data_size with bytes behind the JSON"
        faults.append(Fault(f"{path}.data", "both" if has_json else "nothing", limit))
        return None
    try:
        return from_json(tensor, given.data) if raw is None else from_bytes(tensor, raw)
    except TensorInvalid as error:
        faults.append(Fault(f"{path}.data", error.value, error.limit))
        return None


def _outputs(model: ServedModel, body: _Body, faults: list[Fault]) -> tuple[WantedOutput, ...]:
    binary_all = (body.parameters or {}).get("binary_data_output", False) is True
    if not body.outputs:
        return tuple(WantedOutput(index, binary_all) for index in range(len(model.outputs)))
    names = [tensor.name for tensor in model.outputs]
    wanted: list[WantedOutput] = []
    for index, each in enumerate(body.outputs):
        if each.name not in names:
            faults.append(
                Fault(f"outputs[{index}].name", shown(each.name), f"must be one of {', '.join(names)}")
            )
            continue
        parameters = each.parameters or {}
        if parameters.get("classification"):
            asked = shown(parameters["classification"])
            faults.append(Fault(f"outputs[{index}].parameters.classification", asked, "is not supported"))
        binary = parameters.get("binary_data", binary_all) is True
        wanted.append(WantedOutput(names.index(each.name), binary))
    return tuple(wanted)


def _timeout_us(parameters: dict[str, Any], faults: list[Fault]) -> int | None:
    value = parameters.get("timeout")
    if value is None:
        return None
    if not _whole(value) or not 1 <= value < 2**62:
        faults.append(Fault("parameters.timeout", shown(value), "must be a whole number of microseconds > 0"))
        return None
    return int(value)


def _tenant_index(parameters: dict[str, Any], tenants: Mapping[str, int], faults: list[Fault]) -> int:
    """Where the sub-cluster has no tenants, who names one means nothing by it."""
    value = parameters.get("tenant")
    if value is None or not tenants:
        return 0
    index = tenants.get(value) if isinstance(value, str) else None
    if index is None:
        known = ", ".join(list(tenants)[:TENANTS_SHOWN_MAX]) + (
            ", ..." if len(tenants) > TENANTS_SHOWN_MAX else ""
        )
        faults.append(Fault("parameters.tenant", shown(value), f"must be one of {known}"))
    return index or 0


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
