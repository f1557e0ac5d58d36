"""
What a dispatcher and its workers say to each other.

A message is one ZeroMQ multipart: a control frame, the msgpack of one struct below with
its kind in the field ``type`` followed by its CRC-32, and for a batch one raw frame for each
tensor that follows.
The dispatcher binds a ROUTER; each worker connects a DEALER whose identity is new for
every process.

Conversation::

    worker                                   dispatcher
    Hello(contract_version, gpu)  ------->
                                  <-------   Welcome(models)   or   Refused(reason): the worker ends
    Ready(revision) or LoadFailed ------->   from here on the GPU takes batches
                                  <-------   RunBatch + one frame for each input
    BatchDone + frames, or
    BatchFailed                   ------->   in the order of the batches
                                  <-------   Ping, several a second while the worker is known
                                  <-------   Welcome(models, next revision): what to hold from now on
    Ready(revision) or LoadFailed ------->   loaded meanwhile; after LoadFailed the old ones are held
    PlanWanted()                  ------->   a ping spoke of a revision whose Welcome never came
    Leaving()                     ------->   the worker wants to end, and executes what it was sent
                                  <-------   Goodbye: nothing more will come
                                  <-------   HelloWanted: it is not known (any more), start anew
                                  <-------   Goodbye: the dispatcher ends; the worker waits for the next

Tensor frames come in the order of the model's declared inputs (outputs), C order,
little-endian, shape ``(batch size, *declared shape)``: nothing in them needs describing. Strings (BYTES)
follow each other, each behind its length in four bytes.
A worker holds at most one batch that it has not started. One that hears no ``Ping`` for
``SILENCE_MAX_S`` says ``Hello`` again. ZeroMQ's own heartbeats close the connection of a
machine that is gone or a process that stands still. Any message may be lost, repeated,
overtaken or garbled: each side ignores what it cannot read or has had before, and pings
carry what both must agree on.

``contract_version`` changes whenever an old reader would misread a new message; a
dispatcher refuses a worker of another version.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.strings import BYTES, StringsInvalid, packed, unpacked
from dispatcher.contract.sub_cluster import ServedModel, Tensor

CONTRACT_VERSION = 2

PING_INTERVAL_S = 0.1
SILENCE_MAX_S = 1.5
CONNECTION_TIMEOUT_MS = 1_500
CONTROL_BYTES_MAX = 16 * 2**20
CHECK_BYTES = 4

Array: TypeAlias = NDArray[Any]


class WireError(ValueError):
    """A message of the other side does not follow the contract."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A worker asks to serve as GPU number ``gpu`` of the sub-cluster."""

    contract_version: int
    gpu: int
    host: str = ""
    pid: int = 0


class Load(msgspec.Struct, frozen=True):
    """
    One model as it was loaded and warmed up.

    ``memory_bytes`` is what the process (on a GPU: the device) used more of afterwards; None
    where that cannot be measured.
    """

    model: str
    load_us: int
    memory_bytes: int | None


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """All models of the revision are loaded; ``loads`` tells of those that were loaded for it."""

    revision: int
    loads: tuple[Load, ...] = ()


class PlanWanted(msgspec.Struct, frozen=True, tag="plan_wanted"):
    """The Welcome of the revision that a ping named did not come: send it again."""


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    """A model could not be loaded. The worker goes on with what it holds, or ends if that is nothing."""

    revision: int
    model: str
    error: str


class BatchDone(msgspec.Struct, frozen=True, tag="batch_done"):
    """Outputs follow; both instants are microseconds of the worker's own monotonic clock."""

    batch_id: int
    started_us: int
    finished_us: int


class BatchFailed(msgspec.Struct, frozen=True, tag="batch_failed"):
    """The model raised; this batch alone is lost."""

    batch_id: int
    started_us: int
    finished_us: int
    error: str


class Leaving(msgspec.Struct, frozen=True, tag="leaving"):
    """The worker wants to end: it is to get no more batches, and a Goodbye after the last one."""


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """
    What to hold from now on.

    ``indices[i]`` is what ``RunBatch.model_index`` calls ``models[i]``; an index means one model
    for good. A lower ``revision`` than the last one heard is out of date.
    """

    contract_version: int
    sub_cluster: str
    plan_version: int
    models: tuple[ServedModel, ...]
    indices: tuple[int, ...] = ()
    revision: int = 0


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The worker cannot serve here, and why."""

    reason: str


class RunBatch(msgspec.Struct, frozen=True, tag="run_batch"):
    """Execute as soon as the batch before it is done."""

    batch_id: int
    model_index: int
    batch_size: int


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """The dispatcher is alive, wants ``revision``, and knows this worker to hold ``known`` (-1: none)."""

    revision: int
    known: int


class HelloWanted(msgspec.Struct, frozen=True, tag="hello_wanted"):
    """The dispatcher does not know this worker: forget every batch and say Hello."""


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """The dispatcher ends in good order."""


FromWorker: TypeAlias = Hello | Ready | PlanWanted | LoadFailed | BatchDone | BatchFailed | Leaving
FromDispatcher: TypeAlias = Welcome | Refused | RunBatch | Ping | HelloWanted | Goodbye


def load_key(model: ServedModel) -> Hashable:
    """Two models with one key are the same to a worker: what is loaded of one serves the other."""
    emulated = model.latency_us if model.backend.kind == "emulated" else None
    return (model.id, model.inputs, model.outputs, model.backend, emulated)


_encode = msgspec.msgpack.Encoder().encode
_from_worker = msgspec.msgpack.Decoder(FromWorker)
_from_dispatcher = msgspec.msgpack.Decoder(FromDispatcher)


def encode(message: FromWorker | FromDispatcher) -> bytes:
    """A control frame: the message's msgpack, and its CRC-32 in four bytes, little-endian."""
    content = _encode(message)
    return content + zlib.crc32(content).to_bytes(CHECK_BYTES, "little")


def decode_from_worker(frame: bytes) -> FromWorker:
    """Raises ``WireError`` for anything that is not a worker's message."""
    try:
        message: FromWorker = _from_worker.decode(_content(frame))
    except msgspec.DecodeError as error:
        raise WireError(f"not a worker's message: {error}") from error
    return message


def decode_from_dispatcher(frame: bytes) -> FromDispatcher:
    """Raises ``WireError`` for anything that is not a dispatcher's message."""
    try:
        message: FromDispatcher = _from_dispatcher.decode(_content(frame))
    except msgspec.DecodeError as error:
        raise WireError(f"not a dispatcher's message: {error}") from error
    return message


def tensors_from_frames(
    tensors: Sequence[Tensor], frames: Sequence[bytes | memoryview], batch_size: int
) -> tuple[Array, ...]:
    """
    The arrays of a batch, without copying; read-only where the frames are.

    Returns one array of shape ``(batch_size, *tensor.shape)`` for each tensor. Raises
    ``WireError`` when the count of frames or the length of one is not as declared.
    """
    if len(frames) != len(tensors):
        raise WireError(f"expected {len(tensors)} tensor frames, got {len(frames)}")
    return tuple(_tensor(*pair, batch_size) for pair in zip(tensors, frames, strict=True))


def frame(array: Array) -> memoryview:
    """The bytes of an array as one frame, copied only when they do not lie in C order, or are strings."""
    if array.dtype.kind == "O":
        return memoryview(packed(array))
    return memoryview(np.ascontiguousarray(array).data).cast("B")


def _tensor(tensor: Tensor, frame: bytes | memoryview, batch_size: int) -> Array:
    dtype = NUMPY_BY_DATATYPE[tensor.datatype]
    shape = (batch_size, *tensor.shape)
    count = int(np.prod(shape, dtype=np.int64))
    if tensor.datatype == BYTES:
        try:
            return unpacked(frame, count).reshape(shape)
        except StringsInvalid as error:
            raise WireError(f"tensor {tensor.name}: {error}") from error
    expected = count * dtype.itemsize
    if len(frame) != expected:
        raise WireError(f"tensor {tensor.name}: expected {expected} bytes, got {len(frame)}")
    return np.frombuffer(frame, dtype=dtype).reshape(shape)


def _content(frame: bytes) -> bytes:
    """The frame without its check. A garbled one must not be taken for another message."""
    if len(frame) > CONTROL_BYTES_MAX:
        raise WireError(f"control frame: at most {CONTROL_BYTES_MAX} bytes, got {len(frame)}")
    content, check = frame[:-CHECK_BYTES], frame[-CHECK_BYTES:]
    if zlib.crc32(content).to_bytes(CHECK_BYTES, "little") != check:
        raise WireError(f"control frame: its check does not fit its {len(frame)} bytes")
    return content
