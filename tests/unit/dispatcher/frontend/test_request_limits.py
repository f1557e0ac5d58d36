"""How long a request may be: spelt out only so much as does not hold up the others, raw far more."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from dispatcher.contract.strings import packed
from dispatcher.contract.sub_cluster import ServedModel, Tensor
from dispatcher.frontend.grpc_request import contents_of, parse_message
from dispatcher.frontend.infer_request import (
    BODY_BYTES_FREE,
    RAW_BYTES_OF_MANY,
    RequestInvalid,
    body_bytes_max,
    json_bytes_max,
    numbers_max,
    parse_infer,
)
from dispatcher.frontend.tenancy import EVERYONE

WIDE = ServedModel("m", 1, (0, *range(1, 101)), inputs=(Tensor("x", "FP32", (1_024,)),))
MANY = np.ones((100, 1_024), dtype="<f4")


def test_limits_follow_the_model() -> None:
    small = ServedModel("s", 1, (0, 1, 2), inputs=(Tensor("x", "FP32", (4,)),))
    assert (numbers_max(small), json_bytes_max(small)) == (8, BODY_BYTES_FREE + 8 * 64)
    assert body_bytes_max(small) == json_bytes_max(small)
    assert numbers_max(WIDE) == 65_536
    huge = ServedModel("h", 1, (0, 1, 2), inputs=(Tensor("x", "FP32", (20_000_000,)),))
    assert numbers_max(huge) == 20_000_000
    images = ServedModel("i", 1, (0, *range(1, 257)), inputs=(Tensor("x", "FP32", (150_000,)),))
    assert body_bytes_max(images) == BODY_BYTES_FREE + RAW_BYTES_OF_MANY


def test_many_items_are_taken_raw_and_not_spelt_out() -> None:
    given = {"name": "x", "datatype": "FP32", "shape": MANY.shape}
    header = json.dumps({"inputs": [given | {"parameters": {"binary_data_size": MANY.nbytes}}]}).encode()
    assert parse_infer(WIDE, header + MANY.tobytes(), len(header)).items == 100
    spelt = json.dumps({"inputs": [given | {"data": [0.1234567] * MANY.size}], "pad": "x" * 4_000_000})
    with pytest.raises(RequestInvalid, match="body: JSON must be at most 4259840 bytes") as caught:
        parse_infer(WIDE, spelt.encode())
    assert caught.value.status == 413
    message = pb.ModelInferRequest(inputs=[given])
    message.inputs[0].contents.CopyFrom(contents_of(MANY, "FP32"))
    with pytest.raises(RequestInvalid, match=r"inputs\[0\].contents: must hold at most 65536 numbers"):
        parse_message(WIDE, message, EVERYONE, None)
    raw = pb.ModelInferRequest(inputs=[given], raw_input_contents=[MANY.tobytes()])
    assert parse_message(WIDE, raw, EVERYONE, None).items == 100


WORDS = ServedModel("w", 1, (0, 1, 2), inputs=(Tensor("x", "BYTES", (2,)),))


def words_request(data: object, raw: bytes | None = None, items: int = 1) -> tuple[bytes, int | None]:
    """A body, and the length of its JSON where raw bytes follow."""
    given: dict[str, object] = {"name": "x", "datatype": "BYTES", "shape": [items, 2]}
    given |= {"data": data} if raw is None else {"parameters": {"binary_data_size": len(raw)}}
    header = json.dumps({"inputs": [given]}).encode()
    return (header, None) if raw is None else (header + raw, len(header))


@given(st.binary(max_size=60), st.integers(1, 2))
def test_whatever_raw_strings_are_sent_they_are_read_or_the_clients_fault(raw: bytes, items: int) -> None:
    message = pb.ModelInferRequest(
        inputs=[{"name": "x", "datatype": "BYTES", "shape": [items, 2]}], raw_input_contents=[raw]
    )
    read = []
    for parse in (
        lambda: parse_infer(WORDS, *words_request(None, raw, items)),
        lambda: parse_message(WORDS, message, EVERYONE, None),
    ):
        try:
            read.append(packed(parse().inputs[0]))
        except RequestInvalid:
            read.append(b"")
    assert read[0] == read[1]
    assert read[0] in (raw, b"")


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00x", "\\u12", "a\nb"])
def test_text_that_is_none_is_the_clients_fault(text: str) -> None:
    body, _ = words_request(["@", "b"])
    with pytest.raises(RequestInvalid, match="must be"):
        parse_infer(WORDS, body.replace(b"@", text.encode()))


def test_strings_have_a_limit_of_their_own_in_json_and_raw() -> None:
    assert json_bytes_max(WORDS) == BODY_BYTES_FREE + 4 * 64 + 8 * 2**20
    assert body_bytes_max(WORDS) == BODY_BYTES_FREE + 4 * 64 + 8 * 2**20
    long = "x" * (4 * 2**20)
    assert parse_infer(WORDS, *words_request([long, ""])).items == 1
    with pytest.raises(RequestInvalid, match="must be at most 4194312 bytes, lengths included"):
        parse_infer(WORDS, *words_request([long, "x"]))
