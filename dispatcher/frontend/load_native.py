"""The load client over the native door: all requests of one turn of the event loop in one frame a model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract import native
from dispatcher.frontend.load_result import Reply
from dispatcher.frontend.load_target import Target, TargetUnsuitable, made_up
from dispatcher.frontend.load_transport import NO_REASON, OnAnswer, Sending, Verdict
from dispatcher.native_client.client import NO_ANSWER, NativeClient, NativeError


async def native_targets(endpoint: str, models: Sequence[str]) -> list[Target]:
    """Each model as the dispatcher describes it; all of them for none. Raises ``TargetUnsuitable``."""
    try:
        async with NativeClient(endpoint) as client:
            described = client.models
    except NativeError as error:
        raise TargetUnsuitable(str(error)) from error
    unknown = [model for model in models if model not in described]
    if unknown:
        raise TargetUnsuitable(f"model {unknown[0]}: unknown; {endpoint} serves {', '.join(described)}")
    chosen = [described[model] for model in models] if models else list(described.values())
    return [Target(model.id, model.inputs, model.slo_us / 1e3) for model in chosen]


class NativeTransport:
    """Requests that are due in the same turn of the loop leave in one frame, up to what a frame may hold."""

    held_back = 0

    def __init__(
        self,
        endpoint: str,
        targets: Sequence[Target],
        random: np.random.Generator,
        *,
        timeout_us: int = 0,
        tenant: str | None = None,
    ) -> None:
        self._client = NativeClient(endpoint)
        self._rows = {
            target.id: {tensor.name: made_up(tensor, random) for tensor in target.inputs}
            for target in targets
        }
        self._options: Mapping[str, Any] = {"timeout_us": timeout_us, "tenant": tenant}
        self._waiting: dict[str, list[Sending]] = {}

    async def open(self, on_answer: OnAnswer) -> None:
        self._on_answer = on_answer
        self._loop = asyncio.get_running_loop()
        await self._client.open()

    def send(self, sending: Sending) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.setdefault(sending.model, []).append(sending)

    async def close(self) -> None:
        self._client.close()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for model, sendings in waiting.items():
            for first in range(0, len(sendings), native.ROWS_MAX):
                self._send_frame(model, sendings[first : first + native.ROWS_MAX])

    def _send_frame(self, model: str, sendings: Sequence[Sending]) -> None:
        def answered(rows: NDArray[np.int64], codes: NDArray[np.uint16]) -> None:
            for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
                self._on_answer(sendings[row], self._verdict(code))

        def ended(future: asyncio.Future[Any]) -> None:
            error = None if future.cancelled() else future.exception()
            if error is not None:
                for sending in sendings:
                    self._on_answer(sending, Verdict(Reply.ERROR, str(error)))

        inputs = {name: np.repeat(row, len(sendings), axis=0) for name, row in self._rows[model].items()}
        future = self._client.submit(model, inputs, on_rows=answered, **self._options)
        future.add_done_callback(ended)

    def _verdict(self, code: int) -> Verdict:
        reason = self._client.reason(code)
        if reason is None:
            return Verdict(Reply.OK, NO_REASON)
        if reason in (NO_ANSWER, "model_failed"):
            return Verdict(Reply.ERROR, reason)
        return Verdict(Reply.LATE if reason == "late" else Reply.REFUSED, reason)
