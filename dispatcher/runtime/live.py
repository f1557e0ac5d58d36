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
client gone            nothing yet; left out of the next batch, which is not sent
                       when it is empty then, or its result is dropped; cancelled
promise passed         answered: late, whatever becomes of the batch
plan switched          those with the scheduler to the next; batches go on
=====================  ==========================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TypeAlias

import structlog

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.events import BatchFinished, DropRequest, StartBatch
from dispatcher.core.scheduler import Scheduler
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.service import Answer, Outcome, Reason, Refusal
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.alarm import AlarmMaker, alarm
from dispatcher.runtime.bulk import FIRST_ID
from dispatcher.runtime.bulk_way import BulkWay
from dispatcher.runtime.clock import Now, now_us
from dispatcher.runtime.driver import SchedulerDriver
from dispatcher.runtime.event_log import EventRecorder
from dispatcher.runtime.ledger import Ledger
from dispatcher.runtime.live_advice import LiveAdvice
from dispatcher.runtime.live_request import NOT_SERVED, Request, batch_inputs, ending, parted, renumber
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.refusals import CLIENT_GONE, DRAINING, DROPS, NOT_HERE
from dispatcher.runtime.retry_after import RetryAfter
from dispatcher.runtime.roster import CANNOT_RETIRE, Roster
from dispatcher.runtime.under_way import Batch, BatchesUnderWay, stalled_from_us
from dispatcher.runtime.worker_link import WorkerLink

PROMISE_PASSED_US = 100_000
"""A request without answer this long after its promise is answered as late."""

_log = structlog.get_logger()

_Batch: TypeAlias = Batch[Request]


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
        *,
        now: Now = now_us,
        make_alarm: AlarmMaker = alarm,
    ) -> None:
        self.link = link
        self._loop = loop
        self._now = now
        self._make_alarm = make_alarm
        self._requests: dict[int, Request] = {}  # with the scheduler
        self._batches: BatchesUnderWay[Request] = BatchesUnderWay()
        self._roster = Roster()
        self._next_id = self._next_batch_id = self._pending = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.bug: asyncio.Future[Exception] = loop.create_future()
        self.ledger = Ledger(spec, meter, now)
        self._run(spec, scheduler, recorder)
        self._bulks = BulkWay(spec, self._driver, self.ledger, self._note_idle)

    def _run(self, spec: SubClusterSpec, scheduler: Scheduler, recorder: EventRecorder | None) -> None:
        self.spec = spec
        self.scheduler = scheduler
        self.advice = LiveAdvice(spec.gpus, self._now())
        self._wire_index = self.link.indices_of(spec.models)
        self._driver = SchedulerDriver(
            scheduler,
            self._loop,
            resp_us=spec.delays.resp_us,
            on_start=self._start_batch,
            on_drop=self._drop_request,
            on_bug=self._found_bug,
            recorder=recorder,
            now=self._now,
            make_alarm=self._make_alarm,
        )
        self._retry_after = RetryAfter(scheduler, len(spec.models))
        self._roster.serve(spec.gpus, self._driver.tell)

    def start(self) -> None:
        """Take workers in; until one is ready the scheduler knows of no GPU."""
        self.link.start(self)

    def switch(
        self,
        spec: SubClusterSpec,
        scheduler: Scheduler,
        meter: LoadMeter,
        recorder: EventRecorder | None = None,
    ) -> None:
        """
        Serve ``spec`` from now on; ``scheduler`` must be a fresh one for it.

        What waits goes over to it; a batch under way ends on its GPU first, and the GPU is the new
        scheduler's then. Workers must hold the models already. A request of a model or tenant that
        ``spec`` does not name is refused.
        """
        self._driver.close()
        waiting, self._requests = list(self._requests.values()), {}
        self._batches.hand_over()
        renumber([*waiting, *self._executing()], self.spec, spec)
        self.ledger = Ledger(spec, meter, self._now, self.ledger)
        self._run(spec, scheduler, recorder)
        for gpu in self.link.ready_gpus:
            self._offer(gpu)
        for request in waiting:
            if request.model_index == NOT_SERVED:
                self._answer(request, Outcome.REJECTED, NOT_HERE)
            elif not request.is_answered:
                self._give_to_scheduler(request)
        self._bulks.switch(spec, self._driver, self.ledger, NOT_HERE.reason)

    def pending_of(self, model_index: int) -> int:
        """Requests of one model accepted and not yet answered."""
        one_by_one = sum(each.model_index == model_index for each in self._accepted())
        return one_by_one + self._bulks.pending_of(model_index)

    def abandon(self) -> None:
        """Step no more, and answer what a drain could not."""
        self._draining = True
        self._driver.close()
        for request in self._executing():
            self._answer(request, Outcome.FAILED, DRAINING)
        for request in self._accepted():
            self._answer(request, Outcome.DROPPED, DRAINING)
        self._bulks.abandon(segment for batch in self._batches for segment in batch.segments)
        self._batches = BatchesUnderWay()
        self._requests.clear()

    def close(self) -> None:
        """Abandon what is left and let go of the workers."""
        self.abandon()
        self.link.close()

    # The service behind the doors

    @property
    def pending(self) -> int:
        """Requests accepted and not yet answered."""
        return self._pending + self._bulks.pending

    @property
    def ready(self) -> bool:
        return not self._draining and bool(self.link.ready_gpus)

    def now_us(self) -> int:
        return self._now()

    def submit(
        self,
        model_index: int,
        inputs: tuple[Array, ...],
        arrived_us: int,
        timeout_us: int | None,
        tenant_index: int = 0,
    ) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        promise_us = self.spec.models[model_index].slo_us
        due_us = arrived_us + (promise_us if timeout_us is None else min(promise_us, timeout_us))
        deadline_us = due_us - self.spec.delays.resp_us
        request = Request(
            self._next_id, model_index, tenant_index, arrived_us, due_us, deadline_us, inputs, answer
        )
        self._next_id += 1
        self.ledger.meter.arrived(model_index, arrived_us)
        self._pending += 1
        if self._draining or not self.ledger.admits(model_index):
            self._answer(request, Outcome.REJECTED, DRAINING if self._draining else NOT_HERE)
            return answer
        self._idle.clear()
        self._give_to_scheduler(request)
        return answer

    def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
        is_admitted = self.ledger.admits(requests.model_index)
        refused = Reason.DRAINING if self._draining else None if is_admitted else Reason.MODEL_NOT_HERE
        self._idle.clear()
        self._bulks.submit(requests, arrived_us, listener, refused=refused)

    def withdraw_bulks(self, listeners: Collection[BulkListener]) -> None:
        self._bulks.withdraw(listeners, self._now())

    # The listener of the workers

    def gpu_ready(self, gpu: int) -> None:
        _log.info("gpu_ready", gpu=gpu, ready=len(self.link.ready_gpus), of=self.spec.gpus)
        self._offer(gpu)

    def gpu_lost(self, gpu: int, reason: str) -> None:
        self._roster.withdraw(gpu)
        for batch in self._batches.lose(gpu):
            self._put_back(batch, reason)

    def gpu_leaving(self, gpu: int) -> None:
        if self._roster.is_leaving(gpu):
            return
        _log.info("gpu_leaving", gpu=gpu)
        if not self._batches.are_on(gpu) or self.spec.rules.policy in CANNOT_RETIRE:
            self.link.part(gpu)
        else:
            self._roster.retire(gpu)

    def batch_done(self, gpu: int, message: wire.BatchDone, frames: Sequence[bytes]) -> None:
        batch = self._finished(gpu, message)
        if batch is None:
            return
        try:
            outputs = wire.tensors_from_frames(batch.model.outputs, frames, batch.size)
        except wire.WireError as error:
            self._fail(batch, str(error))
        else:
            self._complete(batch, outputs)

    def batch_failed(self, gpu: int, message: wire.BatchFailed) -> None:
        batch = self._finished(gpu, message)
        if batch is not None:
            self._fail(batch, message.error)

    def _offer(self, gpu: int) -> None:
        if not self._batches.are_on(gpu):
            self._roster.offer(gpu)

    # Draining and watching

    async def drain(self, timeout_s: float) -> bool:
        """Accept nothing more, wait for what was accepted; False when time ran out first."""
        self._draining = True
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def watch(self) -> None:
        """Find workers that vanished or stalled; to be called every ``wire.PING_INTERVAL_S``."""
        self.link.ping()
        instant_us = self._now()
        self.advice.look(self.scheduler, len(self.link.ready_gpus), instant_us)
        for gpu in self._batches.stalled_gpus(instant_us):
            self.link.give_up(gpu, "its batch is long overdue")
        self.ledger.tick()
        self._answer_overdue(instant_us - PROMISE_PASSED_US)

    def _answer_overdue(self, before_us: int) -> None:
        """Nobody waits for ever: not for a GPU that stands still, nor for one that never came."""
        self._bulks.answer_overdue(before_us)
        for request in self._accepted():
            if request.due_us < before_us:
                text = "the promise has passed and no GPU has answered"
                self._answer(request, Outcome.LATE, Refusal(Reason.LATE, text))

    def _executing(self) -> list[Request]:
        return [request for batch in self._batches for request in batch.requests]

    def _accepted(self) -> list[Request]:
        """Those not answered yet."""
        return [each for each in (*self._requests.values(), *self._executing()) if not each.is_answered]

    # Moves of a request

    def _give_to_scheduler(self, request: Request) -> None:
        self._requests[request.id] = request
        self._driver.arrive(request.model_index, request.id, request.deadline_us, request.tenant_index)

    def _start_batch(self, command: StartBatch) -> None:
        ids, segments = self._bulks.take(command.request_ids)
        requests, gone = parted([self._requests.pop(each) for each in ids])
        for request in gone:
            self._answer(request, Outcome.CANCELLED, CLIENT_GONE)
        gpu, model_index = int(command.gpu_id), int(command.model_index)
        model, planned = self.spec.models[model_index], (stalled_from_us(command), int(command.batch_id))
        batch = _Batch(self._next_batch_id, gpu, model, requests, segments, self._now(), *planned)
        self._next_batch_id += 1
        if not batch.size:  # nobody waits for any of it, and the GPU is spared
            batch.is_answered = True
            self._batches.add(batch)
            self._tell_ended(gpu)
            return
        message = wire.RunBatch(batch.id, self._wire_index[model_index], batch.size)
        if self.link.run_batch(gpu, message, batch_inputs(requests, segments)):
            self._batches.add(batch)
        else:
            self._roster.withdraw(gpu)
            self._put_back(batch, "it was gone before the batch could be sent")

    def _drop_request(self, command: DropRequest) -> None:
        (outcome, refusal), request_id = DROPS[command.reason], int(command.request_id)
        if request_id >= FIRST_ID:
            self._bulks.drop(request_id, outcome, refusal.reason)
        else:
            request = self._requests.pop(request_id)
            told = self._retry_after.told(refusal, request.model_index, self._now())
            self._answer(request, outcome, told)

    def _put_back(self, batch: _Batch, reason: str) -> None:
        instant_us = self._now()
        self._bulks.put_back(batch.segments, instant_us)
        for request in batch.requests:
            if request.is_answered:
                continue
            is_wanted = request.model_index != NOT_SERVED and not request.answer.cancelled()
            if is_wanted and request.deadline_us > instant_us:
                self._give_to_scheduler(request)
            else:
                text = f"GPU {batch.gpu} was lost too late to try another: {reason}"
                self._answer(request, Outcome.FAILED, Refusal(Reason.GPU_LOST, text))

    def _finished(self, gpu: int, message: wire.BatchDone | wire.BatchFailed) -> _Batch | None:
        """The batch answered and the scheduler told; None for one that is not under way."""
        batch = self._batches.answer(gpu, message.batch_id)
        if batch is None:
            _log.warning("unknown_batch", gpu=gpu, batch_id=message.batch_id)
            return None
        instant_us = self._now()
        took_us = min(message.finished_us - message.started_us, instant_us - batch.sent_us)
        self.ledger.executed(batch, max(0, took_us))
        self._tell_ended(gpu)
        return batch

    def _tell_ended(self, gpu: int) -> None:
        for ended in self._batches.take_ended(gpu):
            if ended.scheduler_id is not None:
                self._driver.tell(BatchFinished(gpu, ended.scheduler_id))
        if self._roster.is_leaving(gpu) and not self._batches.are_on(gpu):
            self.link.part(gpu)
        else:
            self._offer(gpu)

    def _complete(self, batch: _Batch, outputs: Sequence[Array]) -> None:
        instant_us = self._now()
        self._bulks.complete(batch.segments, outputs, instant_us)
        for row, request in enumerate(batch.requests):
            self._answer(request, *ending(request, row, outputs, instant_us))

    def _fail(self, batch: _Batch, error: str) -> None:
        _log.error("batch_failed", model=batch.model.id, gpu=batch.gpu, batch_size=batch.size, error=error)
        self._bulks.fail(batch.segments)
        refusal = Refusal(Reason.MODEL_FAILED, f"the model failed on the batch of this request: {error}")
        for request in batch.requests:
            self._answer(request, Outcome.FAILED, refusal)

    def _answer(self, request: Request, outcome: Outcome, answer: Answer) -> None:
        """The one place where a request ends; its client may be gone."""
        if request.is_answered:
            return
        request.is_answered = True
        self._pending -= 1
        self.ledger.answered(request, outcome, answer)
        if not request.answer.done():
            request.answer.set_result(answer)
        self._note_idle()

    def _note_idle(self) -> None:
        if self.pending == 0:
            self._idle.set()

    def _found_bug(self, error: Exception) -> None:
        _log.critical("scheduler_bug", exc_info=error)
        self._draining = True
        if not self.bug.done():
            self.bug.set_result(error)
