"""
The native batch client: hand in arrays of requests, get arrays of answers.

    async with NativeClient("tcp://127.0.0.1:8002") as client:
        answered = await client.infer("ResNet50", {"input": images})   # images: (n, *declared shape)
        answered.completed        # (n,) bool
        answered.outputs["output"][answered.completed]
        answered.reason(3)        # None, or why request 3 has no result

Each request is one item with a deadline of its own and is batched with those of all other clients. Every
request is answered: by its result, by the dispatcher's reason, or with ``no_answer`` when the
dispatcher was gone for longer than ``PATIENCE_S`` beyond the SLO.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
import zmq
from numpy.typing import ArrayLike, NDArray

from dispatcher.contract import native
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.native import DescribedModel
from dispatcher.contract.strings import BYTES, blank
from dispatcher.contract.wire import frame, tensors_from_frames

OPEN_S_MAX = 10.0
PATIENCE_S = 5.0
NO_ANSWER = "no_answer"
NO_ANSWER_CODE = 2**16 - 1
TIMEOUT_US_MAX = 2**32 - 1
MESSAGES_AT_ONCE_MAX = 64

Array: TypeAlias = NDArray[Any]
OnRows: TypeAlias = Callable[[NDArray[np.int64], NDArray[np.uint16]], None]
"""Told of rows as they are answered, with their codes: 0 completed, else as ``NativeClient.reason``."""


class NativeError(RuntimeError):
    """The dispatcher cannot be reached, or refused a frame as a whole; the text says why."""


@dataclass(slots=True, eq=False)
class Answered:
    """
    What became of the requests of one ``infer``, one row each.

    Parameters
    ----------
    codes
        uint16; 0 where there is a result.
    outputs
        One array of shape ``(rows, *declared)`` by output; zeros where there is no result.
    server_us
        uint32, microseconds from arrival at the dispatcher to the answer's leaving.
    """

    codes: NDArray[np.uint16]
    outputs: dict[str, Array]
    server_us: NDArray[np.uint32]
    reasons: Sequence[str] = field(repr=False)

    @property
    def completed(self) -> NDArray[np.bool_]:
        """Which rows have a result."""
        done: NDArray[np.bool_] = self.codes == native.COMPLETED
        return done

    def reason(self, row: int) -> str | None:
        """Why a row has no result; None where it has."""
        return reason_of(int(self.codes[row]), self.reasons)


def reason_of(code: int, reasons: Sequence[str]) -> str | None:
    """The word for an answer's code."""
    if code == native.COMPLETED:
        return None
    return NO_ANSWER if code == NO_ANSWER_CODE else reasons[code - 1]


@dataclass(slots=True, eq=False)
class _Frame:
    """One frame of requests on its way; its ids are ``first_id`` and those that follow."""

    first_id: int
    model: DescribedModel
    answered: Answered
    is_open: NDArray[np.bool_]
    left: int
    future: asyncio.Future[Answered]
    on_rows: OnRows | None
    patience: asyncio.TimerHandle | None = None


class NativeClient:
    """One connection to one dispatcher, in the running event loop. Not for several threads."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._context: Any = zmq.Context()
        self._socket: Any = None
        self._described: asyncio.Future[native.Described] | None = None
        self._frames: dict[int, _Frame] = {}
        self._next = 0
        self.models: dict[str, DescribedModel] = {}
        self.tenants: tuple[str, ...] = ()
        self.reasons: tuple[str, ...] = ()

    async def __aenter__(self) -> NativeClient:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def open(self) -> None:
        """Connect and learn what is served. Raises ``NativeError``."""
        self._loop = asyncio.get_running_loop()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.identity = uuid.uuid4().bytes
        self._socket.linger = 0
        self._socket.rcvhwm = self._socket.sndhwm = 0  # bounded by the requests under way
        self._socket.reconnect_ivl, self._socket.reconnect_ivl_max = 50, 1_000
        try:
            self._socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            raise NativeError(f"endpoint: cannot connect to {self._endpoint}: {error}") from error
        self._described = self._loop.create_future()
        self._loop.add_reader(int(self._socket.getsockopt(zmq.FD)), self._receive_all)
        self._send([native.encode(native.Describe())])
        try:
            async with asyncio.timeout(OPEN_S_MAX):
                described = await self._described
        except TimeoutError:
            self.close()
            raise NativeError(f"no dispatcher answers at {self._endpoint} within {OPEN_S_MAX:g} s") from None
        self.models = {model.id: model for model in described.models}
        self.tenants, self.reasons = described.tenants, described.reasons

    def close(self) -> None:
        """Leave; requests not answered yet get ``no_answer``."""
        if self._socket is None or self._socket.closed:
            return
        self._loop.remove_reader(int(self._socket.getsockopt(zmq.FD)))
        for sent in list(self._frames.values()):
            self._give_up(sent)
        self._context.destroy(linger=0)

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, ArrayLike],
        *,
        timeout_us: int | NDArray[Any] = 0,
        tenant: str | None = None,
    ) -> Answered:
        """
        Send one request for each row of ``inputs`` and wait until all are answered.

        ``timeout_us``, one for all or one a row, can only shorten the SLO; 0 leaves it. Raises
        ``ValueError`` for inputs that do not fit the model, ``NativeError`` for a frame refused as a whole.
        """
        return await self.submit(model, inputs, timeout_us=timeout_us, tenant=tenant)

    def submit(
        self,
        model: str,
        inputs: Mapping[str, ArrayLike],
        *,
        timeout_us: int | NDArray[Any] = 0,
        tenant: str | None = None,
        on_rows: OnRows | None = None,
    ) -> asyncio.Future[Answered]:
        """
        The same without waiting; ``on_rows`` hears of answers as they come.

        Cancelling the future withdraws what has no answer yet; ``on_rows`` hears nothing more then.
        """
        described = self.models.get(model)
        if described is None:
            raise ValueError(f"model: must be one of {', '.join(self.models)}, got {model!r}")
        arrays = _arrays(described, inputs)
        rows = len(arrays[0])
        records = np.zeros(rows, dtype=native.REQUEST)
        records["id"] = np.arange(self._next, self._next + rows, dtype=np.uint64)
        records["timeout_us"] = np.clip(timeout_us, 0, TIMEOUT_US_MAX)
        records["tenant"] = self._tenant(tenant)
        sent = self._remember(described, rows, on_rows)
        self._send([native.encode(native.Infer(model)), frame(records), *(frame(array) for array in arrays)])
        return sent.future

    def reason(self, code: int) -> str | None:
        """The word for an answer's code; None for a result."""
        return reason_of(code, self.reasons)

    def _tenant(self, tenant: str | None) -> int:
        if tenant is None:
            return 0
        if tenant not in self.tenants:
            raise ValueError(f"tenant: must be one of {', '.join(self.tenants) or 'none'}, got {tenant!r}")
        return self.tenants.index(tenant)

    def _remember(self, model: DescribedModel, rows: int, on_rows: OnRows | None) -> _Frame:
        outputs = {tensor.name: blank(tensor, rows) for tensor in model.outputs}
        answered = Answered(np.zeros(rows, np.uint16), outputs, np.zeros(rows, np.uint32), self.reasons)
        future: asyncio.Future[Answered] = self._loop.create_future()
        sent = _Frame(self._next, model, answered, np.ones(rows, dtype=bool), rows, future, on_rows)
        self._frames[sent.first_id >> FRAME_BITS] = sent
        future.add_done_callback(lambda done: self._cancel(sent) if done.cancelled() else None)
        self._next = ((self._next >> FRAME_BITS) + 1) << FRAME_BITS
        sent.patience = self._loop.call_later(model.slo_us / 1e6 + PATIENCE_S, self._give_up, sent)
        return sent

    # Messages

    def _send(self, frames: Sequence[Any]) -> None:
        self._socket.send_multipart(frames, flags=zmq.NOBLOCK)
        self._loop.call_soon(self._receive_all)  # the descriptor tells of changes only, a send may hide one

    def _receive_all(self) -> None:
        for _ in range(MESSAGES_AT_ONCE_MAX):
            if self._socket.closed:
                return
            try:
                frames = self._socket.recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                return
            self._receive(frames)
        self._loop.call_soon(self._receive_all)

    def _receive(self, frames: Sequence[bytes]) -> None:
        message = native.decode_to_client(frames[0])
        if isinstance(message, native.Answers):
            self._take_answers(np.frombuffer(frames[1], dtype=native.ANSWER), frames[2:])
        elif isinstance(message, native.Described):
            if self._described is not None and not self._described.done():
                self._described.set_result(message)
        else:
            self._refused(message)

    def _take_answers(self, records: NDArray[Any], outputs: Sequence[bytes]) -> None:
        """One message may answer requests of one frame only; ids the client does not wait for are skipped."""
        sent = self._frames.get(int(records["id"][0]) >> FRAME_BITS)
        if sent is None:
            return
        rows = (records["id"] - np.uint64(sent.first_id)).astype(np.int64)
        codes = records["reason"]
        done = codes == native.COMPLETED
        count = int(done.sum())
        if count:
            arrays = tensors_from_frames(sent.model.outputs, outputs, count)
            for tensor, array in zip(sent.model.outputs, arrays, strict=True):
                sent.answered.outputs[tensor.name][rows[done]] = array
        sent.answered.server_us[rows] = records["server_us"]
        self._answer(sent, rows, codes)

    def _answer(self, sent: _Frame, rows: NDArray[np.int64], codes: NDArray[np.uint16]) -> None:
        is_open = sent.is_open[rows]
        if not is_open.all():  # given up before, or told twice
            rows, codes = rows[is_open], codes[is_open]
        sent.answered.codes[rows] = codes
        sent.is_open[rows] = False
        sent.left -= len(rows)
        if sent.on_rows is not None:
            sent.on_rows(rows, codes)
        if not sent.left:
            self._forget(sent)
            if not sent.future.done():
                sent.future.set_result(sent.answered)

    def _refused(self, message: native.NotTaken) -> None:
        sent = self._frames.get(message.ids[0] >> FRAME_BITS) if message.ids else None
        error = NativeError(message.error)
        if sent is not None:
            self._forget(sent)
            if not sent.future.done():
                sent.future.set_exception(error)
        elif self._described is not None and not self._described.done():
            self._described.set_exception(error)

    def _give_up(self, sent: _Frame) -> None:
        rows = np.flatnonzero(sent.is_open)
        self._answer(sent, rows, np.full(len(rows), NO_ANSWER_CODE, dtype=np.uint16))

    def _cancel(self, sent: _Frame) -> None:
        """Its caller waits no more: have the dispatcher spare the GPU time."""
        if sent.first_id >> FRAME_BITS in self._frames and not self._socket.closed:
            self._send([native.encode(native.Cancel(sent.first_id))])
        self._forget(sent)

    def _forget(self, sent: _Frame) -> None:
        if sent.patience is not None:
            sent.patience.cancel()
        self._frames.pop(sent.first_id >> FRAME_BITS, None)


def _strings(name: str, array: Array) -> Array:
    """The same as ``bytes``, text as UTF-8. Raises ``ValueError`` for anything else."""
    strings = np.empty(array.shape, dtype=object)
    for place, each in enumerate(array.flat):
        if not isinstance(each, str | bytes):
            raise ValueError(f"inputs.{name}: must hold bytes or text, got {each!r:.80}")
        strings.flat[place] = each.encode() if isinstance(each, str) else each
    return strings


FRAME_BITS = 14
"""Ids of one frame share all but their lowest bits, of which ``native.ROWS_MAX`` fit in these."""
assert 1 << FRAME_BITS >= native.ROWS_MAX


def _arrays(model: DescribedModel, inputs: Mapping[str, ArrayLike]) -> list[Array]:
    """The declared inputs in order, of one length. Raises ``ValueError`` that names input and limit."""
    unknown = set(inputs) - {tensor.name for tensor in model.inputs}
    if unknown:
        known = ", ".join(tensor.name for tensor in model.inputs)
        raise ValueError(f"inputs: known are {known}, got {', '.join(sorted(unknown))}")
    arrays: list[Array] = []
    for tensor in model.inputs:
        if tensor.name not in inputs:
            raise ValueError(f"inputs: must hold {tensor.name}")
        array = np.ascontiguousarray(inputs[tensor.name], dtype=NUMPY_BY_DATATYPE[tensor.datatype])
        if tensor.datatype == BYTES:
            array = _strings(tensor.name, array)
        if array.ndim == 0 or array.shape[1:] != tensor.shape:
            shape = ", ".join(map(str, ("rows", *tensor.shape)))
            raise ValueError(f"inputs.{tensor.name}: must have the shape ({shape}), got {array.shape}")
        if arrays and len(array) != len(arrays[0]):
            raise ValueError(f"inputs.{tensor.name}: must have {len(arrays[0])} rows, got {len(array)}")
        arrays.append(array)
    if not 1 <= len(arrays[0]) <= native.ROWS_MAX:
        raise ValueError(f"inputs: must have 1 to {native.ROWS_MAX} rows, got {len(arrays[0])}")
    return arrays
