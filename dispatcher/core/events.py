"""
What the scheduler is told, and what it asks for.

All instants are integer microseconds of one clock that never goes back. Events and
commands that hold arrays compare by identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


class InvalidEvent(ValueError):
    """The driver reported something that cannot have happened."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestsArrived:
    """
    Requests, one entry of each array for each.

    ``deadline_us`` is the instant by which execution must have ended: arrival + SLO - response
    delay. A request of a lost GPU's batch arrives again with its old id and deadline.

    Parameters
    ----------
    model_index
        int32, position of the model in the scheduler's list.
    request_id
        int64, unique among the requests not yet answered.
    deadline_us
        int64, in microseconds.
    tenant_index
        int32, position of the tenant in the scheduler's list; None when all are of the first.
    """

    model_index: NDArray[np.int32]
    request_id: NDArray[np.int64]
    deadline_us: NDArray[np.int64]
    tenant_index: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """The GPU has executed the batch, which was the older of those it held."""

    gpu_id: int
    batch_id: int


@dataclass(frozen=True, slots=True)
class GpuLost:
    """The GPU is gone with all batches it held; it gets no more work until it is added again."""

    gpu_id: int


@dataclass(frozen=True, slots=True)
class GpuAdded:
    """A lost GPU is back, idle; or a new one: its id is then the number of GPUs known so far."""

    gpu_id: int


@dataclass(frozen=True, slots=True)
class GpuRetired:
    """
    The GPU is to be given back: it executes the batches it holds, gets no more, and is then gone.

    It cannot be added again before. A GPU that holds no batch is gone at once.
    """

    gpu_id: int


@dataclass(frozen=True, slots=True)
class WakeUp:
    """The instant of the last ``SetTimer`` has come. Never wrong: an early one is without effect."""


Event: TypeAlias = RequestsArrived | BatchFinished | GpuLost | GpuAdded | GpuRetired | WakeUp


class DropReason(StrEnum):
    """Why a request will not be served."""

    DEADLINE_UNREACHABLE = "deadline_unreachable"  # not even a batch of this one could be in time
    WINDOW = "window"  # in the way of a batch that serves more requests in time
    QUEUE_FULL = "queue_full"  # refused on arrival: its model's queue is at its limit
    GPUS_BUSY = "gpus_busy"  # refused on arrival: every GPU is busy until it would be too late
    OVER_SHARE = "over_share"  # refused on arrival: overload, and its tenant has had its share


@dataclass(frozen=True, slots=True, eq=False)
class StartBatch:
    """
    Send these requests to the GPU now.

    ``start_us`` and ``finish_us`` are when execution is expected to begin and end.
    ``request_ids`` is an int64 array ordered by (deadline, id).
    """

    gpu_id: int
    batch_id: int
    model_index: int
    request_ids: NDArray[np.int64]
    start_us: int
    finish_us: int


@dataclass(frozen=True, slots=True)
class PreemptBatch:
    """
    Stop this batch, the only one its GPU holds, at once; its end must not be reported.

    Its requests wait again with their old ids and deadlines: nothing is to be done for them.
    """

    gpu_id: int
    batch_id: int


@dataclass(frozen=True, slots=True)
class DropRequest:
    """Tell the client that this request will not be served."""

    request_id: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Call again with ``WakeUp`` at ``at_us`` at the latest; replaces any earlier timer."""

    at_us: int


Command: TypeAlias = StartBatch | PreemptBatch | DropRequest | SetTimer
