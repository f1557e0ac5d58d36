"""What a door needs from the sub-cluster behind it, and what it gets back for a request."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
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
    """One array of shape ``(1, *declared)`` for each output of the model, in order."""

    outputs: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No result: why, in a word for machines and a sentence for people."""

    reason: Reason
    text: str


Answer: TypeAlias = Completed | Refusal


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
    ) -> Awaitable[Answer]:
        """Hand in one request; the answer comes exactly once."""
        ...

    def note_invalid(self, model_index: int) -> None:
        """Count a request that was refused for its form."""
        ...

    def metrics_text(self) -> str:
        """All metrics in Prometheus text form."""
        ...
