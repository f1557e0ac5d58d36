"""The load client over HTTP: raw keep-alive HTTP/1.1, so that the client costs less than the server."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import msgspec

from dispatcher.frontend.http_connection import Connection, HttpAnswer
from dispatcher.frontend.load_result import Reply
from dispatcher.frontend.load_transport import OnAnswer, Sending, Verdict

CONNECTIONS_MAX = 256
"""For each base address; a request beyond waits for one, and the wait is part of its latency."""

REFUSED_STATUSES = (429, 503, 504)
REASON_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class HttpPayload:
    """
    What is posted for one model.

    Parameters
    ----------
    urls
        Base addresses that serve this model, taken in turn; empty means all of the transport's.
    headers
        Lines beyond those that every request has, each ended with CRLF.
    """

    path: str
    body: bytes
    urls: tuple[str, ...] = ()
    content_type: str = "application/json"
    headers: str = ""


def infer_path(model: str) -> str:
    """Where the Open Inference Protocol takes requests for ``model``."""
    return f"/v2/models/{quote(model, safe='')}/infer"


class HttpTransport:
    """Posts each model's payload to the base addresses in turn; ``trust`` is for those over https."""

    def __init__(
        self,
        urls: str | Sequence[str],
        payloads: Mapping[str, HttpPayload],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._bases = (urls,) if isinstance(urls, str) else tuple(urls)
        self._payloads = payloads
        self._trust = trust
        self._pools: dict[str, _Pool] = {}
        self._targets: dict[str, deque[tuple[_Pool, bytes]]] = {}

    @property
    def held_back(self) -> int:
        return sum(pool.held_back for pool in self._pools.values())

    async def open(self, on_answer: OnAnswer) -> None:
        def answered(sending: Sending, answer: HttpAnswer | str) -> None:
            on_answer(sending, _verdict(answer))

        for model, payload in self._payloads.items():
            targets = self._targets[model] = deque()
            for url in payload.urls or self._bases:
                if url not in self._pools:
                    self._pools[url] = _Pool(url, answered, self._trust)
                targets.append((self._pools[url], _http_request(self._pools[url], payload)))

    def send(self, sending: Sending) -> None:
        targets = self._targets[sending.model]
        pool, request = targets[0]
        targets.rotate(-1)
        pool.send(sending, request)

    async def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _Pool:
    """Connections to one base address."""

    def __init__(
        self,
        url: str,
        on_answer: Callable[[Sending, HttpAnswer | str], None],
        trust: ssl.SSLContext | None,
    ) -> None:
        address = urlsplit(url)
        is_secure = address.scheme == "https"
        self.host, self.port = address.hostname or "127.0.0.1", address.port or (443 if is_secure else 80)
        self._tls = (trust or ssl.create_default_context()) if is_secure else None
        self.held_back = 0
        self._on_answer = on_answer
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[tuple[Sending, bytes]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, sending: Sending, request: bytes) -> None:
        """Send on a free connection, else on a new one, else when the next is free."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._send_on(connection, sending, request)
                return
            self._open.discard(connection)
        self._waiting.append((sending, request))
        self._open_one()

    def close(self) -> None:
        for connection in list(self._open):
            connection.close()
        for task in self._tasks:
            task.cancel()

    def _open_one(self) -> None:
        if len(self._open) + self._opening < CONNECTIONS_MAX:
            self._opening += 1
            task = asyncio.create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self.held_back += 1

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(Connection, self.host, self.port, ssl=self._tls)
        except OSError as error:
            self._opening -= 1
            self._connect_failed(f"cannot connect to {self.host}:{self.port}: {error}")
            return
        self._opening -= 1
        if connection.usable:
            self._open.add(connection)
            self._next(connection)
        else:
            self._connect_failed(f"{self.host}:{self.port} closed the connection at once")

    def _connect_failed(self, reason: str) -> None:
        """One request pays for it; those behind it try again."""
        if self._waiting:
            self._on_answer(self._waiting.popleft()[0], reason)
        if self._waiting and not self._opening:
            self._open_one()

    def _send_on(self, connection: Connection, sending: Sending, request: bytes) -> None:
        def answered(answer: HttpAnswer | str) -> None:
            if connection.usable:
                self._next(connection)
            else:
                self._open.discard(connection)
                if self._waiting:
                    self.send(*self._waiting.popleft())
            self._on_answer(sending, answer)

        connection.send(request, answered)

    def _next(self, connection: Connection) -> None:
        if self._waiting:
            self._send_on(connection, *self._waiting.popleft())
        else:
            self._idle.append(connection)


class _Refused(msgspec.Struct):
    """The body of an answer without result; servers of others leave ``reason`` out."""

    reason: str | None = None


_decode_refused = msgspec.json.Decoder(_Refused).decode


def _verdict(answer: HttpAnswer | str) -> Verdict:
    if isinstance(answer, str):
        return Verdict(Reply.ERROR, answer)
    if answer.status == 200:
        return Verdict(Reply.OK)
    reason = _reason(answer)
    if answer.status == 504 and reason == "late":
        return Verdict(Reply.LATE, reason)
    if answer.status in REFUSED_STATUSES:
        return Verdict(Reply.REFUSED, reason)
    return Verdict(Reply.ERROR, f"{answer.status} {answer.body[:REASON_CHARS_MAX]!r}")


def _reason(answer: HttpAnswer) -> str:
    """The server's own word, or the status for one that has none."""
    try:
        reason = _decode_refused(answer.body).reason
    except (msgspec.DecodeError, UnicodeDecodeError):
        reason = None
    return reason or f"http_{answer.status}"


def _http_request(pool: _Pool, payload: HttpPayload) -> bytes:
    head = (
        f"POST {payload.path} HTTP/1.1\r\n"
        f"Host: {pool.host}:{pool.port}\r\n"
        f"Content-Type: {payload.content_type}\r\n"
        f"{payload.headers}"
        f"Content-Length: {len(payload.body)}\r\n\r\n"
    )
    return head.encode() + payload.body
