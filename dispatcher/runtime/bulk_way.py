"""The way of bulk requests through a sub-cluster: the moves of ``live``, counted the same, in arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.events import RequestsArrived
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.service import Outcome, Reason
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.bulk import Bulks, Segment
from dispatcher.runtime.driver import SchedulerDriver
from dispatcher.runtime.ledger import Ledger

NOT_SERVED = -1
"""The model's index of a bulk whose model the present plan does not name."""


class _Nobody:
    """Who waits for the rows of a client that is gone."""

    def completed(self, rows: NDArray[np.int64], outputs: Sequence[Array]) -> bool:
        return False

    def refused(self, rows: NDArray[np.int64], reason: Reason) -> bool:
        return False


NOBODY = _Nobody()


class BulkWay:
    """
    Everything that ``LiveSubCluster`` does for requests that came many at a time.

    A row is answered once: whatever comes for one that has its answer is nothing.
    """

    def __init__(
        self,
        spec: SubClusterSpec,
        driver: SchedulerDriver,
        ledger: Ledger,
        on_answered: Callable[[], None],
    ) -> None:
        self._bulks = Bulks()
        self._on_answered = on_answered
        self._bind(spec, driver, ledger)

    def _bind(self, spec: SubClusterSpec, driver: SchedulerDriver, ledger: Ledger) -> None:
        self._spec = spec
        self._driver = driver
        self._ledger = ledger

    @property
    def pending(self) -> int:
        """Accepted, not yet answered."""
        return self._bulks.pending

    def pending_of(self, model_index: int) -> int:
        """The same of one model."""
        return sum(int(bulk.is_open.sum()) for bulk in self._bulks if bulk.model_index == model_index)

    def submit(
        self,
        requests: BulkRequests,
        arrived_us: int,
        listener: BulkListener,
        *,
        refused: Reason | None = None,
    ) -> None:
        """Take them in, or refuse them all for the reason given."""
        model_index = requests.model_index
        promise_us = self._spec.models[model_index].slo_us
        self._ledger.meter.arrived(model_index, arrived_us, requests.rows)
        bulk = self._bulks.add(requests, arrived_us, promise_us, self._spec.delays.resp_us, listener)
        everything = Segment(bulk, np.arange(requests.rows))
        if refused is not None:
            self._refuse(everything, Outcome.REJECTED, refused)
        else:
            self._give_to_scheduler(everything)

    def take(self, ids: NDArray[np.int64]) -> tuple[list[int], list[Segment]]:
        """
        A batch's ids parted: those of requests that came one by one, and the segments of the others.

        Rows that have their answer already are left out.
        """
        others, segments = self._bulks.take(ids)
        still_open = (segment.still_open() for segment in segments)
        return others.tolist(), [segment for segment in still_open if len(segment.rows)]

    def drop(self, request_id: int, outcome: Outcome, reason: Reason) -> None:
        """Answer one request that the scheduler gave up."""
        _, (segment,) = self._bulks.take(np.array([request_id]))
        self._refuse(segment, outcome, reason)

    def complete(self, segments: Sequence[Segment], outputs: Sequence[Array], instant_us: int) -> None:
        """``outputs`` holds the rows of all segments in order, and before them those of other requests."""
        start = len(outputs[0]) - sum(len(segment.rows) for segment in segments)
        for segment in segments:
            bulk, rows = segment.bulk, segment.rows
            in_time = bulk.due_us[rows] >= instant_us
            if not in_time.all():
                self._refuse(Segment(bulk, rows[~in_time]), Outcome.LATE, Reason.LATE)
            wanted = in_time & bulk.is_open[rows]
            mine = [output[start : start + len(rows)] for output in outputs]
            if wanted.all():
                self._complete(segment, mine)
            elif wanted.any():
                self._complete(Segment(bulk, rows[wanted]), [output[wanted] for output in mine])
            start += len(rows)

    def fail(self, segments: Sequence[Segment]) -> None:
        """The model raised on their batch."""
        for segment in segments:
            self._refuse(segment, Outcome.FAILED, Reason.MODEL_FAILED)

    def put_back(self, segments: Sequence[Segment], instant_us: int) -> None:
        """Their GPU is lost: to the scheduler again where the deadline allows, else answered."""
        for segment in (each.still_open() for each in segments):
            again = segment.bulk.deadline_us[segment.rows] > instant_us
            again &= segment.bulk.model_index != NOT_SERVED
            if again.any():
                self._give_to_scheduler(Segment(segment.bulk, segment.rows[again]))
            self._refuse(Segment(segment.bulk, segment.rows[~again]), Outcome.FAILED, Reason.GPU_LOST)

    def answer_overdue(self, before_us: int) -> None:
        """As late, whatever was promised before that instant and has no answer."""
        for bulk in self._bulks:
            overdue = Segment(bulk, np.flatnonzero(bulk.is_open & (bulk.due_us < before_us)))
            self._refuse(overdue, Outcome.LATE, Reason.LATE)

    def withdraw(self, listeners: Collection[BulkListener], instant_us: int) -> None:
        """Their clients are gone: what is open is cancelled, or late if its promise has passed."""
        for bulk in self._bulks:
            if bulk.listener in listeners:
                bulk.listener = NOBODY
                rows = np.flatnonzero(bulk.is_open)
                is_late = bulk.due_us[rows] < instant_us
                self._refuse(Segment(bulk, rows[is_late]), Outcome.LATE, Reason.LATE)
                self._refuse(Segment(bulk, rows[~is_late]), Outcome.CANCELLED, Reason.LATE)

    def abandon(self, under_way: Iterable[Segment]) -> None:
        """Answer all that is left: what is in a batch has failed, the rest is given up."""
        for segment in under_way:
            self._refuse(segment, Outcome.FAILED, Reason.DRAINING)
        for bulk in self._bulks:
            self._refuse(Segment(bulk, np.flatnonzero(bulk.is_open)), Outcome.DROPPED, Reason.DRAINING)

    def switch(
        self,
        spec: SubClusterSpec,
        driver: SchedulerDriver,
        ledger: Ledger,
        not_here: Reason,
    ) -> None:
        """
        Go on under ``spec``: what waits goes to its scheduler, what is in batches ends there.

        Requests that wait for a model that ``spec`` does not name are refused as ``not_here``.
        """
        before, waiting = self._spec, []
        self._bind(spec, driver, ledger)
        model_at = {model.id: index for index, model in enumerate(spec.models)}
        tenant_at = {tenant.id: index for index, tenant in enumerate(spec.tenants)}
        numbers = [tenant_at.get(tenant.id, 0) for tenant in before.tenants]
        for bulk in self._bulks:
            if bulk.model_index != NOT_SERVED:
                bulk.model_index = model_at.get(before.models[bulk.model_index].id, NOT_SERVED)
            bulk.tenant_index = renumbered_rows(bulk.tenant_index, numbers, spec, len(bulk.is_open))
            waiting.append(Segment(bulk, np.flatnonzero(bulk.is_waiting & bulk.is_open)))
            bulk.is_waiting[:] = False
        for segment in waiting:
            if segment.bulk.model_index == NOT_SERVED:
                self._refuse(segment, Outcome.REJECTED, not_here)
            elif len(segment.rows):
                self._give_to_scheduler(segment)

    def _give_to_scheduler(self, segment: Segment) -> None:
        bulk, rows = segment.bulk, segment.rows
        bulk.is_waiting[rows] = True
        model_index = np.full(len(rows), bulk.model_index, dtype=np.int32)
        arrivals = RequestsArrived(model_index, bulk.ids(rows), bulk.deadline_us[rows], segment.tenants())
        self._driver.arrive_many(arrivals)

    def _complete(self, segment: Segment, outputs: Sequence[Array]) -> None:
        is_told = segment.bulk.listener.completed(segment.rows, outputs)
        self._count(segment, Outcome.IN_TIME if is_told else Outcome.CANCELLED)
        self._bulks.answered(segment)
        self._on_answered()

    def _refuse(self, segment: Segment, outcome: Outcome, reason: Reason) -> None:
        """Answer the rows that have no answer yet; they are cancelled where nobody hears it, and not late."""
        segment = segment.still_open()
        if not len(segment.rows):
            return
        is_told = segment.bulk.listener.refused(segment.rows, reason)
        if not is_told and outcome is not Outcome.LATE:
            outcome = Outcome.CANCELLED
        self._count(segment, outcome)
        if segment.bulk.model_index != NOT_SERVED and outcome is not Outcome.CANCELLED:
            self._ledger.rows_refused(segment.bulk.model_index, reason, len(segment.rows))
        self._bulks.answered(segment)
        self._on_answered()

    def _count(self, segment: Segment, outcome: Outcome) -> None:
        """Once for each tenant that has any of the rows."""
        model_index, tenants = segment.bulk.model_index, segment.tenants()
        if model_index == NOT_SERVED:
            return
        counts = [len(segment.rows)] if tenants is None else np.bincount(tenants).tolist()
        by_tenant = {tenant_index: count for tenant_index, count in enumerate(counts) if count}
        self._ledger.rows_answered(model_index, outcome, segment.bulk.arrived_us, by_tenant)


def renumbered_rows(
    index: NDArray[np.int32] | None, numbers: Sequence[int], after: SubClusterSpec, rows: int
) -> NDArray[np.int32] | None:
    """The tenants of rows as ``after`` counts them; ``numbers`` says what each was made, none the first."""
    if not after.tenants:
        return None
    places = np.zeros(rows, dtype=np.int32) if index is None else index
    return np.array(numbers or [0], dtype=np.int32)[places]
