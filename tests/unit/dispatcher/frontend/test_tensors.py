from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.strings import STRING_BYTES_OF_ITEM_MAX, binary
from dispatcher.contract.sub_cluster import Tensor
from dispatcher.frontend.tensors import TensorInvalid, from_bytes, from_json, from_values, to_json_list

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)


@st.composite
def tensors(draw: st.DrawFn) -> tuple[Tensor, np.ndarray[Any, Any]]:
    datatype = draw(st.sampled_from(sorted(NUMPY_BY_DATATYPE)))
    dtype, shape = NUMPY_BY_DATATYPE[datatype], draw(SHAPES)
    if datatype == "BYTES":
        count = math.prod(shape)
        array = np.empty(count, dtype=object)
        array[:] = [text.encode() for text in draw(st.lists(st.text(), min_size=count, max_size=count))]
        return Tensor("x", datatype, shape), array.reshape(1, *shape)
    finite = {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else {}
    array = draw(hnp.arrays(dtype, (1, *shape), elements=hnp.from_dtype(dtype, **finite)))  # type: ignore[arg-type]
    return Tensor("x", datatype, shape), array


@given(tensors())
def test_a_tensor_survives_json_flat_and_nested(pair: tuple[Tensor, np.ndarray[Any, Any]]) -> None:
    tensor, array = pair
    flat = json.dumps(to_json_list(array)).encode()
    nested = json.dumps(array.tolist(), default=bytes.decode).encode()
    for text in (flat, nested):
        back = from_json(tensor, text)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


@given(tensors())
def test_a_tensor_survives_raw_bytes(pair: tuple[Tensor, np.ndarray[Any, Any]]) -> None:
    tensor, array = pair
    np.testing.assert_array_equal(from_bytes(tensor, binary(array)), array)


@pytest.mark.parametrize(
    ("datatype", "data", "words"),
    [
        ("FP32", b"[1, 2, 3]", "must hold 2 elements, got 3"),
        ("FP32", b'[1, "2"]', "must hold numbers for FP32, got '2'"),
        ("FP32", b"[1, true]", "must hold numbers for FP32, got True"),
        ("FP32", b"[1, null]", "got None"),
        ("FP32", b"{}", r"must be a list, got \{\}"),
        ("FP32", b"[1, 1e39]", "must hold finite FP32 numbers, got another at element 1"),
        ("FP16", b"[1, 70000]", "finite FP16"),
        ("FP32", b"[[1], [2]]", "another extent of axis 1"),
        ("FP32", b"[[1, [2]]]", r"got \[2\]"),
        ("FP32", b"[[1, 2], 3]", "lists beside scalars"),
        ("UINT8", b"[1, 256]", r"must hold numbers in 0\.\.255 for UINT8, got 256"),
        ("INT8", b"[-129, 1]", "got -129"),
        ("INT64", b"[1, 1.5]", "must hold whole numbers for INT64, got 1.5"),
        ("BOOL", b"[1, 0]", "must hold true or false for BOOL, got 1"),
        ("UINT64", b"[1, -1]", "got -1"),
        ("BYTES", b'["a", 1]', "must hold strings for BYTES, got 1"),
        ("BYTES", b'["a"]', "must hold 2 elements, got 1"),
        ("BYTES", b'[["a", "b"], ["c"]]', "another extent of axis 1"),
    ],
)
def test_data_that_do_not_fit_say_what_would(datatype: str, data: bytes, words: str) -> None:
    with pytest.raises(TensorInvalid, match=words):
        from_json(Tensor("x", datatype, (2,)), data)


def test_raw_bytes_that_do_not_fit_say_what_would() -> None:
    with pytest.raises(TensorInvalid, match="must be 8 bytes, got 7"):
        from_bytes(Tensor("x", "FP32", (2,)), bytes(7))
    with pytest.raises(TensorInvalid, match="0 or 1 for BOOL, got 2"):
        from_bytes(Tensor("x", "BOOL", (2,)), b"\x01\x02")
    with pytest.raises(TensorInvalid, match="finite"):
        from_bytes(Tensor("x", "FP32", ()), np.float32(math.nan).tobytes())


def test_strings_that_do_not_fit_say_what_would() -> None:
    with pytest.raises(TensorInvalid, match="got 3 bytes that end within number 0"):
        from_bytes(Tensor("x", "BYTES", ()), b"abc")
    with pytest.raises(TensorInvalid, match="at most 4194308 bytes, lengths included"):
        from_values(Tensor("x", "BYTES", ()), [bytes(STRING_BYTES_OF_ITEM_MAX + 1)], 1)
    with pytest.raises(TensorInvalid, match="at most 65536 strings in all its items, got 131072"):
        from_bytes(Tensor("x", "BYTES", (2**16,)), bytes(8 * 2**16), items=2)


def test_strings_that_are_no_text_cannot_be_said_in_json() -> None:
    assert to_json_list(np.array([b"\xff"], dtype=object)) is None
    assert to_json_list(np.array(["ü".encode()], dtype=object)) == ["ü"]


def test_numbers_that_json_cannot_say_are_told_apart() -> None:
    assert to_json_list(np.array([1.0, math.inf])) is None
    assert to_json_list(np.array([1.0, 2.0])) == [1.0, 2.0]
