"""
An open-loop load client: requests leave at their times, whatever became of those before.

A closed loop waits for answers and so spares a slow server exactly when it is slow. Here
the latency of a request counts from the instant it was due to leave, and what the client
itself was late is told beside it (``send_lag_ms``), so that nobody mistakes the one for
the other. How requests travel is the transport's business (``load_transport``).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from dispatcher.frontend.load_http import HttpPayload, HttpTransport, infer_path
from dispatcher.frontend.load_result import DrivenModelResult, LoadResult, Reply
from dispatcher.frontend.load_transport import Sending, Transport, Verdict

ANSWER_WAIT_S = 10.0
"""Beyond its SLO: then a request counts as an error."""

PROGRESS_INTERVAL_S = 0.25
ERRORS_KEPT_MAX = 10


@dataclass(frozen=True, slots=True)
class DrivenModel:
    """
    What is sent for one model over HTTP.

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
    Send every arrival ``(seconds from now, model id)`` over HTTP at its time; return when all are answered.

    Raises ``KeyError`` for an arrival of a model not in ``models``. ``progress`` is called
    with (requests sent, requests in all) several times a second.
    """
    payloads = {id: HttpPayload(infer_path(model.id), model.body, model.urls) for id, model in models.items()}
    slos_ms = {id: model.slo_ms for id, model in models.items()}
    return await drive_over(HttpTransport(urls, payloads), arrivals, slos_ms, progress=progress)


async def drive_over(
    transport: Transport,
    arrivals: Sequence[tuple[float, str]],
    slos_ms: Mapping[str, float],
    *,
    progress: Callable[[int, int], None] | None = None,
    warm_up_s: float = 0.0,
) -> LoadResult:
    """
    The same over any transport, which is opened and closed here.

    What is due in the first ``warm_up_s`` is sent and not counted.
    """
    run = _Run(transport, slos_ms, warm_up_s)
    await transport.open(run.answered)
    try:
        await run.send_all(sorted(arrivals), progress)
        await run.all_answered()
    finally:
        await transport.close()
    return run.result()


class _Run:
    def __init__(self, transport: Transport, slos_ms: Mapping[str, float], warm_up_s: float) -> None:
        self._transport = transport
        self._slos_ms = slos_ms
        self._warm_up_s = warm_up_s
        self._sent = dict.fromkeys(slos_ms, 0)
        self._replies = {id: dict.fromkeys(Reply, 0) for id in slos_ms}
        self._reasons: dict[str, Counter[str]] = {id: Counter() for id in slos_ms}
        self._latencies_ms: dict[str, list[float]] = {id: [] for id in slos_ms}
        self._lags_ms: list[float] = []
        self._errors: list[str] = []
        self._open = 0
        self._changed = asyncio.Event()
        self._counted_from_s = self._ended_s = time.monotonic()

    async def send_all(
        self, arrivals: Sequence[tuple[float, str]], progress: Callable[[int, int], None] | None
    ) -> None:
        started_s = told_s = time.monotonic()
        self._counted_from_s = self._ended_s = started_s + self._warm_up_s
        position = 0
        while position < len(arrivals):
            now_s = time.monotonic()
            while position < len(arrivals) and started_s + arrivals[position][0] <= now_s:
                self._send(arrivals[position][1], started_s + arrivals[position][0])
                position += 1
            if progress is not None and now_s - told_s > PROGRESS_INTERVAL_S:
                told_s = now_s
                progress(position, len(arrivals))
            if position < len(arrivals):
                await asyncio.sleep(max(0.0, started_s + arrivals[position][0] - time.monotonic()))
        if progress is not None:
            progress(position, len(arrivals))

    async def all_answered(self) -> None:
        """Until every request has its answer, or has waited too long for it."""
        patience_s = max(self._slos_ms.values(), default=0) / 1e3 + ANSWER_WAIT_S
        try:
            async with asyncio.timeout(patience_s):
                while self._open:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._errors.append(
                f"{self._open} requests had no answer {patience_s:g} s after the last was sent"
            )

    def answered(self, sending: Sending, verdict: Verdict) -> None:
        """Called by the transport, once for each request."""
        now_s = time.monotonic()
        self._open -= 1
        self._changed.set()
        if sending.due_s < self._counted_from_s:
            return
        self._ended_s = now_s
        latency_ms = (now_s - sending.due_s) * 1e3
        reply, reason = verdict
        if reply is Reply.OK and latency_ms > self._slos_ms[sending.model]:
            reply, reason = Reply.LATE, "late"
        self._replies[sending.model][reply] += 1
        if reply in (Reply.OK, Reply.LATE):
            self._latencies_ms[sending.model].append(latency_ms)
        if reply is Reply.ERROR:
            if len(self._errors) < ERRORS_KEPT_MAX:
                self._errors.append(reason)
            reason = "error"
        if reply is not Reply.OK:
            self._reasons[sending.model][reason] += 1

    def result(self) -> LoadResult:
        models = tuple(self._model_result(id) for id in self._slos_ms)
        lags_ms = self._lags_ms or [0.0]
        return LoadResult(
            models,
            self._ended_s - self._counted_from_s,
            float(np.percentile(lags_ms, 99)),
            tuple(self._errors),
            max(lags_ms),
            self._transport.held_back,
        )

    def _send(self, model: str, due_s: float) -> None:
        if due_s >= self._counted_from_s:
            self._sent[model] += 1
            self._lags_ms.append((time.monotonic() - due_s) * 1e3)
        self._open += 1
        self._transport.send(Sending(model, due_s))

    def _model_result(self, id: str) -> DrivenModelResult:
        replies, latencies_ms = self._replies[id], np.array(self._latencies_ms[id])
        p50_ms, p99_ms = np.percentile(latencies_ms, [50, 99]) if len(latencies_ms) else (np.nan, np.nan)
        reasons, unanswered = self._reasons[id], self._sent[id] - sum(replies.values())
        if unanswered:
            reasons["no_answer"] += unanswered
        return DrivenModelResult(
            id,
            self._sent[id],
            replies[Reply.OK],
            replies[Reply.LATE],
            replies[Reply.REFUSED],
            replies[Reply.ERROR] + unanswered,
            float(p50_ms),
            float(p99_ms),
            latencies_ms,
            dict(reasons),
            self._slos_ms[id],
        )
