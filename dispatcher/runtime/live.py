"""
One sub-cluster, live: requests in, batches out to the GPUs, each request answered exactly once.

A request is in one of three places: with the scheduler (told of, not yet in a command), in
a batch under way, or answered and forgotten. It moves only here:

=====================  ==========================================================
what happens           what becomes of the requests
=====================  ==========================================================
submitted              to the scheduler
StartBatch             into a batch under way
DropRequest            answered: refused with the scheduler's reason
batch done             answered: completed, or late when the promise has passed
batch failed           answered: model_failed
GPU lost               to the scheduler again, same id and deadline; answered
                       gpu_lost when the deadline has passed
=====================  ==========================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tenant
from dispatcher.core.events import BatchFinished, DropReason, DropRequest, GpuAdded, GpuLost, StartBatch
from dispatcher.core.scale_advice import ScaleAdvisor
from dispatcher.core.scheduler import Scheduler
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.service import Answer, Completed, Outcome, Reason, Refusal
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.bulk import FIRST_ID, Segment
from dispatcher.runtime.bulk_way import BulkWay
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.driver import SchedulerDriver
from dispatcher.runtime.event_log import EventRecorder
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.measures import Measures
from dispatcher.runtime.metrics import metrics_text
from dispatcher.runtime.worker_link import WorkerLink

STALL_US_MIN = 10_000_000
STALL_FACTOR = 20
"""A batch this many times its planned time overdue, and at least ten seconds, means a stalled worker."""

ADVICE_INTERVAL_US = 5_000_000
"""Between two looks at the load: the span of the scheduler's rate meters."""

_log = structlog.get_logger()

_DROPS = {
    DropReason.QUEUE_FULL: (
        Outcome.REJECTED,
        Refusal(Reason.QUEUE_FULL, "the queue of this model is full"),
    ),
    DropReason.GPUS_BUSY: (
        Outcome.REJECTED,
        Refusal(Reason.GPUS_BUSY, "every GPU is busy until it is too late for this request"),
    ),
    DropReason.OVER_SHARE: (
        Outcome.REJECTED,
        Refusal(Reason.OVER_SHARE, "the GPUs are overloaded and this tenant has had its share"),
    ),
    DropReason.DEADLINE_UNREACHABLE: (
        Outcome.DROPPED,
        Refusal(Reason.DEADLINE_UNREACHABLE, "no GPU can answer this request in time"),
    ),
    DropReason.WINDOW: (
        Outcome.DROPPED,
        Refusal(Reason.WINDOW, "it stood in the way of a batch that answers more requests in time"),
    ),
}


@dataclass(slots=True)
class _Request:
    id: int
    model_index: int
    tenant_index: int
    arrived_us: int
    due_us: int  # the answer is promised by then
    deadline_us: int  # execution must end by then
    inputs: tuple[Array, ...]
    answer: asyncio.Future[Answer]


@dataclass(slots=True)
class _Batch:
    gpu: int
    model_index: int
    requests: list[_Request]
    segments: list[Segment]  # of bulks; their rows come after those of ``requests``
    size: int
    stalled_us: int  # from then on its worker counts as stalled


class LiveSubCluster:
    """
    The service behind the doors and the listener of the workers.

    ``bug`` is set when the scheduler or the bookkeeping raised: the process must end.
    """

    def __init__(
        self,
        spec: SubClusterSpec,
        scheduler: Scheduler,
        link: WorkerLink,
        meter: LoadMeter,
        loop: asyncio.AbstractEventLoop,
        recorder: EventRecorder | None = None,
    ) -> None:
        self._spec = spec
        self._scheduler = scheduler
        self._link = link
        self._meter = meter
        self._loop = loop
        self._driver = SchedulerDriver(
            scheduler,
            loop,
            resp_us=spec.delays.resp_us,
            on_start=self._start_batch,
            on_drop=self._drop_request,
            on_bug=self._found_bug,
            recorder=recorder,
        )
        self.measures = Measures(spec.models, spec.gpus, now_us())
        self._bulks = BulkWay(spec, self._driver, meter, self.measures)
        self._requests: dict[int, _Request] = {}  # with the scheduler
        self._batches: dict[int, _Batch] = {}  # under way
        self._next_id = 0
        self._advisor = ScaleAdvisor()
        self._gpus_advised = spec.gpus
        self._advise_us = now_us() + ADVICE_INTERVAL_US
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.bug: asyncio.Future[Exception] = loop.create_future()

    def start(self) -> None:
        """Take workers in; until one is ready the scheduler knows of no GPU."""
        for gpu in range(self._spec.gpus):
            self._driver.tell(GpuLost(gpu))
        self._link.start(self)

    def abandon(self) -> None:
        """Step no more, and answer what a drain could not; nothing is left after an orderly one."""
        self._draining = True
        self._driver.close()
        for batch in self._batches.values():
            for request in batch.requests:
                self._refuse(request, Outcome.FAILED, _draining())
        for request in list(self._requests.values()):
            self._refuse(request, Outcome.DROPPED, _draining())
        self._bulks.abandon(segment for batch in self._batches.values() for segment in batch.segments)
        self._batches.clear()
        self._requests.clear()

    def close(self) -> None:
        """Abandon what is left and let go of the workers."""
        self.abandon()
        self._link.close()

    # The service behind the doors

    @property
    def models(self) -> Sequence[ServedModel]:
        return self._spec.models

    @property
    def tenants(self) -> Sequence[Tenant]:
        return self._spec.tenants

    @property
    def ready(self) -> bool:
        return not self._draining and bool(self._link.ready_gpus)

    def now_us(self) -> int:
        return now_us()

    def submit(
        self,
        model_index: int,
        inputs: tuple[Array, ...],
        arrived_us: int,
        timeout_us: int | None,
        tenant_index: int = 0,
    ) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        promise_us = self._spec.models[model_index].slo_us
        due_us = arrived_us + (promise_us if timeout_us is None else min(promise_us, timeout_us))
        deadline_us = due_us - self._spec.delays.resp_us
        request = _Request(
            self._next_id, model_index, tenant_index, arrived_us, due_us, deadline_us, inputs, answer
        )
        self._next_id += 1
        self._meter.arrived(model_index, arrived_us)
        if self._draining:
            self._refuse(request, Outcome.REJECTED, _draining())
            return answer
        self._idle.clear()
        self._give_to_scheduler(request)
        return answer

    def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
        self._idle.clear()
        self._bulks.submit(requests, arrived_us, listener, draining=self._draining)
        self._note_idle()

    def note_invalid(self, model_index: int, count: int = 1) -> None:
        self._meter.answered(model_index, Outcome.INVALID, count=count)

    def metrics_text(self) -> str:
        return metrics_text(
            models=[model.id for model in self._spec.models],
            tallies=self._meter.totals(),
            measures=self.measures,
            pending=len(self._requests)
            + self._bulks.pending
            + sum(len(batch.requests) for batch in self._batches.values()),
            gpus=self._spec.gpus,
            gpus_ready=len(self._link.ready_gpus),
            gpus_advised=self._gpus_advised,
            hold_factor=self._scheduler.hold_factor,
            plan_version=self._spec.plan_version,
            tenants=[tenant.id for tenant in self._spec.tenants],
            tenant_outcomes=self._meter.tenant_outcomes,
        )

    # The listener of the workers

    def gpu_ready(self, gpu: int) -> None:
        _log.info("gpu_ready", gpu=gpu, ready=len(self._link.ready_gpus), of=self._spec.gpus)
        self._driver.tell(GpuAdded(gpu))

    def gpu_lost(self, gpu: int, reason: str) -> None:
        lost = [batch_id for batch_id, batch in self._batches.items() if batch.gpu == gpu]
        self._driver.tell(GpuLost(gpu))
        for batch_id in lost:
            self._put_back(self._batches.pop(batch_id), reason)
        self._note_idle()

    def batch_done(self, gpu: int, message: wire.BatchDone, frames: Sequence[bytes]) -> None:
        batch = self._finished(gpu, message)
        if batch is None:
            return
        model = self._spec.models[batch.model_index]
        try:
            outputs = wire.tensors_from_frames(model.outputs, frames, batch.size)
        except wire.WireError as error:
            self._fail(batch, str(error))
        else:
            self._complete(batch, outputs)
        self._note_idle()

    def batch_failed(self, gpu: int, message: wire.BatchFailed) -> None:
        batch = self._finished(gpu, message)
        if batch is not None:
            self._fail(batch, message.error)
            self._note_idle()

    # Draining and watching

    async def drain(self, timeout_s: float) -> bool:
        """Accept nothing more and wait for what was accepted; False when time ran out first."""
        self._draining = True
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def watch(self) -> None:
        """Find workers that vanished or stalled; to be called every ``wire.PING_INTERVAL_S``."""
        self._link.ping()
        instant_us = now_us()
        self.measures.tick(instant_us, self._meter.totals)
        if instant_us >= self._advise_us:
            self._advise_us = instant_us + ADVICE_INTERVAL_US
            ready = len(self._link.ready_gpus)
            self._gpus_advised = (
                ready + self._advisor.advise(self._scheduler.take_observation(), ready, 0).gpus
            )
        stalled = {batch.gpu for batch in self._batches.values() if batch.stalled_us < instant_us}
        for gpu in stalled:
            self._link.give_up(gpu, "its batch is long overdue")

    # Moves of a request

    def _give_to_scheduler(self, request: _Request) -> None:
        self._requests[request.id] = request
        self._driver.arrive(request.model_index, request.id, request.deadline_us, request.tenant_index)

    def _start_batch(self, command: StartBatch) -> None:
        ids, segments = self._bulks.take(command.request_ids)
        requests = [self._requests.pop(request_id) for request_id in ids]
        model_index = int(command.model_index)
        planned_us = int(command.finish_us - command.start_us)
        stalled_us = int(command.finish_us) + max(STALL_US_MIN, STALL_FACTOR * planned_us)
        size = len(requests) + sum(len(segment.rows) for segment in segments)
        batch = _Batch(int(command.gpu_id), model_index, requests, segments, size, stalled_us)
        message = wire.RunBatch(int(command.batch_id), model_index, size)
        rows = [*(each.inputs for each in requests), *(segment.inputs() for segment in segments)]
        inputs = rows[0] if len(rows) == 1 else [np.concatenate(parts) for parts in zip(*rows, strict=True)]
        if self._link.run_batch(batch.gpu, message, inputs):
            self._batches[message.batch_id] = batch
        else:  # the scheduler is told of the loss already, or at the end of this step
            self._put_back(batch, "it was gone before the batch could be sent")

    def _drop_request(self, command: DropRequest) -> None:
        outcome, refusal = _DROPS[command.reason]
        if command.request_id >= FIRST_ID:
            self._bulks.drop(int(command.request_id), outcome, refusal.reason)
        else:
            self._refuse(self._requests.pop(int(command.request_id)), outcome, refusal)
        self._note_idle()

    def _put_back(self, batch: _Batch, reason: str) -> None:
        instant_us = now_us()
        self._bulks.put_back(batch.segments, instant_us)
        for request in batch.requests:
            if request.deadline_us > instant_us:
                self._give_to_scheduler(request)
            else:
                text = f"GPU {batch.gpu} was lost too late to try another: {reason}"
                self._refuse(request, Outcome.FAILED, Refusal(Reason.GPU_LOST, text))

    def _finished(self, gpu: int, message: wire.BatchDone | wire.BatchFailed) -> _Batch | None:
        """The batch taken off the table and the scheduler told; None for one that is not on it."""
        batch = self._batches.get(message.batch_id)
        if batch is None or batch.gpu != gpu:
            _log.warning("unknown_batch", gpu=gpu, batch_id=message.batch_id)
            return None
        del self._batches[message.batch_id]
        execution_us = max(0, message.finished_us - message.started_us)
        self._meter.batch_executed(batch.model_index, batch.size, execution_us)
        began_us = now_us() - execution_us
        queued = [(max(0, began_us - request.arrived_us), 1) for request in batch.requests]
        queued += [segment.queued(began_us) for segment in batch.segments]
        self.measures.batch_executed(gpu, batch.model_index, execution_us, queued)
        self._driver.tell(BatchFinished(gpu, message.batch_id))
        return batch

    def _complete(self, batch: _Batch, outputs: Sequence[Array]) -> None:
        instant_us = now_us()
        self._bulks.complete(batch.segments, outputs, instant_us)
        for row, request in enumerate(batch.requests):
            if instant_us > request.due_us:
                text = f"the answer came {(instant_us - request.due_us) / 1e3:.3f} ms after the promise"
                self._refuse(request, Outcome.LATE, Refusal(Reason.LATE, text))
            else:
                self._answer(
                    request, Outcome.IN_TIME, Completed(tuple(each[row : row + 1] for each in outputs))
                )

    def _fail(self, batch: _Batch, error: str) -> None:
        model = self._spec.models[batch.model_index].id
        _log.error("batch_failed", model=model, gpu=batch.gpu, batch_size=batch.size, error=error)
        self._bulks.fail(batch.segments)
        for request in batch.requests:
            text = f"the model failed on the batch of this request: {error}"
            self._refuse(request, Outcome.FAILED, Refusal(Reason.MODEL_FAILED, text))

    def _refuse(self, request: _Request, outcome: Outcome, refusal: Refusal) -> None:
        self.measures.refused(request.model_index, refusal.reason)
        self._answer(request, outcome, refusal)

    def _answer(self, request: _Request, outcome: Outcome, answer: Answer) -> None:
        """The one place where a request ends; its client may be gone."""
        self._meter.answered(request.model_index, outcome, request.tenant_index)
        if not request.answer.done():
            request.answer.set_result(answer)

    def _note_idle(self) -> None:
        if not self._requests and not self._batches and not self._bulks.pending:
            self._idle.set()

    def _found_bug(self, error: Exception) -> None:
        _log.critical("scheduler_bug", exc_info=error)
        self._draining = True
        if not self.bug.done():
            self.bug.set_result(error)


def _draining() -> Refusal:
    return Refusal(Reason.DRAINING, "this dispatcher is shutting down")
