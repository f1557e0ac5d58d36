"""What attacks do to the memory of a real server process: it stays bounded, and the server answers on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.access.table import RULES
from tests.integration.test_secured_server import serving

JSON = "application/json"
ROWS = 10_000_000
GROWTH_MIB_MAX = 400
"""Above the server at rest, whatever was sent: a body of 32 MiB may be held and read once."""

PART_ROWS = 20_000


def rows() -> Iterator[bytes]:
    """Ten million rows, piece by piece: about 400 MB."""
    yield b"model,start,low_rps,mid_rps,high_rps\n"
    part = b"resnet,2026-11-23T08:00:00Z,1,2,3\n" * PART_ROWS
    for _ in range(ROWS // PART_ROWS):
        yield part


def one_line() -> Iterator[bytes]:
    """A quote that never ends."""
    yield b'model,start,mid_rps\n"'
    for _ in range(300):
        yield b"a," * 65_536


def lists() -> Iterator[bytes]:
    yield b"[" + b"[]," * 10_000_000 + b"[]]"


def keys() -> Iterator[bytes]:
    yield b"{" + b",".join(b'"%07x":1' % i for i in range(2_400_000)) + b"}"


def deep() -> Iterator[bytes]:
    yield b'{"a":' * 6_000_000


def objects() -> Iterator[bytes]:
    yield b"[" + b"{}," * 999_999 + b"{}]"


def empties() -> Iterator[bytes]:
    """As many entries as may be sent, each with every fault there is."""
    yield b"[" + b"{}," * 99_999 + b"{}]"


def fields() -> Iterator[bytes]:
    """As many unknown fields as may be sent."""
    entry = b"{" + b",".join(b'"%04x":1' % i for i in range(999)) + b"}"
    yield b"[" + b",".join([entry] * 1_900) + b"]"


def rows_of_one() -> Iterator[bytes]:
    """As many faults within one entry."""
    yield b'{"models": [' + b"{}," * 1_900_000 + b'{}], "epochs": []}'


ATTACKS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "rows": ("text/csv", rows),
    "one_line": ("text/csv", one_line),
    "lists": ("application/json", lists),
    "keys": ("application/json", keys),
    "deep": ("application/json", deep),
    "objects": ("application/json", objects),
    "empties": ("application/json", empties),
    "fields": ("application/json", fields),
    "rows_of_one": ("application/json", rows_of_one),
}
TARGETS = [
    key.split(" ")[1]
    for key in ("POST /v1/forecasts", "POST /v1/observed-load", "POST /v1/forecasts/csv")
    if key in RULES
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with serving(tmp_path_factory.mktemp("hostile")) as (address, pid, _log):
        yield address, pid


@pytest.mark.parametrize("attack", ATTACKS)
def test_memory_stays_bounded(server: tuple[str, int], attack: str) -> None:
    address, pid = server
    kind, parts = ATTACKS[attack]
    for target in TARGETS:
        forget_peak(pid)
        before_mib = memory_mib(pid, "VmRSS")
        try:
            answer = httpx.post(
                address + target, content=parts(), headers={"content-type": kind}, timeout=120
            )
            assert answer.status_code in (413, 422), answer.text
        except (httpx.WriteError, httpx.ReadError):
            pass  # refused, and the connection closed, while it was still being sent
        grown_mib = memory_mib(pid, "VmHWM") - before_mib
        assert grown_mib < GROWTH_MIB_MAX, f"{target}: {grown_mib:.0f} MiB"
        assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200


def memory_mib(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1_024
    raise AssertionError(f"no {field}")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")


AT_ONCE = 8
GROWTH_MIB_MAX_TOGETHER = 650
"""Eight of these that were all let in took 1,250 MiB; of eight two find room, and took 440."""


def test_large_bodies_at_once_find_room_or_are_told_to_come_again(
    server: tuple[str, int],
) -> None:
    address, pid = server
    body = b"".join(rows_of_one())  # 5 MiB of text and 3.8 million values
    forget_peak(pid)
    before_mib = memory_mib(pid, "VmRSS")

    def send(_: int) -> httpx.Response:
        return httpx.post(
            f"{address}/v1/forecasts", content=body, headers={"content-type": JSON}, timeout=120
        )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(AT_ONCE)))
    grown_mib = memory_mib(pid, "VmHWM") - before_mib
    assert grown_mib < GROWTH_MIB_MAX_TOGETHER, f"{grown_mib:.0f} MiB"
    assert {answer.status_code for answer in answers} == {422, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["type"] == "urn:fermata:problem:bodies-too-large-together"
            assert int(answer.headers["retry-after"]) > 0
    assert send(0).status_code == 422  # all that was held was given back
