"""What a door needs from the sub-cluster behind it, and what it gets back for a request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from dispatcher.contract.sub_cluster import ServedModel, Tenant
from dispatcher.frontend.tensors import Array


class Outcome(StrEnum):
    """How a request ended; exactly one for each request."""

    IN_TIME = "in_time"
    LATE = "late"  # computed, but after the promise
    DROPPED = "dropped"  # given up after acceptance
    REJECTED = "rejected"  # refused at the door
    FAILED = "failed"  # the model raised, or its GPU was lost too late to try again
    CANCELLED = "cancelled"  # its client went before the answer was there and before it was due
    INVALID = "invalid"  # the client's fault; no load of the model


class Reason(StrEnum):
    """Machine-readable cause of an answer without result."""

    QUEUE_FULL = "queue_full"
    GPUS_BUSY = "gpus_busy"
    OVER_SHARE = "over_share"
    DEADLINE_UNREACHABLE = "deadline_unreachable"
    WINDOW = "window"
    LATE = "late"
    MODEL_FAILED = "model_failed"
    GPU_LOST = "gpu_lost"
    DRAINING = "draining"
    MODEL_NOT_HERE = "model_not_here"


@dataclass(frozen=True, slots=True)
class Completed:
    """One array of shape ``(items, *declared)`` for each output of the model, in order."""

    outputs: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No result: why, in a word for machines and a sentence for people."""

    reason: Reason
    text: str
    retry_after_s: int = 1
    """After so many seconds a request like this one is predicted to be in time."""


Answer: TypeAlias = Completed | Refusal


@dataclass(slots=True)
class ModelStatistics:
    """
    Sums of one model since the start; every item of a request counts as one.

    ``queue_us`` and ``execution_us`` are summed over the items executed, each with the whole
    time of its batch. ``batches_by_size`` holds (batch size, batches, their execution in us).
    """

    succeeded: int = 0
    succeeded_us: int = 0
    failed: int = 0
    failed_us: int = 0
    executed: int = 0
    queue_us: int = 0
    execution_us: int = 0
    last_arrival_ms: int = 0  # since the Unix epoch; 0 before the first
    batches_by_size: Sequence[tuple[int, int, int]] = field(default_factory=tuple)


class InferenceService(Protocol):
    """One sub-cluster, as its doors see it."""

    @property
    def models(self) -> Sequence[ServedModel]: ...

    @property
    def tenants(self) -> Sequence[Tenant]:
        """None where all requests are of one."""
        ...

    @property
    def ready(self) -> bool:
        """At least one GPU serves and no drain has begun."""
        ...

    def admits(self, model_index: int) -> bool:
        """Whether requests for the model are taken; false once it was unloaded."""
        ...

    def set_admitted(self, model_index: int, admitted: bool) -> None:
        """Refuse requests for the model from now on as ``model_not_here``, or take them again."""
        ...

    def statistics(self, model_index: int) -> ModelStatistics: ...

    def now_us(self) -> int:
        """The clock that ``arrived_us`` is read from."""
        ...

    def submit(
        self,
        model_index: int,
        inputs: tuple[Array, ...],
        arrived_us: int,
        timeout_us: int | None,
        tenant_index: int = 0,
    ) -> asyncio.Future[Answer]:
        """
        Hand in one item, arrays of shape ``(1, *declared)``; the answer comes exactly once.

        Who cancels the future wants no answer any more: the item is taken out of its queue,
        or its result dropped.
        """
        ...

    def note_invalid(self, model_index: int) -> None:
        """Count a request that was refused for its form."""
        ...

    def metrics_text(self) -> str:
        """All metrics in Prometheus text form."""
        ...
