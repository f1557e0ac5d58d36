"""What is kept of each model beside its load: whether it is taken, and the sums of its statistics."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dispatcher.frontend.service import ModelStatistics, Outcome
from dispatcher.runtime.load_meter import Tally


class ModelRecord:
    """One model; instants are microseconds of one monotonic clock."""

    def __init__(self) -> None:
        self.admitted = True
        self._sums = ModelStatistics()
        self._last_arrival_us: int | None = None

    def answered(self, outcome: Outcome, arrived_us: int, now_us: int, count: int = 1) -> None:
        """``count`` requests that arrived at one instant have ended."""
        sums = self._sums
        self._last_arrival_us = max(arrived_us, self._last_arrival_us or arrived_us)
        if outcome is Outcome.IN_TIME:
            sums.succeeded += count
            sums.succeeded_us += count * (now_us - arrived_us)
        else:
            sums.failed += count
            sums.failed_us += count * (now_us - arrived_us)

    def executed(self, queued: Sequence[tuple[int, int]], execution_us: int) -> None:
        """A batch; ``queued`` holds (microseconds before execution, requests that waited so long)."""
        sums = self._sums
        count = sum(requests for _, requests in queued)
        sums.executed += count
        sums.execution_us += count * execution_us
        sums.queue_us += sum(waited_us * requests for waited_us, requests in queued)

    def statistics(self, tally: Tally, now_us: int) -> ModelStatistics:
        sums = self._sums
        if self._last_arrival_us is not None:
            sums.last_arrival_ms = time.time_ns() // 1_000_000 - (now_us - self._last_arrival_us) // 1_000
        sums.batches_by_size = [
            (size, count, tally.busy_us_by_size[size])
            for size, count in sorted(tally.batches_by_size.items())
        ]
        return sums
