"""
Tensors of datatype BYTES: byte strings of any length.

In memory such a tensor is a numpy array of ``bytes`` objects. In a frame, and in the protocol's
binary form, each string follows its length in four bytes, little-endian, in C order.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.sub_cluster import Tensor

Array: TypeAlias = NDArray[Any]

BYTES = "BYTES"
LENGTH_BYTES = 4

STRINGS_MAX = 2**16
"""
So many strings may one tensor hold, all its items together.

They are read one by one, 65,536 in some 25 ms (two shared cores), in which nothing else moves.
"""

STRING_BYTES_OF_ITEM_MAX = 4 * 2**20
"""The strings of one tensor may be so long, for each item of a request: a text, an encoded picture."""


class StringsInvalid(ValueError):
    """Bytes that do not hold the strings they should: ``value`` was found, ``limit`` is allowed."""

    def __init__(self, limit: str, value: str) -> None:
        super().__init__(f"{limit}, got {value}")
        self.limit = limit
        self.value = value


def item_bytes_max(tensor: Tensor) -> int:
    """The most bytes that one item of ``tensor`` takes in binary form."""
    count = math.prod(tensor.shape)
    if tensor.datatype == BYTES:
        return STRING_BYTES_OF_ITEM_MAX + count * LENGTH_BYTES
    return count * NUMPY_BY_DATATYPE[tensor.datatype].itemsize


def blank(tensor: Tensor, rows: int) -> Array:
    """Zeros of shape ``(rows, *tensor.shape)``; empty strings for BYTES."""
    shape = (rows, *tensor.shape)
    if tensor.datatype == BYTES:
        return np.full(shape, b"", dtype=object)
    return np.zeros(shape, dtype=NUMPY_BY_DATATYPE[tensor.datatype])


def binary(array: Array) -> bytes:
    """The elements of any array in the protocol's binary form."""
    return packed(array) if array.dtype.kind == "O" else array.tobytes()


def require_few_strings(count: int, bytes_in_all: int, items: int) -> None:
    """
    Bounds on what a caller's tensor of ``items`` items costs to read and to keep.

    ``bytes_in_all`` is the length of its binary form. Raises ``StringsInvalid``.
    """
    if count > STRINGS_MAX:
        raise StringsInvalid(f"must hold at most {STRINGS_MAX} strings in all its items", str(count))
    most = items * STRING_BYTES_OF_ITEM_MAX + count * LENGTH_BYTES
    if bytes_in_all > most:
        raise StringsInvalid(f"must be at most {most} bytes, lengths included", str(bytes_in_all))


def packed(array: Array) -> bytes:
    """The strings of ``array`` in C order, each behind its length."""
    parts: list[bytes] = []
    for string in array.ravel().tolist():
        parts += (len(string).to_bytes(LENGTH_BYTES, "little"), string)
    return b"".join(parts)


def unpacked(data: bytes | memoryview, count: int) -> Array:
    """The ``count`` strings of which ``data`` holds no more and no less. Raises ``StringsInvalid``."""
    data = bytes(data)
    strings: list[bytes] = []
    offset = 0
    for index in range(count):
        start = offset + LENGTH_BYTES
        offset = start + int.from_bytes(data[offset:start], "little")
        if offset > len(data) or start > len(data):
            limit = f"must hold {count} strings, each behind its length in {LENGTH_BYTES} bytes"
            raise StringsInvalid(limit, f"{len(data)} bytes that end within number {index}")
        strings.append(data[start:offset])
    if offset < len(data):
        raise StringsInvalid(f"must end with string number {count - 1}", f"{len(data) - offset} bytes more")
    array = np.empty(count, dtype=object)
    array[:] = strings
    return array
