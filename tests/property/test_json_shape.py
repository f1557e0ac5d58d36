"""The shape that is seen in a text is that of the values it holds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from api.access.json_shape import shape
from tests.naive import json_shape as naive

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(st.sampled_from('a"\\[{,:}] é')),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=5),
    max_leaves=40,
)


@settings(deadline=None)  # the first call compiles
@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_depth_fields_and_values_are_those_of_what_is_read(
    value: Any, ascii: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii, indent=indent).encode()
    depth, fields, values = shape(np.frombuffer(text, dtype=np.uint8))
    assert depth == naive.depth(value)
    assert fields == naive.fields(value)
    assert naive.values(value) <= values <= 2 * naive.values(value)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_will_do(text: bytes) -> None:
    depth, fields, values = shape(np.frombuffer(text, dtype=np.uint8))
    assert 0 <= depth <= len(text)
    assert 0 <= fields <= len(text)
    assert 1 <= values <= len(text) + 1
