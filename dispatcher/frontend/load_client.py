"""
An open-loop load client: requests leave at their times, whatever became of those before.

A closed loop waits for answers and so spares a slow server exactly when it is slow. Here
the latency of a request counts from the instant it was due to leave, and what the client
itself was late is told beside it (``send_lag_ms``), so that nobody mistakes the one for
the other. Raw keep-alive HTTP/1.1 connections: the client must cost less than the server.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import msgspec
import numpy as np

from dispatcher.frontend.http_connection import Connection, HttpAnswer
from dispatcher.frontend.load_result import DrivenModelResult, LoadResult, Reply

CONNECTIONS_MAX = 256
"""For each base address; a request beyond waits for one, and the wait is part of its latency."""

ANSWER_WAIT_S = 10.0
"""Beyond its SLO: then a request counts as an error."""


@dataclass(frozen=True, slots=True)
class DrivenModel:
    """
    What is sent for one model.

    Parameters
    ----------
    body
        The JSON of an infer request.
    urls
        Base addresses that serve this model, taken in turn; empty means all of them.
    """

    id: str
    slo_ms: float
    body: bytes
    urls: tuple[str, ...] = ()


def infer_body(
    inputs: Sequence[tuple[str, str, Sequence[int], Sequence[float]]], tenant: str | None = None
) -> bytes:
    """An infer request of one item; each input is name, datatype, shape without the batch, flat data."""
    return msgspec.json.encode(
        ({} if tenant is None else {"parameters": {"tenant": tenant}})
        | {
            "inputs": [
                {"name": name, "datatype": datatype, "shape": [1, *shape], "data": list(data)}
                for name, datatype, shape, data in inputs
            ]
        }
    )


async def drive(
    urls: str | Sequence[str],
    arrivals: Sequence[tuple[float, str]],
    models: Mapping[str, DrivenModel],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> LoadResult:
    """
    Send every arrival ``(seconds from now, model id)`` at its time; return when all are answered.

    Raises ``KeyError`` for an arrival of a model not in ``models``. ``progress`` is called
    with (requests sent, requests in all) about twice a second.
    """
    bases = (urls,) if isinstance(urls, str) else tuple(urls)
    run = _Run(bases, models)
    try:
        await run.send_all(sorted(arrivals), progress)
        await run.all_answered()
    finally:
        run.close()
    return run.result()


@dataclass(slots=True)
class _Sending:
    """One request on its way."""

    model: str
    due_s: float
    request: bytes


class _Pool:
    """Connections to one base address."""

    def __init__(self, url: str, on_answer: Callable[[_Sending, HttpAnswer | str], None]) -> None:
        address = urlsplit(url)
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        self._on_answer = on_answer
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[_Sending] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, sending: _Sending) -> None:
        """Send on a free connection, else on a new one, else when the next is free."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._send_on(connection, sending)
                return
            self._open.discard(connection)
        self._waiting.append(sending)
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

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(Connection, self.host, self.port)
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
            self._on_answer(self._waiting.popleft(), reason)
        if self._waiting and not self._opening:
            self._open_one()

    def _send_on(self, connection: Connection, sending: _Sending) -> None:
        def answered(answer: HttpAnswer | str) -> None:
            if connection.usable:
                self._next(connection)
            else:
                self._open.discard(connection)
                if self._waiting:
                    self.send(self._waiting.popleft())
            self._on_answer(sending, answer)

        connection.send(sending.request, answered)

    def _next(self, connection: Connection) -> None:
        if self._waiting:
            self._send_on(connection, self._waiting.popleft())
        else:
            self._idle.append(connection)


class _Run:
    def __init__(self, bases: Sequence[str], models: Mapping[str, DrivenModel]) -> None:
        self._models = models
        self._pools: dict[str, _Pool] = {}
        self._requests: dict[str, list[tuple[_Pool, bytes]]] = {}
        for id, model in models.items():
            targets = [self._pool(url) for url in model.urls or bases]
            self._requests[id] = [(pool, _http_request(pool, model)) for pool in targets]
        self._turn = dict.fromkeys(models, 0)
        self._replies = {id: dict.fromkeys(Reply, 0) for id in models}
        self._latencies_ms: dict[str, list[float]] = {id: [] for id in models}
        self._lags_ms: list[float] = []
        self._errors: list[str] = []
        self._open = 0
        self._changed = asyncio.Event()
        self._started_s = self._ended_s = time.monotonic()

    async def send_all(
        self, arrivals: Sequence[tuple[float, str]], progress: Callable[[int, int], None] | None
    ) -> None:
        self._started_s = self._ended_s = told_s = time.monotonic()
        position = 0
        while position < len(arrivals):
            now_s = time.monotonic()
            while position < len(arrivals) and self._started_s + arrivals[position][0] <= now_s:
                self._send(arrivals[position][1], self._started_s + arrivals[position][0], now_s)
                position += 1
            if progress is not None and now_s - told_s > 0.5:
                told_s = now_s
                progress(position, len(arrivals))
            if position < len(arrivals):
                await asyncio.sleep(max(0.0, self._started_s + arrivals[position][0] - time.monotonic()))
        if progress is not None:
            progress(position, len(arrivals))

    async def all_answered(self) -> None:
        """Until every request has its answer, or has waited too long for it."""
        patience_s = max((model.slo_ms for model in self._models.values()), default=0) / 1e3 + ANSWER_WAIT_S
        try:
            async with asyncio.timeout(patience_s):
                while self._open:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._errors.append(
                f"{self._open} requests had no answer {patience_s:g} s after the last was sent"
            )

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def result(self) -> LoadResult:
        models = tuple(self._model_result(id) for id in self._models)
        lag_ms = float(np.percentile(self._lags_ms, 99)) if self._lags_ms else 0.0
        return LoadResult(models, self._ended_s - self._started_s, lag_ms, tuple(self._errors))

    def _pool(self, url: str) -> _Pool:
        if url not in self._pools:
            self._pools[url] = _Pool(url, self._answered)
        return self._pools[url]

    def _send(self, model: str, due_s: float, now_s: float) -> None:
        targets = self._requests[model]
        pool, request = targets[self._turn[model] % len(targets)]
        self._turn[model] += 1
        self._lags_ms.append((now_s - due_s) * 1e3)
        self._open += 1
        pool.send(_Sending(model, due_s, request))

    def _answered(self, sending: _Sending, answer: HttpAnswer | str) -> None:
        self._ended_s = time.monotonic()
        latency_ms = (self._ended_s - sending.due_s) * 1e3
        reply = _reply(answer, latency_ms, self._models[sending.model].slo_ms)
        self._replies[sending.model][reply] += 1
        if reply in (Reply.OK, Reply.LATE):
            self._latencies_ms[sending.model].append(latency_ms)
        elif reply is Reply.ERROR and len(self._errors) < 10:
            self._errors.append(
                answer if isinstance(answer, str) else f"{answer.status} {answer.body[:200]!r}"
            )
        self._open -= 1
        self._changed.set()

    def _model_result(self, id: str) -> DrivenModelResult:
        replies, latencies_ms = self._replies[id], np.array(self._latencies_ms[id])
        p50_ms, p99_ms = np.percentile(latencies_ms, [50, 99]) if len(latencies_ms) else (np.nan, np.nan)
        unanswered = self._turn[id] - sum(replies.values())
        return DrivenModelResult(
            id,
            self._turn[id],
            replies[Reply.OK],
            replies[Reply.LATE],
            replies[Reply.REFUSED],
            replies[Reply.ERROR] + unanswered,
            float(p50_ms),
            float(p99_ms),
            latencies_ms,
        )


def _reply(answer: HttpAnswer | str, latency_ms: float, slo_ms: float) -> Reply:
    if isinstance(answer, str):
        return Reply.ERROR
    if answer.status == 200:
        return Reply.OK if latency_ms <= slo_ms else Reply.LATE
    if answer.status == 504 and b'"reason":"late"' in answer.body:
        return Reply.LATE
    return Reply.REFUSED if answer.status in (429, 503, 504) else Reply.ERROR


def _http_request(pool: _Pool, model: DrivenModel) -> bytes:
    head = (
        f"POST /v2/models/{quote(model.id, safe='')}/infer HTTP/1.1\r\n"
        f"Host: {pool.host}:{pool.port}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(model.body)}\r\n\r\n"
    )
    return head.encode() + model.body
