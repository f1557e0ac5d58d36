"""
What a native client and a dispatcher say to each other: many requests in one frame.

A message is one ZeroMQ multipart: a control frame, the msgpack of one struct below with its
kind in the field ``type``, then raw frames. The dispatcher binds a ROUTER, each client connects a DEALER.

Conversation::

    client                                   dispatcher
    Describe()                    ------->
                                  <-------   Described(models, tenants, reasons)
    Infer(model) + REQUEST records
      + one frame for each input  ------->
                                  <-------   Answers(model) + ANSWER records + one frame for each output
                                  <-------   NotTaken(ids, error): no request of the frame was taken
    Cancel(first_id)              ------->   withdrawn: what is open of the frame that begins with this id

Records are packed numpy arrays, one element a request. Tensor frames come in the order of
the declared inputs (outputs), C order, little-endian, shape ``(rows, *declared shape)``. Inputs have a
row for each record; outputs only for each record whose ``reason`` is 0, in the order of the records.

Each request is one item and is answered exactly once, in any order, many to a message: by its
result, or by the reason why there is none, ``Described.reasons[reason - 1]``, the same words as at the
other doors. A frame that was cancelled gets no more answers than were on their way. A client skips records
of ids that it does not wait for: with one of the id ``NOBODY`` the dispatcher finds out whether the client is
still there, while it owes it an answer.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import numpy as np

from dispatcher.contract.sub_cluster import Tensor

NATIVE_VERSION = 1
"""Changes whenever an old client would misread a new message, or the other way round."""

ROWS_MAX = 16_384
"""Requests in one frame."""

FRAME_BYTES_MAX = 256 * 2**20

REQUEST = np.dtype([("id", "<u8"), ("timeout_us", "<u4"), ("tenant", "<u2"), ("spare", "<u2")])
"""
``id`` is the client's own, unique among its requests not yet answered nor cancelled; ``timeout_us`` counts
from arrival and can only shorten the SLO, 0 leaves it; ``tenant`` is a position in ``Described.tenants``.
"""

ANSWER = np.dtype([("id", "<u8"), ("server_us", "<u4"), ("reason", "<u2"), ("spare", "<u2")])
"""``server_us`` is from the frame's arrival to the answer's leaving; ``reason`` 0 means there is a result."""

COMPLETED = 0

NOBODY = 2**64 - 1
"""The id of no request: no client may use it."""


class Describe(msgspec.Struct, frozen=True, tag="describe"):
    """A client asks what is served here."""

    native_version: int = NATIVE_VERSION


class Infer(msgspec.Struct, frozen=True, tag="infer"):
    """Requests for one model."""

    model: str


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Nobody waits any more for the requests of the frame whose first record has this id."""

    first_id: int


class DescribedModel(msgspec.Struct, frozen=True):
    """One model as clients see it."""

    id: str
    slo_us: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class Described(msgspec.Struct, frozen=True, tag="described"):
    """What is served; ``tenants`` is empty where all requests are of one."""

    native_version: int
    models: tuple[DescribedModel, ...]
    tenants: tuple[str, ...]
    reasons: tuple[str, ...]


class Answers(msgspec.Struct, frozen=True, tag="answers"):
    """Answers to requests for one model."""

    model: str


class NotTaken(msgspec.Struct, frozen=True, tag="not_taken"):
    """A whole frame was at fault; ``ids`` is empty where not even they could be read."""

    error: str
    ids: tuple[int, ...] = ()


FromClient: TypeAlias = Describe | Infer | Cancel
ToClient: TypeAlias = Described | Answers | NotTaken

encode = msgspec.msgpack.Encoder().encode
decode_from_client = msgspec.msgpack.Decoder(FromClient).decode
decode_to_client = msgspec.msgpack.Decoder(ToClient).decode
