"""Which GPUs the scheduler may use, and which are on their way out."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.core.events import Event, GpuAdded, GpuLost, GpuRetired
from dispatcher.core.rules import Policy

CANNOT_RETIRE = (Policy.NEXUS, Policy.SHEPHERD)
"""Under these a GPU cannot leave in peace: it is lost, and its batches are put back."""


class Roster:
    """
    Tells one scheduler after another of GPUs that come, leave and are lost.

    A scheduler is told of a GPU that is there already, or gone already, never again: it would
    take that for an impossible event.
    """

    def __init__(self) -> None:
        self._tell: Callable[[Event], None] = lambda event: None
        self._gpu_count = 0
        self._here: set[int] = set()
        self._leaving: set[int] = set()

    def serve(self, gpu_count: int, tell: Callable[[Event], None]) -> None:
        """A fresh scheduler of ``gpu_count`` GPUs takes over; it is told that none is there."""
        self._tell, self._gpu_count = tell, gpu_count
        self._here.clear()
        for gpu in range(gpu_count):
            tell(GpuLost(gpu))

    def is_leaving(self, gpu: int) -> bool:
        return gpu in self._leaving

    def offer(self, gpu: int) -> None:
        """The GPU is idle: the scheduler may have it, if it is planned and neither there nor leaving."""
        if gpu < self._gpu_count and gpu not in self._here and gpu not in self._leaving:
            self._here.add(gpu)
            self._tell(GpuAdded(gpu))

    def retire(self, gpu: int) -> None:
        """The GPU executes what it holds and gets no more."""
        self._leaving.add(gpu)
        if gpu in self._here:
            self._here.discard(gpu)
            self._tell(GpuRetired(gpu))

    def withdraw(self, gpu: int) -> None:
        """The GPU is gone."""
        self._leaving.discard(gpu)
        self._here.discard(gpu)
        if gpu < self._gpu_count:
            self._tell(GpuLost(gpu))
