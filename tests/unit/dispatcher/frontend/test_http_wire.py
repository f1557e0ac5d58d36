"""The HTTP door over a real socket: clients that leave, bodies too long, bytes of every kind."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.frontend import http_server
from tests.unit.dispatcher.frontend.http_asking import INFER, body, many
from tests.unit.dispatcher.frontend.open_doors import PATIENCE_S, OpenDoors, open_doors, until
from tests.unit.dispatcher.frontend.twice import Twice

BODY_BYTES_MAX = 66_112


@pytest.fixture(scope="module")
def opened() -> Iterator[OpenDoors]:
    with open_doors() as doors:
        yield doors


@pytest.fixture
def service(opened: OpenDoors) -> Twice:
    opened.service.renew()
    return opened.service


def connected(opened: OpenDoors) -> socket.socket:
    address = urlsplit(opened.http_url)
    return socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)


def head(length: int, *headers: str, path: str = INFER) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_to(opened: OpenDoors, sent: bytes, wait_s: float = PATIENCE_S) -> tuple[int, bytes]:
    """Status and body of the first answer to these bytes; status 0 when none came within that time."""
    received = b""
    with connected(opened) as connection:
        connection.settimeout(wait_s)
        with contextlib.suppress(TimeoutError, ConnectionError):
            connection.sendall(sent)
            while more := connection.recv(65_536):
                received += more
                if is_whole(received):
                    break
    if not received:
        return 0, b""
    return int(received.split(b" ", 2)[1]), received.partition(b"\r\n\r\n")[2]


def is_whole(received: bytes) -> bool:
    """Whether a response ends here, by its Content-Length."""
    top, _, content = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", top)
    return length is not None and len(content) >= int(length[1])


def is_served(opened: OpenDoors) -> bool:
    return httpx.post(opened.http_url + INFER, json=body(), timeout=PATIENCE_S).status_code == 200


def test_a_client_that_hangs_up_gives_up_its_items(opened: OpenDoors, service: Twice) -> None:
    service.silent = True
    content = json.dumps(many(3)).encode()
    with connected(opened) as connection:
        connection.sendall(head(len(content)) + content)
        until(lambda: len(service.kept) == 3, "the items at the service")
    until(lambda: all(answer.cancelled() for answer in service.kept), "the items given up")
    service.silent = False
    assert is_served(opened)


def test_requests_follow_each_other_on_one_connection(opened: OpenDoors, service: Twice) -> None:
    content = json.dumps(body()).encode()
    with connected(opened) as connection:
        connection.sendall((head(len(content)) + content) * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            more = connection.recv(65_536)
            assert more
            received += more
    assert len(service.timeouts) == 3


@pytest.mark.parametrize("length", [BODY_BYTES_MAX + 1, 20_000_000])
def test_a_body_too_long_is_refused_in_words(opened: OpenDoors, service: Twice, length: int) -> None:
    answer = httpx.post(opened.http_url + INFER, content=bytes(length), timeout=PATIENCE_S)
    assert answer.status_code == 413
    assert answer.json()["error"] == f"body: must be at most {BODY_BYTES_MAX} bytes, got {length}"
    assert service.invalid == 1
    assert is_served(opened)


def test_a_body_far_too_long_is_refused_before_it_is_sent(opened: OpenDoors, service: Twice) -> None:
    status, content = answer_to(opened, head(10**12) + bytes(100))
    assert (status, "got 1000000000000" in content.decode()) == (413, True)


def test_a_body_in_chunks_is_read_and_limited(opened: OpenDoors, service: Twice) -> None:
    def chunks(content: bytes) -> Iterator[bytes]:
        for start in range(0, len(content), 1_000):
            yield content[start : start + 1_000]

    whole = json.dumps(many(3)).encode()
    answer = httpx.post(opened.http_url + INFER, content=chunks(whole), timeout=PATIENCE_S)
    assert answer.status_code == 200
    answer = httpx.post(opened.http_url + INFER, content=chunks(bytes(200_000)), timeout=PATIENCE_S)
    assert answer.status_code == 413


def test_endless_headers_are_refused(opened: OpenDoors, service: Twice) -> None:
    for endless in (b"a: b\r\n" * 20_000, b"x-long: " + b"y" * 100_000):
        status, content = answer_to(opened, b"GET /v2 HTTP/1.1\r\nHost: here\r\n" + endless)
        assert status == 431
        assert json.loads(content)["error"].startswith("headers: must be at most 65536 bytes")
    assert is_served(opened)


def test_what_is_not_http_is_refused(opened: OpenDoors, service: Twice) -> None:
    status, content = answer_to(opened, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, json.loads(content)["error"].startswith("request: ")) == (400, True)


def test_a_client_that_never_sends_its_head_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_WAIT_S", 0.2)
    monkeypatch.setattr(http_server, "SWEEP_INTERVAL_S", 0.05)
    with open_doors() as opened, connected(opened) as connection:
        connection.sendall(b"POST /v2 HT")
        assert connection.recv(1) == b""


def binary_request() -> tuple[bytes, int]:
    """An infer request of two items with binary tensors both ways, and the length of its JSON."""
    content = many(2)
    x, n = np.ones((2, 2), "<f4").tobytes(), np.ones(2, "<i8").tobytes()
    for tensor, raw in zip(content["inputs"], (x, n), strict=True):
        del tensor["data"]
        tensor["parameters"] = {"binary_data_size": len(raw)}
    content["parameters"] = {"binary_data_output": True, "timeout": 40_000, "priority": 1}
    header = json.dumps(content).encode()
    return header + x + n, len(header)


BINARY, JSON_LENGTH = binary_request()


def test_the_request_that_is_mutated_below_is_good(opened: OpenDoors, service: Twice) -> None:
    status, content = answer_to(
        opened, head(len(BINARY), f"Inference-Header-Content-Length: {JSON_LENGTH}") + BINARY
    )
    assert (status, content[-16:]) == (200, np.ones(2, "<i8").tobytes())


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(BINARY) - 1),
    st.integers(0, 12),
    st.binary(max_size=12),
    st.sampled_from([0, 0, 0, 1, -1, 7]),
)
def test_a_binary_request_changed_anywhere_is_served_or_the_clients_fault(
    opened: OpenDoors, start: int, cut: int, inserted: bytes, off: int
) -> None:
    content = BINARY[:start] + inserted + BINARY[start + cut :]
    length = f"Inference-Header-Content-Length: {JSON_LENGTH + off}"
    status, answer = answer_to(opened, head(len(content), length) + content)
    assert status in (200, 400), answer
    assert status == 200 or json.loads(answer)["error"]


WHOLE = head(len(BINARY), f"Inference-Header-Content-Length: {JSON_LENGTH}") + BINARY


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 12), st.binary(max_size=12))
def test_bytes_changed_anywhere_never_are_our_fault(
    opened: OpenDoors, start: int, cut: int, inserted: bytes
) -> None:
    """Status 0: the connection was closed, or the request never became whole and was awaited."""
    status, answer = answer_to(opened, WHOLE[:start] + inserted + WHOLE[start + cut :], wait_s=0.2)
    assert status == 0 or 200 <= status < 500, answer
