"""Compressed bodies at the HTTP door."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest

from dispatcher.frontend.http_coding import ANSWER_BYTES_MIN, _packed, _unpacked, answer_coding
from dispatcher.frontend.infer_request import RequestInvalid
from tests.unit.dispatcher.frontend.http_asking import body, infer
from tests.unit.dispatcher.frontend.twice import Twice

PACK = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("coding", PACK)
def test_a_compressed_request_is_answered_as_any_other(coding: str) -> None:
    content = json.dumps(body()).encode()
    answer = infer(PACK[coding](content), **{"Content-Encoding": coding})
    assert (answer.status_code, answer.json()) == (200, infer(body()).json())


@pytest.mark.parametrize("coding", PACK)
def test_a_body_that_grows_too_long_is_refused_before_it_has_grown(coding: str) -> None:
    bomb = PACK[coding](bytes(50 * 2**20))
    tracemalloc.start()
    service = Twice()
    answer = infer(bomb, service, **{"Content-Encoding": coding})
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 413
    assert answer.json()["error"] == "body: must be at most 66112 bytes, got more when unpacked"
    assert service.invalid == 1
    assert peak_bytes < 4 * 2**20


@pytest.mark.parametrize("coding", PACK)
def test_a_body_may_be_exactly_as_long_as_allowed(coding: str) -> None:
    content = bytes(1_000)
    assert _unpacked(PACK[coding](content), coding.encode(), 1_000) == content
    with pytest.raises(RequestInvalid, match="at most 999 bytes"):
        _unpacked(PACK[coding](content), coding.encode(), 999)


def test_bytes_that_are_not_what_they_are_called_are_a_400() -> None:
    packed = gzip.compress(json.dumps(body()).encode())
    for content, words in (
        (b"{}", "must be gzip, as Content-Encoding says"),
        (packed[:-1], "must be one whole gzip stream, got one that is cut off"),
        (packed + packed, "must be one whole gzip stream, got bytes behind it"),
        (packed[:-8] + bytes(8), "must be gzip, as Content-Encoding says"),
        (b"", "got one that is cut off"),
    ):
        answer = infer(content, **{"Content-Encoding": "gzip"})
        assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("asked", "coding"),
    [
        ("gzip", b"gzip"),
        (" Deflate ", b"deflate"),
        ("gzip;q=1.0", b"gzip"),
        ("gzip;q=0", None),
        ("gzip, deflate", None),
        ("identity", None),
        ("br", None),
        ("", None),
    ],
)
def test_an_answer_is_compressed_for_who_asks_for_one_coding(asked: str, coding: bytes | None) -> None:
    assert answer_coding({"headers": [(b"accept-encoding", asked.encode())]}) == coding


def test_only_a_long_answer_is_compressed() -> None:
    long: dict[str, Any] = body(id="r" * ANSWER_BYTES_MIN)
    answer = infer(long, **{"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert answer.json() == infer(long, **{"Accept-Encoding": "identity"}).json()
    assert "content-encoding" not in infer(body(), **{"Accept-Encoding": "gzip"}).headers
    assert zlib.decompress(_packed(b"x" * 2_000, b"deflate")) == b"x" * 2_000
