"""
Requests that came many at a time and are handled so: no object of their own, rows of arrays.

A bulk's requests have the ids ``FIRST_ID + (number << ROW_BITS) + row``, so that the scheduler's
commands, which name requests by id, can be taken apart with a few array operations: what a batch
costs follows the bulks it draws from, not its requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.native import ROWS_MAX
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.tensors import Array

FIRST_ID = 2**48
"""Ids below are of requests that came one by one: far more than one process will ever see."""

ROW_BITS = 14
ROW_MASK = (1 << ROW_BITS) - 1
assert 1 << ROW_BITS >= ROWS_MAX


@dataclass(slots=True, eq=False)
class Bulk:
    """
    Rows that are not answered yet, or that the scheduler still holds.

    Instants are in microseconds. ``model_index`` and ``tenant_index`` count in the present plan.
    """

    number: int
    model_index: int
    tenant_index: NDArray[np.int32] | None
    inputs: tuple[Array, ...]
    arrived_us: int
    due_us: NDArray[np.int64]
    deadline_us: NDArray[np.int64]
    listener: BulkListener
    is_open: NDArray[np.bool_]  # of each row: not answered yet
    is_waiting: NDArray[np.bool_]  # of each row: with the scheduler

    def ids(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """As the scheduler knows them."""
        return rows + (FIRST_ID + (self.number << ROW_BITS))


@dataclass(slots=True, eq=False)
class Segment:
    """Rows of one bulk, within a batch in the batch's order."""

    bulk: Bulk
    rows: NDArray[np.int64]

    def inputs(self) -> list[Array]:
        """Without copying where the rows follow each other, as they mostly do."""
        first, last = int(self.rows[0]), int(self.rows[-1])
        if last - first == len(self.rows) - 1 and bool((np.diff(self.rows) == 1).all()):
            return [array[first : last + 1] for array in self.bulk.inputs]
        return [array[self.rows] for array in self.bulk.inputs]

    def queued(self, started_us: int) -> tuple[int, int]:
        """Microseconds from arrival to ``started_us``, and how many rows waited so long."""
        return max(0, started_us - self.bulk.arrived_us), len(self.rows)

    def tenants(self) -> NDArray[np.int32] | None:
        index = self.bulk.tenant_index
        return None if index is None else index[self.rows]

    def still_open(self) -> Segment:
        """The rows that are not answered yet."""
        is_open = self.bulk.is_open[self.rows]
        return self if is_open.all() else Segment(self.bulk, self.rows[is_open])


class Bulks:
    """The bulks of one sub-cluster; one is forgotten when its rows are answered and none waits any more."""

    def __init__(self) -> None:
        self._bulks: dict[int, Bulk] = {}
        self._next = 0
        self.pending = 0

    def __iter__(self) -> Iterator[Bulk]:
        yield from list(self._bulks.values())

    def add(
        self,
        requests: BulkRequests,
        arrived_us: int,
        promise_us: int,
        resp_us: int,
        listener: BulkListener,
    ) -> Bulk:
        """Take in requests promised within ``promise_us``; execution must end ``resp_us`` before that."""
        rows = requests.rows
        timeout_us = requests.timeout_us.astype(np.int64)
        due_us = arrived_us + np.where(timeout_us > 0, np.minimum(timeout_us, promise_us), promise_us)
        bulk = Bulk(
            self._next,
            requests.model_index,
            requests.tenant_index,
            requests.inputs,
            arrived_us,
            due_us,
            due_us - resp_us,
            listener,
            is_open=np.ones(rows, dtype=bool),
            is_waiting=np.zeros(rows, dtype=bool),
        )
        self._bulks[bulk.number] = bulk
        self._next += 1
        self.pending += rows
        return bulk

    def take(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[Segment]]:
        """Ids that the scheduler gave back, parted: those of no bulk, and the segments of the others."""
        if not self._bulks:
            return ids, []
        mine = ids >= FIRST_ID
        if not mine.any():
            return ids, []
        others, ids = ids[~mine], ids[mine] - FIRST_ID
        number, rows = ids >> ROW_BITS, ids & ROW_MASK
        cuts = np.flatnonzero(np.diff(number)) + 1
        starts, ends = [0, *cuts.tolist()], [*cuts.tolist(), len(number)]
        segments = []
        for start, end in zip(starts, ends, strict=True):
            bulk = self._bulks[int(number[start])]
            segments.append(Segment(bulk, rows[start:end]))
            bulk.is_waiting[rows[start:end]] = False
            self._forget_when_done(bulk)
        return others, segments

    def answered(self, segment: Segment) -> None:
        """Its rows, all open until now, have their answers."""
        segment.bulk.is_open[segment.rows] = False
        self.pending -= len(segment.rows)
        self._forget_when_done(segment.bulk)

    def _forget_when_done(self, bulk: Bulk) -> None:
        if not bulk.is_open.any() and not bulk.is_waiting.any():
            self._bulks.pop(bulk.number, None)
