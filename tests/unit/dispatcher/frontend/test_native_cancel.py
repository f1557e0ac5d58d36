"""Calls of the native client that are cancelled, over real sockets."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
import pytest
import zmq

from dispatcher.contract import native
from dispatcher.contract.wire import frame
from dispatcher.frontend.service import Reason
from dispatcher.native_client import NativeClient
from tests.unit.dispatcher.frontend.test_native_door import (
    FLAG,
    INFER,
    RECORDS,
    Keeping,
    Summing,
    X,
    at_door,
    inputs,
    until,
)


def test_a_cancelled_call_is_withdrawn_alone() -> None:
    service = Keeping()

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            waiting = client.submit("sum", inputs(2))
            heard: list[int] = []
            given_up = client.submit("sum", inputs(3), on_rows=lambda rows, _: heard.append(len(rows)))
            call = asyncio.create_task(client.infer("sum", inputs(4)))
            await until(lambda: len(service.listeners) == 3)
            first, second, third = service.listeners
            assert second.refused(np.array([0]), Reason.GPUS_BUSY)
            await until(lambda: heard == [1])
            given_up.cancel()
            await until(lambda: service.withdrawn == [second])
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await until(lambda: service.withdrawn == [second, third])
            second.refused(np.array([1, 2]), Reason.GPUS_BUSY)  # it was on its way
            assert first.completed(np.arange(2), [np.array([5, 6], np.float32)])
            assert (await waiting).outputs["y"].tolist() == [5.0, 6.0]
            assert heard == [1]

    at_door(service, ask)
    assert len(service.withdrawn) == 2


def test_a_call_with_a_time_limit_of_the_caller_s_own_is_withdrawn() -> None:
    service = Keeping()

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.infer("sum", inputs(2)), 0.05)
            await until(lambda: service.withdrawn == service.listeners != [])

    at_door(service, ask)


def test_a_cancel_that_crosses_the_answers_or_names_nothing_is_nothing() -> None:
    service = Summing()

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            assert (await client.infer("sum", inputs(2))).completed.all()
            for first_id in (0, 1, 77):
                client._send([native.encode(native.Cancel(first_id))])
            assert (await client.infer("sum", inputs(2))).completed.all()

    at_door(service, ask)
    assert not service.withdrawn


def test_a_frame_that_begins_as_one_that_waits_is_refused() -> None:
    service = Keeping()

    async def ask(endpoint: str) -> None:
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(endpoint)
            for _ in range(2):
                socket.send_multipart([INFER, frame(RECORDS), frame(X), frame(FLAG)])
            while True:
                parts = await asyncio.to_thread(socket.recv_multipart)
                if len(parts) == 1:  # not a probe
                    break
        answer = msgspec.msgpack.decode(parts[0], type=native.NotTaken)
        assert answer.ids == ()
        assert answer.error.startswith("id: must not begin a frame before the one")
        assert len(service.listeners) == 1

    at_door(service, ask)
