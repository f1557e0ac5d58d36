"""One keep-alive HTTP/1.1 connection of a client, a request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and body of one response."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """
    Sends a request, calls back with its answer, may then be used again.

    The callback gets a text instead of an answer when the connection broke first.
    """

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._on_answer: Callable[[HttpAnswer | str], None] | None = None

    @property
    def usable(self) -> bool:
        """Connected, and free to take a request."""
        return self._transport is not None and self._on_answer is None

    def send(self, request: bytes, on_answer: Callable[[HttpAnswer | str], None]) -> None:
        """``request`` is the whole request, head and body."""
        if self._transport is None or self._on_answer is not None:
            raise RuntimeError("the connection is closed or busy")
        self._on_answer = on_answer
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(f"not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._finish(f"connection lost: {exc or 'closed by the server'}")

    # httptools calls these

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
            self._transport = None
        self._finish(HttpAnswer(self._parser.get_status_code(), b"".join(self._body)))

    def _break(self, reason: str) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        self._finish(reason)

    def _finish(self, answer: HttpAnswer | str) -> None:
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is not None:
            on_answer(answer)
