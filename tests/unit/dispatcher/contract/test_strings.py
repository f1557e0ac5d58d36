from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.contract import wire
from dispatcher.contract.strings import (
    STRING_BYTES_OF_ITEM_MAX,
    STRINGS_MAX,
    StringsInvalid,
    blank,
    packed,
    require_few_strings,
    unpacked,
)
from dispatcher.contract.sub_cluster import Tensor

TEXT = Tensor("text", "BYTES", (2,))


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_strings_survive_their_binary_form(strings: list[bytes]) -> None:
    array = np.empty(len(strings), dtype=object)
    array[:] = strings
    assert unpacked(packed(array), len(strings)).tolist() == strings


@given(st.binary(max_size=40), st.integers(0, 10))
def test_other_bytes_are_read_whole_or_refused(data: bytes, count: int) -> None:
    with contextlib.suppress(StringsInvalid):
        assert packed(unpacked(data, count)) == data


def test_what_is_cut_off_or_too_long_says_where() -> None:
    data = packed(np.array([b"one", b"three"], dtype=object))
    with pytest.raises(StringsInvalid, match="got 15 bytes that end within number 1"):
        unpacked(data[:-1], 2)
    with pytest.raises(StringsInvalid, match="must end with string number 0, got 9 bytes more"):
        unpacked(data, 1)
    with pytest.raises(StringsInvalid, match="end within number 2"):
        unpacked(data, 3)


def test_a_frame_of_strings_is_an_array_again() -> None:
    array = np.array([[b"a", b""], [b"\xff\x00", b"dd"]], dtype=object)
    (back,) = wire.tensors_from_frames([TEXT], [wire.frame(array)], 2)
    assert back.tolist() == array.tolist()
    with pytest.raises(wire.WireError, match="tensor text: must hold 4 strings"):
        wire.tensors_from_frames([TEXT], [b"\x01"], 2)


def test_blanks_are_empty_strings_and_zeros() -> None:
    assert blank(TEXT, 1).tolist() == [[b"", b""]]
    assert blank(Tensor("x", "FP32", (2,)), 1).tolist() == [[0.0, 0.0]]


def test_neither_many_nor_long_strings_are_read() -> None:
    require_few_strings(STRINGS_MAX, 0, 1)
    with pytest.raises(StringsInvalid, match=f"at most {STRINGS_MAX} strings in all its items, got 65537"):
        require_few_strings(STRINGS_MAX + 1, 0, 1)
    most = 2 * STRING_BYTES_OF_ITEM_MAX + 8
    require_few_strings(2, most, 2)
    with pytest.raises(StringsInvalid, match=f"at most {most} bytes, lengths included, got {most + 1}"):
        require_few_strings(2, most + 1, 2)
