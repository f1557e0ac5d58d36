"""
The native door: many requests in a frame, over ZeroMQ, for callers within the house.

One ROUTER socket on the event loop. What arrives in one turn of the loop goes to the sub-cluster as
arrays, what it answers goes back as arrays; nothing here is done once a request
(``dispatcher.contract.native`` has the conversation).

A client that vanished leaves no trace on a ROUTER but that sends to it fail. So each client that is owed an
answer is sent a word now and then; where that cannot be routed, its requests are withdrawn.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import structlog
import zmq
from numpy.typing import NDArray

from dispatcher.contract import native
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.reading import shown
from dispatcher.contract.strings import BYTES, StringsInvalid, require_few_strings
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.contract.wire import CONNECTION_TIMEOUT_MS, WireError, frame, tensors_from_frames
from dispatcher.frontend.bulk_service import BulkInferenceService, BulkRequests
from dispatcher.frontend.service import Reason
from dispatcher.frontend.tensors import Array

MESSAGES_AT_ONCE_MAX = 64
"""Taken in one turn of the event loop, so that one door cannot starve the others."""

ANSWERS_WAITING_MAX = 10_000
"""Messages that a client may leave unread; what comes on top is lost to it, and logged."""

COPIED_BYTES_MAX = 16 * 2**10
"""A frame up to this size is cheaper copied than kept track of."""

CONTROL_BYTES_MAX = 64 * 2**10

PROBE_INTERVAL_S = 0.01
"""How long a client may be gone before its requests are withdrawn; shorter than any SLO."""

REASON_CODES = {reason: code for code, reason in enumerate(Reason, start=1)}

_log = structlog.get_logger()


class FrameRefused(ValueError):
    """A frame of requests that does not follow the contract; ``rows`` of it count as invalid requests."""

    def __init__(self, message: str, model_index: int | None = None, ids: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.model_index = model_index
        self.ids = tuple(ids)


class NativeDoor:
    """
    Listens at ``endpoint``; port 0 takes any that is free. Raises ``zmq.ZMQError`` when it cannot be bound.
    """

    def __init__(self, service: BulkInferenceService, endpoint: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.serve(service)
        self._context: Any = zmq.Context()  # its sockets type their options loosely
        self._socket: Any = self._context.socket(zmq.ROUTER)
        self._socket.linger = 500
        self._socket.router_mandatory = True
        self._socket.sndhwm = ANSWERS_WAITING_MAX
        self._socket.maxmsgsize = native.FRAME_BYTES_MAX
        self._socket.heartbeat_ivl = CONNECTION_TIMEOUT_MS // 3  # ends those cut off or standing still
        self._socket.heartbeat_timeout = CONNECTION_TIMEOUT_MS
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise
        self.endpoint = bytes(self._socket.getsockopt(zmq.LAST_ENDPOINT)).decode().rstrip("\0")
        self._descriptor: int = int(self._socket.getsockopt(zmq.FD))
        self._receive_is_due = False
        self._owed: dict[bytes, dict[int, _Caller]] = {}  # by client and first id
        self._cancelled: list[_Caller] = []
        self._probe_timer: asyncio.TimerHandle | None = None
        self.lost = 0

    def serve(self, service: BulkInferenceService) -> None:
        """Take requests for the models of ``service`` from now on; those taken before are still answered."""
        self._service = service
        self._index = {model.id: index for index, model in enumerate(service.models)}
        self._tenants = max(1, len(service.tenants))
        self._answers = {model.id: native.encode(native.Answers(model.id)) for model in service.models}

    def start(self) -> None:
        """Begin to take requests."""
        self._loop.add_reader(self._descriptor, self._receive_all)
        self._receive_all()

    def close(self) -> None:
        """Send what is on its way and free the socket."""
        if not self._socket.closed:
            if self._probe_timer is not None:
                self._probe_timer.cancel()
            self._loop.remove_reader(self._descriptor)
            self._context.destroy(linger=500)

    def answer(self, client: bytes, head: bytes, records: NDArray[Any], outputs: Sequence[Array]) -> bool:
        """Send one message of answers, ``head`` its control frame; False if it reaches nobody."""
        return self._send(client, [head, frame(records), *(frame(output) for output in outputs)])

    # Clients that are owed an answer

    def _owe(self, client: bytes, caller: _Caller) -> None:
        self._owed.setdefault(client, {})[caller.first_id] = caller
        if self._probe_timer is None:
            self._probe_timer = self._loop.call_later(PROBE_INTERVAL_S, self._probe)

    def settled(self, client: bytes, caller: _Caller) -> None:
        """All requests of the caller's frame have their answers."""
        callers = self._owed.get(client)
        if callers is not None:
            callers.pop(caller.first_id, None)
            if not callers:
                del self._owed[client]

    def _probe(self) -> None:
        self._probe_timer = None
        for client in list(self._owed):
            self._send(client, PROBE)
        if self._owed:
            self._probe_timer = self._loop.call_later(PROBE_INTERVAL_S, self._probe)

    def _withdraw(self, client: bytes) -> None:
        callers = self._owed.pop(client, None)
        if callers:
            requests = sum(caller.left for caller in callers.values())
            _log.warning("native_client_gone", client=client.hex(), requests_withdrawn=requests)
            self._service.withdraw_bulks(set(callers.values()))

    def _cancel(self, client: bytes, first_id: int) -> None:
        """One of a frame that has all its answers, or was never taken, is nothing: it crossed them."""
        caller = self._owed.get(client, {}).get(first_id)
        if caller is not None:
            self.settled(client, caller)
            if not self._cancelled:
                self._loop.call_soon(self._withdraw_cancelled)  # together: each withdrawal looks at all bulks
            self._cancelled.append(caller)

    def _withdraw_cancelled(self) -> None:
        callers, self._cancelled = self._cancelled, []
        self._service.withdraw_bulks(set(callers))

    # The socket

    def _receive_all(self) -> None:
        self._receive_is_due = False
        for _ in range(MESSAGES_AT_ONCE_MAX):
            if self._socket.closed:
                return
            try:
                parts = self._socket.recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                return
            self._receive(parts[0], parts[1:])
        self._receive_soon()

    def _receive_soon(self) -> None:
        if not self._receive_is_due:
            self._receive_is_due = True
            self._loop.call_soon(self._receive_all)

    def _send(self, client: bytes, frames: Sequence[Any]) -> bool:
        """False where the message cannot go out: the client is gone, or does not read."""
        if self._socket.closed:
            return False
        self._receive_soon()  # the descriptor tells of changes only, a send may hide one
        copied = all(len(each) <= COPIED_BYTES_MAX for each in frames)
        try:
            self._socket.send_multipart([client, *frames], flags=zmq.NOBLOCK, copy=copied)
        except zmq.ZMQError as error:
            if frames is PROBE and error.errno != zmq.EHOSTUNREACH:
                return True  # it has not read its answers yet
            if frames is not PROBE:
                self.lost += 1
                _log.warning("native_answers_lost", client=client.hex(), error=str(error), messages=self.lost)
            if error.errno == zmq.EHOSTUNREACH:
                self._loop.call_soon(self._withdraw, client)  # not while its answers are given out
            return False
        return True

    def _receive(self, client: bytes, frames: Sequence[bytes]) -> None:
        arrived_us = self._service.now_us()
        try:
            message = _control(frames)
            if isinstance(message, native.Describe):
                self._send(client, [native.encode(self._description())])
            elif isinstance(message, native.Cancel):
                self._cancel(client, message.first_id)
            else:
                self._take(client, message, frames[1:], arrived_us)
        except FrameRefused as error:
            if error.model_index is not None and error.ids:
                self._service.note_invalid(error.model_index, len(error.ids))
            self._send(client, [native.encode(native.NotTaken(str(error), error.ids))])

    def _description(self) -> native.Described:
        models = tuple(
            native.DescribedModel(model.id, model.slo_us, model.inputs, model.outputs)
            for model in self._service.models
        )
        tenants = tuple(tenant.id for tenant in self._service.tenants)
        reasons = tuple(reason.value for reason in REASON_CODES)
        return native.Described(native.NATIVE_VERSION, models, tenants, reasons)

    def _take(self, client: bytes, message: native.Infer, frames: Sequence[bytes], arrived_us: int) -> None:
        records = _records(frames)
        index = self._index.get(message.model)
        if index is None:
            raise FrameRefused(f"model: unknown, got {shown(message.model)}", ids=records["id"].tolist())
        model = self._service.models[index]
        try:
            inputs = _inputs(model, frames[1:], len(records))
            tenant_index = self._tenant_index(records)
        except WireError as error:
            raise FrameRefused(str(error), index, records["id"].tolist()) from error
        if int(records["id"][0]) in self._owed.get(client, ()):
            limit = "must not begin a frame before the one that began with it is answered"
            raise FrameRefused(f"id: {limit}, got {records['id'][0]}")
        head = self._answers[model.id]
        listener = _Caller(self, self._service, client, head, records["id"], arrived_us)
        requests = BulkRequests(index, inputs, records["timeout_us"], tenant_index)
        self._service.submit_bulk(requests, arrived_us, listener)
        if listener.left:
            self._owe(client, listener)

    def _tenant_index(self, records: NDArray[Any]) -> NDArray[np.int32] | None:
        tenants = records["tenant"]
        if self._tenants == 1:  # where all are of one, who names another means nothing by it
            return None
        if int(tenants.max()) >= self._tenants:
            row = int(np.argmax(tenants >= self._tenants))
            raise WireError(f"tenant: must lie in 0..{self._tenants - 1}, got {tenants[row]} in row {row}")
        index: NDArray[np.int32] = tenants.astype(np.int32)
        return index


class _Caller:
    """Takes the answers of one frame's requests back to the client who sent it; ``left`` have none yet."""

    __slots__ = ("_arrived_us", "_client", "_door", "_head", "_ids", "_service", "first_id", "left")

    def __init__(
        self,
        door: NativeDoor,
        service: BulkInferenceService,
        client: bytes,
        head: bytes,
        ids: NDArray[np.uint64],
        arrived_us: int,
    ) -> None:
        self._door = door
        self._service = service
        self._client = client
        self._head = head
        self._ids = ids
        self._arrived_us = arrived_us
        self.first_id = int(ids[0])
        self.left = len(ids)

    def completed(self, rows: NDArray[np.int64], outputs: Sequence[Array]) -> bool:
        return self._answer(rows, native.COMPLETED, outputs)

    def refused(self, rows: NDArray[np.int64], reason: Reason) -> bool:
        return self._answer(rows, REASON_CODES[reason], ())

    def _answer(self, rows: NDArray[np.int64], code: int, outputs: Sequence[Array]) -> bool:
        self.left -= len(rows)
        if not self.left:
            self._door.settled(self._client, self)
        return self._door.answer(self._client, self._head, self._records(rows, code), outputs)

    def _records(self, rows: NDArray[np.int64], code: int) -> NDArray[Any]:
        records = np.zeros(len(rows), dtype=native.ANSWER)
        records["id"] = self._ids[rows]
        records["server_us"] = self._service.now_us() - self._arrived_us
        records["reason"] = code
        return records


def _probe_frames() -> list[bytes]:
    """A message that every client skips."""
    record = np.zeros(1, dtype=native.ANSWER)
    record["id"] = native.NOBODY
    return [native.encode(native.Answers("")), record.tobytes()]


PROBE = _probe_frames()


def _control(frames: Sequence[bytes]) -> native.FromClient:
    if not frames or len(frames[0]) > CONTROL_BYTES_MAX:
        raise FrameRefused(f"message: must begin with a control frame of at most {CONTROL_BYTES_MAX} bytes")
    try:
        message: native.FromClient = native.decode_from_client(frames[0])
    except msgspec.DecodeError as error:
        raise FrameRefused(f"control frame: must be a client's message: {error}") from error
    if isinstance(message, native.Describe) and message.native_version != native.NATIVE_VERSION:
        raise FrameRefused(f"native_version: must be {native.NATIVE_VERSION}, got {message.native_version}")
    return message


def _records(frames: Sequence[bytes]) -> NDArray[Any]:
    size = len(frames[0]) if frames else 0
    rows, rest = divmod(size, native.REQUEST.itemsize)
    if rest or not 1 <= rows <= native.ROWS_MAX:
        limit = f"must hold 1 to {native.ROWS_MAX} records of {native.REQUEST.itemsize} bytes"
        raise FrameRefused(f"request records: {limit}, got {size} bytes")
    return np.frombuffer(frames[0], dtype=native.REQUEST)


def _inputs(model: ServedModel, frames: Sequence[bytes], rows: int) -> tuple[Array, ...]:
    """The arrays, checked as at the other doors. Raises ``WireError`` that names tensor, row and limit."""
    for tensor, data in zip(model.inputs, frames, strict=False):
        if tensor.datatype == BYTES:
            try:
                require_few_strings(rows * math.prod(tensor.shape), len(data), rows)
            except StringsInvalid as error:
                raise WireError(f"tensor {tensor.name}: {error}") from error
    inputs = tensors_from_frames(model.inputs, frames, rows)
    for tensor, array in zip(model.inputs, inputs, strict=True):
        if NUMPY_BY_DATATYPE[tensor.datatype].kind == "f" and not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).reshape(rows, -1).all(axis=1)))
            raise WireError(
                f"tensor {tensor.name}: must hold finite {tensor.datatype} numbers, not so in row {row}"
            )
        if tensor.datatype == "BOOL" and bool((array.view(np.uint8) > 1).any()):
            raise WireError(f"tensor {tensor.name}: must hold bytes 0 or 1 for BOOL")
    return inputs
