"""
A client of unary gRPC calls that costs next to nothing: prepared HTTP/2 frames, answers read by their heads.

``grpc.aio`` spends as much on a call as the server does, and its threads take cores from it; a latency
measured through it on few cores is its own. Here a call is two frames of known bytes (RFC 9113), header
fields are sent without a table (RFC 7541), and an answer counts by its frames alone: data and then a last
head is a result, a last head by itself an error. One message, one method; what it allows the server to send
is enough for 2 GiB of answers.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import TypeAlias, cast

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x8
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
HEAD_BYTES = 9
WINDOW_AT_FIRST = 65_535
WINDOW_MORE = 2**31 - 1 - WINDOW_AT_FIRST

Ended: TypeAlias = Callable[[bool], None]
"""Told whether the answer was a result."""


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def call_head(method: str) -> bytes:
    """The header block of a call: indexed where the static table has it, literal and never indexed else."""

    def text(value: str) -> bytes:
        if len(value) >= 127:
            raise ValueError(f"a header text must be under 127 bytes here, {value!r} has {len(value)}")
        return bytes((len(value),)) + value.encode()

    post, http = b"\x83", b"\x86"
    path, authority, content_type = b"\x04" + text(method), b"\x01" + text("here"), b"\x0f\x10"
    return (
        post
        + http
        + path
        + authority
        + content_type
        + text("application/grpc")
        + (b"\x00" + text("te") + text("trailers"))
    )


class GrpcConnection(asyncio.Protocol):
    """One connection; any number of calls of one prepared message at a time."""

    def __init__(self, method: str, message: bytes) -> None:
        self._head = call_head(method)
        self._content = b"\x00" + len(message).to_bytes(4, "big") + message
        self._streams = itertools.count(1, 2)
        self._under_way: dict[int, Ended] = {}
        self._answered: set[int] = set()  # streams that brought data
        self._waiting: deque[Ended] = deque()
        self._window = WINDOW_AT_FIRST
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._transport.write(
            PREFACE + frame(SETTINGS, 0, 0) + frame(WINDOW_UPDATE, 0, 0, WINDOW_MORE.to_bytes(4, "big"))
        )

    def send(self, ended: Ended) -> None:
        """Call; where the server has allowed no more bytes, once it does."""
        if self._window < len(self._content):
            self._waiting.append(ended)
            return
        self._window -= len(self._content)
        stream = next(self._streams)
        self._under_way[stream] = ended
        self._transport.write(
            frame(HEADERS, END_HEADERS, stream, self._head) + frame(DATA, END_STREAM, stream, self._content)
        )

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        at, unread = 0, self._unread
        while at + HEAD_BYTES <= len(unread):
            end = at + HEAD_BYTES + int.from_bytes(unread[at : at + 3], "big")
            if end > len(unread):
                break
            stream = int.from_bytes(unread[at + 5 : at + 9], "big")
            self._take(unread[at + 3], unread[at + 4], stream, unread[at + HEAD_BYTES : end])
            at = end
        self._unread = unread[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        for ended in [*self._under_way.values(), *self._waiting]:
            ended(False)
        self._under_way.clear()
        self._waiting.clear()

    def _take(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        if kind == DATA:
            self._answered.add(stream)
        elif kind == HEADERS and flags & END_STREAM:
            self._end(stream, stream in self._answered)
        elif kind == RST_STREAM:
            self._end(stream, False)
        elif kind == WINDOW_UPDATE and stream == 0:
            self._window += int.from_bytes(content, "big")
            while self._waiting and self._window >= len(self._content):
                self.send(self._waiting.popleft())
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self._transport.write(frame(kind, ACK, 0, content if kind == PING else b""))
        elif kind == GOAWAY:
            self._transport.close()

    def _end(self, stream: int, is_result: bool) -> None:
        self._answered.discard(stream)
        ended = self._under_way.pop(stream, None)
        if ended is not None:
            ended(is_result)
