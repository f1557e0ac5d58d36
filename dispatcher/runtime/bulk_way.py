"""The way of bulk requests through a sub-cluster: the moves of ``live``, counted the same, in arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.events import RequestsArrived
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.service import Outcome, Reason
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.bulk import Bulks, Segment
from dispatcher.runtime.driver import SchedulerDriver
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.measures import Measures


class BulkWay:
    """Everything that ``LiveSubCluster`` does for requests that came many at a time."""

    def __init__(
        self, spec: SubClusterSpec, driver: SchedulerDriver, meter: LoadMeter, measures: Measures
    ) -> None:
        self._spec = spec
        self._driver = driver
        self._meter = meter
        self._measures = measures
        self._bulks = Bulks()

    @property
    def pending(self) -> int:
        """Accepted, not yet answered."""
        return self._bulks.pending

    def submit(
        self, requests: BulkRequests, arrived_us: int, listener: BulkListener, *, draining: bool
    ) -> None:
        model_index = requests.model_index
        promise_us = self._spec.models[model_index].slo_us
        self._meter.arrived(model_index, arrived_us, requests.rows)
        bulk = self._bulks.add(requests, arrived_us, promise_us, self._spec.delays.resp_us, listener)
        everything = Segment(bulk, np.arange(requests.rows))
        if draining:
            self._refuse(everything, Outcome.REJECTED, Reason.DRAINING)
        else:
            self._give_to_scheduler(everything)

    def take(self, ids: NDArray[np.int64]) -> tuple[list[int], list[Segment]]:
        """A batch's ids parted: those of requests that came one by one, and the segments of the others."""
        others, segments = self._bulks.take(ids)
        return others.tolist(), segments

    def drop(self, request_id: int, outcome: Outcome, reason: Reason) -> None:
        """Answer one request that the scheduler gave up."""
        self._refuse(self._bulks.one(request_id), outcome, reason)

    def complete(self, segments: Sequence[Segment], outputs: Sequence[Array], instant_us: int) -> None:
        """``outputs`` holds the rows of all segments in order, and before them those of other requests."""
        start = len(outputs[0]) - sum(len(segment.rows) for segment in segments)
        for segment in segments:
            end = start + len(segment.rows)
            in_time = self._bulks.in_time(segment, instant_us)
            for outcome, chosen in ((Outcome.IN_TIME, in_time), (Outcome.LATE, ~in_time)):
                self._count(segment, outcome, chosen)
            late = len(in_time) - int(in_time.sum())
            if late:
                self._measures.refused(segment.bulk.requests.model_index, Reason.LATE, late)
            self._bulks.complete(segment, [output[start:end] for output in outputs], in_time)
            start = end

    def fail(self, segments: Sequence[Segment]) -> None:
        """The model raised on their batch."""
        for segment in segments:
            self._refuse(segment, Outcome.FAILED, Reason.MODEL_FAILED)

    def put_back(self, segments: Sequence[Segment], instant_us: int) -> None:
        """Their GPU is lost: to the scheduler again where the deadline allows, else answered."""
        for segment in segments:
            still = segment.bulk.deadline_us[segment.rows] > instant_us
            if still.any():
                self._give_to_scheduler(Segment(segment.bulk, segment.rows[still]))
            if not still.all():
                self._refuse(Segment(segment.bulk, segment.rows[~still]), Outcome.FAILED, Reason.GPU_LOST)

    def abandon(self, under_way: Iterator[Segment]) -> None:
        """Answer all that is left: what is in a batch has failed, the rest is given up."""
        for segment in under_way:
            self._refuse(segment, Outcome.FAILED, Reason.DRAINING)
        for segment in self._bulks.open_segments():
            self._refuse(segment, Outcome.DROPPED, Reason.DRAINING)

    def _give_to_scheduler(self, segment: Segment) -> None:
        bulk, rows = segment.bulk, segment.rows
        model_index = np.full(len(rows), bulk.requests.model_index, dtype=np.int32)
        arrivals = RequestsArrived(model_index, bulk.ids(rows), bulk.deadline_us[rows], segment.tenants())
        self._driver.arrive_many(arrivals)

    def _refuse(self, segment: Segment, outcome: Outcome, reason: Reason) -> None:
        self._count(segment, outcome, np.ones(len(segment.rows), dtype=bool))
        self._measures.refused(segment.bulk.requests.model_index, reason, len(segment.rows))
        self._bulks.refuse(segment, reason)

    def _count(self, segment: Segment, outcome: Outcome, chosen: NDArray[np.bool_]) -> None:
        """Once for each tenant that has any of the chosen rows."""
        model_index, tenants = segment.bulk.requests.model_index, segment.tenants()
        if tenants is None:
            counts = [int(chosen.sum())]
        else:
            counts = np.bincount(tenants[chosen], minlength=1).tolist()
        for tenant_index, count in enumerate(counts):
            if count:
                self._meter.answered(model_index, outcome, tenant_index, count)
