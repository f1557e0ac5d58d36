"""
Batches under way: which GPU executes what, in which order, and what is overdue.

A GPU executes its batches in the order they were sent, and the scheduler is told of their
ends in that order. Answers may come otherwise, or not at all; an end is therefore told
only when those before it have been.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.core.events import StartBatch
from dispatcher.runtime.bulk import Segment

STALL_US_MIN = 2_000_000
STALL_FACTOR = 20
"""A batch this many times its planned time overdue, and at least two seconds, means a stalled worker."""

R = TypeVar("R")


@dataclass(slots=True)
class Batch(Generic[R]):
    """
    Requests sent to a GPU together, one row each; the rows of ``segments``, of bulks, come last.

    ``scheduler_id`` is how the present scheduler calls the batch, None for one of a scheduler
    before it. From ``stalled_us`` on its worker counts as stalled.
    """

    id: int
    gpu: int
    model: ServedModel
    requests: Sequence[R]
    segments: Sequence[Segment]
    sent_us: int
    stalled_us: int
    scheduler_id: int | None
    is_answered: bool = False

    @property
    def size(self) -> int:
        """Rows."""
        return len(self.requests) + sum(len(segment.rows) for segment in self.segments)


class BatchesUnderWay(Generic[R]):
    """Those sent and neither answered, in their GPU's order, nor given up."""

    def __init__(self) -> None:
        self._by_gpu: dict[int, list[Batch[R]]] = {}

    def __iter__(self) -> Iterator[Batch[R]]:
        """Those that have not been answered."""
        for batches in self._by_gpu.values():
            yield from (batch for batch in batches if not batch.is_answered)

    def add(self, batch: Batch[R]) -> None:
        self._by_gpu.setdefault(batch.gpu, []).append(batch)

    def are_on(self, gpu: int) -> bool:
        return gpu in self._by_gpu

    def answer(self, gpu: int, batch_id: int) -> Batch[R] | None:
        """The batch, answered from now on; None for one that the GPU was not sent or has answered."""
        for batch in self._by_gpu.get(gpu, ()):
            if batch.id == batch_id and not batch.is_answered:
                batch.is_answered = True
                return batch
        return None

    def take_ended(self, gpu: int) -> list[Batch[R]]:
        """The GPU's batches that are answered and have none unanswered before them; they are forgotten."""
        batches = self._by_gpu.get(gpu, [])
        ended: list[Batch[R]] = []
        while batches and batches[0].is_answered:
            ended.append(batches.pop(0))
        if not batches:
            self._by_gpu.pop(gpu, None)
        return ended

    def lose(self, gpu: int) -> list[Batch[R]]:
        """All of the GPU's unanswered batches; it has none any more."""
        return [batch for batch in self._by_gpu.pop(gpu, []) if not batch.is_answered]

    def stalled_gpus(self, now_us: int) -> set[int]:
        return {batch.gpu for batch in self if batch.stalled_us < now_us}

    def hand_over(self) -> None:
        """Another scheduler takes over: it knows of none of these."""
        for batches in self._by_gpu.values():
            for batch in batches:
                batch.scheduler_id = None


def stalled_from_us(command: StartBatch) -> int:
    """The instant from which the worker that executes the batch counts as stalled."""
    planned_us = int(command.finish_us - command.start_us)
    return int(command.finish_us) + max(STALL_US_MIN, STALL_FACTOR * planned_us)
