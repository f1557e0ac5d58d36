"""
Requests that came many at a time and are handled so: no object of their own, rows of arrays.

A bulk's requests have the ids ``FIRST_ID + (number << ROW_BITS) + row``, so that the scheduler's
commands, which name requests by id, can be taken apart with a few array operations: what a batch
costs follows the bulks it draws from, not its requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.native import ROWS_MAX
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.service import Reason
from dispatcher.frontend.tensors import Array

FIRST_ID = 2**48
"""Ids below are of requests that came one by one: far more than one process will ever see."""

ROW_BITS = 14
ROW_MASK = (1 << ROW_BITS) - 1
assert 1 << ROW_BITS >= ROWS_MAX


@dataclass(slots=True, eq=False)
class Bulk:
    """Rows not all of which are answered yet; instants are in microseconds."""

    number: int
    requests: BulkRequests
    arrived_us: int
    due_us: NDArray[np.int64]
    deadline_us: NDArray[np.int64]
    listener: BulkListener
    unanswered: int
    is_open: NDArray[np.bool_]  # of each row: not answered yet

    def ids(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """As the scheduler knows them."""
        return rows + (FIRST_ID + (self.number << ROW_BITS))


@dataclass(slots=True, eq=False)
class Segment:
    """Rows of one bulk within a batch, in the batch's order."""

    bulk: Bulk
    rows: NDArray[np.int64]

    def inputs(self) -> list[Array]:
        """Without copying where the rows follow each other, as they mostly do."""
        first, last = int(self.rows[0]), int(self.rows[-1])
        arrays = self.bulk.requests.inputs
        if last - first == len(self.rows) - 1 and bool((np.diff(self.rows) == 1).all()):
            return [array[first : last + 1] for array in arrays]
        return [array[self.rows] for array in arrays]

    def queued(self, started_us: int) -> tuple[int, int]:
        """Microseconds from arrival to ``started_us``, and how many rows waited so long."""
        return max(0, started_us - self.bulk.arrived_us), len(self.rows)

    def tenants(self) -> NDArray[np.int32] | None:
        index = self.bulk.requests.tenant_index
        return None if index is None else index[self.rows]


class Bulks:
    """The bulks of one sub-cluster that are not wholly answered."""

    def __init__(self) -> None:
        self._bulks: dict[int, Bulk] = {}
        self._next = 0
        self.pending = 0

    def add(
        self,
        requests: BulkRequests,
        arrived_us: int,
        promise_us: int,
        resp_us: int,
        listener: BulkListener,
    ) -> Bulk:
        """Take in requests promised within ``promise_us``; execution must end ``resp_us`` before that."""
        timeout_us = requests.timeout_us.astype(np.int64)
        allowed_us = np.where(timeout_us > 0, np.minimum(timeout_us, promise_us), promise_us)
        due_us = arrived_us + allowed_us
        rows = requests.rows
        is_open = np.ones(rows, dtype=bool)
        deadline_us = due_us - resp_us
        bulk = Bulk(self._next, requests, arrived_us, due_us, deadline_us, listener, rows, is_open)
        self._bulks[bulk.number] = bulk
        self._next += 1
        self.pending += rows
        return bulk

    def take(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[Segment]]:
        """A batch's ids parted: those that are of no bulk, and the segments of the others."""
        if not self._bulks:
            return ids, []
        mine = ids >= FIRST_ID
        if not mine.any():
            return ids, []
        others, ids = ids[~mine], ids[mine] - FIRST_ID
        number, rows = ids >> ROW_BITS, ids & ROW_MASK
        cuts = np.flatnonzero(np.diff(number)) + 1
        starts = [0, *cuts.tolist()]
        ends = [*cuts.tolist(), len(number)]
        return others, [
            Segment(self._bulks[int(number[start])], rows[start:end])
            for start, end in zip(starts, ends, strict=True)
        ]

    def one(self, request_id: int) -> Segment:
        """The segment of a single request."""
        place = request_id - FIRST_ID
        return Segment(self._bulks[place >> ROW_BITS], np.array([place & ROW_MASK]))

    def in_time(self, segment: Segment, instant_us: int) -> NDArray[np.bool_]:
        """Which rows of the segment are promised for ``instant_us`` or later."""
        in_time: NDArray[np.bool_] = segment.bulk.due_us[segment.rows] >= instant_us
        return in_time

    def complete(self, segment: Segment, outputs: Sequence[Array], in_time: NDArray[np.bool_]) -> None:
        """Answer a segment's rows: with their result those in time, as late the others."""
        listener, rows = segment.bulk.listener, segment.rows
        self._answered(segment)
        if in_time.all():
            listener.completed(rows, outputs)
            return
        listener.refused(rows[~in_time], Reason.LATE)
        if in_time.any():
            listener.completed(rows[in_time], [output[in_time] for output in outputs])

    def refuse(self, segment: Segment, reason: Reason) -> None:
        """Answer a segment's rows that have no result."""
        self._answered(segment)
        segment.bulk.listener.refused(segment.rows, reason)

    def open_segments(self) -> list[Segment]:
        """Whatever is not answered yet, a segment for each bulk."""
        return [Segment(bulk, np.flatnonzero(bulk.is_open)) for bulk in self._bulks.values()]

    def _answered(self, segment: Segment) -> None:
        bulk, count = segment.bulk, len(segment.rows)
        bulk.is_open[segment.rows] = False
        bulk.unanswered -= count
        self.pending -= count
        if not bulk.unanswered:
            del self._bulks[bulk.number]
