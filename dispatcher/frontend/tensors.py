"""Tensors of the Open Inference Protocol: JSON lists and raw bytes, to and from numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.reading import shown
from dispatcher.contract.strings import BYTES, LENGTH_BYTES, StringsInvalid, require_few_strings, unpacked
from dispatcher.contract.sub_cluster import Tensor

Array: TypeAlias = NDArray[Any]


class TensorInvalid(ValueError):
    """The data of a tensor do not fit its declaration: ``value`` was found, ``limit`` is allowed."""

    def __init__(self, limit: str, value: str) -> None:
        super().__init__(f"{limit}, got {value}")
        self.limit = limit
        self.value = value


_KIND_WORDS = {
    "b": "true or false",
    "u": "whole numbers",
    "i": "whole numbers",
    "f": "numbers",
    "O": "strings",
}
_SCALARS: dict[str, type] = {"b": bool, "u": int, "i": int, "f": float, "O": str}


def _flat_decoder(scalar: type) -> Callable[[bytes], list[Any]]:
    return msgspec.json.Decoder(list[scalar]).decode  # type: ignore[valid-type]


_flat_decoders = {kind: _flat_decoder(scalar) for kind, scalar in _SCALARS.items()}
_nested_decoder = msgspec.json.Decoder(list[Any])


def from_json(tensor: Tensor, data: bytes | msgspec.Raw, items: int = 1) -> Array:
    """
    The array of shape ``(items, *tensor.shape)`` that JSON text ``data`` holds.

    The list may be flat in row-major order or nested as the shape is. Raises
    ``TensorInvalid``.
    """
    dtype = NUMPY_BY_DATATYPE[tensor.datatype]
    try:
        values: list[Any] = _flat_decoders[dtype.kind](bytes(data))
    except msgspec.ValidationError:
        values = _flattened(tensor, _nested(data), items)
    return from_values(tensor, values, items)


def from_values(tensor: Tensor, values: Sequence[Any], items: int) -> Array:
    """
    The array of shape ``(items, *tensor.shape)`` of scalars in row-major order.

    Those of a BYTES tensor are ``bytes``, or text that is taken as UTF-8. Raises ``TensorInvalid``.
    """
    count = items * math.prod(tensor.shape)
    if len(values) != count:
        raise TensorInvalid(f"must hold {count} elements", str(len(values)))
    array = _strings(values, items) if tensor.datatype == BYTES else _array(tensor, values)
    return array.reshape(items, *tensor.shape)


def _nested(data: bytes | msgspec.Raw) -> list[Any]:
    try:
        return _nested_decoder.decode(data)
    except msgspec.ValidationError as error:
        raise TensorInvalid("must be a list", bytes(data)[:40].decode(errors="replace")) from error


def _flattened(tensor: Tensor, values: list[Any], items: int) -> list[Any]:
    """The scalars of a list nested as ``(items, *shape)``, each of the right kind."""
    shape = (items, *tensor.shape)
    limit = f"must be flat, or nested as the shape {list(shape)}"
    for axis, extent in enumerate(shape):
        if not axis:
            continue
        if not all(isinstance(value, list) for value in values):
            if any(isinstance(value, list) for value in values):
                raise TensorInvalid(limit, "lists beside scalars")
            break
        if any(len(value) != extent for value in values):
            raise TensorInvalid(limit, f"another extent of axis {axis}")
        values = [inner for value in values for inner in value]
    scalar = _SCALARS[NUMPY_BY_DATATYPE[tensor.datatype].kind]
    for value in values:
        if not isinstance(value, scalar) and not (scalar is float and isinstance(value, int)):
            raise TensorInvalid(f"must hold {_kind_words(tensor)} for {tensor.datatype}", shown(value))
        if isinstance(value, bool) and scalar is not bool:
            raise TensorInvalid(f"must hold {_kind_words(tensor)} for {tensor.datatype}", shown(value))
    return values


def _array(tensor: Tensor, values: Sequence[Any]) -> Array:
    dtype = NUMPY_BY_DATATYPE[tensor.datatype]
    try:
        with np.errstate(over="ignore"):
            array: Array = np.array(values, dtype=dtype)
    except OverflowError as error:
        limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
        outside = next(value for value in values if not limits.min <= value <= limits.max)
        limit = f"must hold numbers in {limits.min}..{limits.max} for {tensor.datatype}"
        raise TensorInvalid(limit, shown(outside)) from error
    _require_finite(tensor, array)
    return array


def _strings(values: Sequence[str | bytes], items: int) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = [each if isinstance(each, bytes) else each.encode() for each in values]
    try:
        require_few_strings(len(array), sum(map(len, array)) + len(array) * LENGTH_BYTES, items)
    except StringsInvalid as error:
        raise TensorInvalid(error.limit, error.value) from error
    return array


def from_bytes(tensor: Tensor, data: bytes, items: int = 1) -> Array:
    """
    The array of shape ``(items, *tensor.shape)`` whose binary form is ``data``.

    Raises ``TensorInvalid``.
    """
    dtype = NUMPY_BY_DATATYPE[tensor.datatype]
    if tensor.datatype == BYTES:
        count = items * math.prod(tensor.shape)
        try:
            require_few_strings(count, len(data), items)
            return unpacked(data, count).reshape(items, *tensor.shape)
        except StringsInvalid as error:
            raise TensorInvalid(error.limit, error.value) from error
    expected = items * math.prod(tensor.shape) * dtype.itemsize
    if len(data) != expected:
        raise TensorInvalid(f"must be {expected} bytes", str(len(data)))
    if dtype.kind == "b" and any(byte > 1 for byte in data):
        raise TensorInvalid("must hold bytes 0 or 1 for BOOL", str(max(data)))
    array = np.frombuffer(data, dtype=dtype)
    _require_finite(tensor, array)
    return array.reshape(items, *tensor.shape)


def to_json_list(array: Array) -> list[Any] | None:
    """The elements in row-major order; None when one is not finite or no UTF-8, which JSON cannot say."""
    if array.dtype.kind == "O":
        try:
            return [each.decode() for each in array.flat]
        except UnicodeDecodeError:
            return None
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return None
    values: list[Any] = array.ravel().tolist()
    return values


def _require_finite(tensor: Tensor, array: Array) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array))[0])
        raise TensorInvalid(f"must hold finite {tensor.datatype} numbers", f"another at element {place}")


def _kind_words(tensor: Tensor) -> str:
    return _KIND_WORDS[NUMPY_BY_DATATYPE[tensor.datatype].kind]
