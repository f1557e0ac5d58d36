"""
The server's HTTP protocol with a limit to what comes before a body: bytes and time.

uvicorn keeps a request's headers however many they are, and waits for their end for ever.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.rest.problems import GENERAL_PROBLEMS, MEDIA_TYPE, TYPE_PREFIX

HEADER_BYTES_MAX = 32_768
HEADER_S_MAX = 20.0


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 431 to larger headers, and closes a connection whose headers do not end in time."""

    _header_bytes = 0
    _in_headers = True
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers and self._header_timer is None:
            self._expect_headers()
        while data and self._in_headers and not self.transport.is_closing():
            room = HEADER_BYTES_MAX - self._header_bytes
            if room <= 0:
                self._refuse()
                return
            part, data = data[:room], data[room:]
            self._header_bytes += len(part)
            super().data_received(part)
        if data and not self.transport.is_closing():
            super().data_received(data)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers = True
        self._header_bytes = 0

    def _expect_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_S_MAX, self._give_up)

    def _give_up(self) -> None:
        """Only a connection that has begun to speak or never has: one that rests is uvicorn's to close."""
        self._header_timer = None
        if self._in_headers and not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self) -> None:
        """The application never sees the request, so the problem is written here."""
        status, title = GENERAL_PROBLEMS["headers-too-large"]
        problem = {
            "type": TYPE_PREFIX + "headers-too-large",
            "title": title,
            "status": status,
            "detail": f"the headers of a request may have at most {HEADER_BYTES_MAX} bytes",
        }
        content = json.dumps(problem).encode()
        head = f"content-type: {MEDIA_TYPE}\r\nconnection: close\r\ncontent-length: {len(content)}\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + content)
        self.transport.close()
