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
client gone            nothing yet; left out of the next batch, or its result is
                       dropped, and counted as cancelled
promise passed         answered: late, whatever becomes of the batch
plan switched          those with the scheduler to the next; batches go on
=====================  ==========================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import structlog

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.events import BatchFinished, DropRequest, StartBatch
from dispatcher.core.scheduler import Scheduler
from dispatcher.frontend.service import Answer, Completed, Outcome, Reason, Refusal
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.alarm import AlarmMaker, alarm
from dispatcher.runtime.clock import Now, now_us
from dispatcher.runtime.driver import SchedulerDriver
from dispatcher.runtime.event_log import EventRecorder
from dispatcher.runtime.ledger import Ledger
from dispatcher.runtime.live_advice import LiveAdvice
from dispatcher.runtime.live_request import NOT_SERVED, Request, renumber
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.refusals import CLIENT_GONE, DRAINING, DROPS, NOT_HERE
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
        self._link = link
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
        self.ledger = Ledger(spec, meter)
        self._run(spec, scheduler, recorder)

    def _run(self, spec: SubClusterSpec, scheduler: Scheduler, recorder: EventRecorder | None) -> None:
        self._spec = spec
        self._scheduler = scheduler
        self._advice = LiveAdvice(spec.gpus, self._now())
        self._wire_index = self._link.indices_of(spec.models)
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
        self._roster.serve(spec.gpus, self._driver.tell)

    def start(self) -> None:
        """Take workers in; until one is ready the scheduler knows of no GPU."""
        self._link.start(self)

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
        renumber([*waiting, *self._executing()], self._spec, spec)
        self.ledger = Ledger(spec, meter, self.ledger)
        self._run(spec, scheduler, recorder)
        for gpu in self._link.ready_gpus:
            self._offer(gpu)
        for request in waiting:
            if request.model_index == NOT_SERVED:
                self._answer(request, Outcome.REJECTED, NOT_HERE)
            elif not request.is_answered:
                self._give_to_scheduler(request)

    def pending_of(self, model_index: int) -> int:
        """Requests of one model accepted and not yet answered."""
        return sum(each.model_index == model_index for each in self._accepted())

    def abandon(self) -> None:
        """Step no more, and answer what a drain could not."""
        self._draining = True
        self._driver.close()
        for request in self._executing():
            self._answer(request, Outcome.FAILED, DRAINING)
        for request in self._accepted():
            self._answer(request, Outcome.DROPPED, DRAINING)
        self._batches = BatchesUnderWay()
        self._requests.clear()

    def close(self) -> None:
        """Abandon what is left and let go of the workers."""
        self.abandon()
        self._link.close()

    # The service behind the doors

    @property
    def spec(self) -> SubClusterSpec:
        return self._spec

    @property
    def pending(self) -> int:
        """Requests accepted and not yet answered."""
        return self._pending

    @property
    def gpus_ready(self) -> int:
        return len(self._link.ready_gpus)

    @property
    def gpus_advised(self) -> int:
        """How many the observed load asks for."""
        return self._advice.gpus

    @property
    def hold_factor(self) -> float:
        return self._scheduler.hold_factor

    @property
    def ready(self) -> bool:
        return not self._draining and bool(self._link.ready_gpus)

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
        promise_us = self._spec.models[model_index].slo_us
        due_us = arrived_us + (promise_us if timeout_us is None else min(promise_us, timeout_us))
        deadline_us = due_us - self._spec.delays.resp_us
        request = Request(
            self._next_id, model_index, tenant_index, arrived_us, due_us, deadline_us, inputs, answer
        )
        self._next_id += 1
        self.ledger.meter.arrived(model_index, arrived_us)
        self._pending += 1
        if self._draining:
            self._answer(request, Outcome.REJECTED, DRAINING)
            return answer
        if not self.ledger.admits(model_index):
            self._answer(request, Outcome.REJECTED, NOT_HERE)
            return answer
        self._idle.clear()
        self._give_to_scheduler(request)
        return answer

    # The listener of the workers

    def gpu_ready(self, gpu: int) -> None:
        _log.info("gpu_ready", gpu=gpu, ready=len(self._link.ready_gpus), of=self._spec.gpus)
        self._offer(gpu)

    def gpu_lost(self, gpu: int, reason: str) -> None:
        self._roster.withdraw(gpu)
        for batch in self._batches.lose(gpu):
            self._put_back(batch, reason)

    def gpu_leaving(self, gpu: int) -> None:
        if self._roster.is_leaving(gpu):
            return
        _log.info("gpu_leaving", gpu=gpu)
        if not self._batches.are_on(gpu) or self._spec.rules.policy in CANNOT_RETIRE:
            self._link.part(gpu)
        else:
            self._roster.retire(gpu)

    def batch_done(self, gpu: int, message: wire.BatchDone, frames: Sequence[bytes]) -> None:
        batch = self._finished(gpu, message)
        if batch is None:
            return
        try:
            outputs = wire.tensors_from_frames(batch.model.outputs, frames, len(batch.requests))
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
        self._link.ping()
        instant_us = self._now()
        self._advice.look(self._scheduler, len(self._link.ready_gpus), instant_us)
        for gpu in self._batches.stalled_gpus(instant_us):
            self._link.give_up(gpu, "its batch is long overdue")
        self._answer_overdue(instant_us - PROMISE_PASSED_US)

    def _answer_overdue(self, before_us: int) -> None:
        """Nobody waits for ever: not for a GPU that stands still, nor for one that never came."""
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
        requests = self._wanted([self._requests.pop(each) for each in command.request_ids.tolist()])
        gpu, model_index = int(command.gpu_id), int(command.model_index)
        model = self._spec.models[model_index]
        stalled_us, scheduler_id = stalled_from_us(command), int(command.batch_id)
        batch = _Batch(self._next_batch_id, gpu, model, requests, self._now(), stalled_us, scheduler_id)
        self._next_batch_id += 1
        inputs = [np.concatenate(parts) for parts in zip(*(each.inputs for each in requests), strict=True)]
        message = wire.RunBatch(batch.id, self._wire_index[model_index], len(requests))
        if self._link.run_batch(gpu, message, inputs):
            self._batches.add(batch)
        else:
            self._roster.withdraw(gpu)
            self._put_back(batch, "it was gone before the batch could be sent")

    def _wanted(self, requests: list[Request]) -> list[Request]:
        """Those somebody waits for; but one at least, since the batch has its place on a GPU."""
        wanted = [request for request in requests if not request.answer.done()] or requests[-1:]
        for request in requests:
            if request.answer.cancelled() and request is not wanted[0]:
                self._answer(request, Outcome.CANCELLED, CLIENT_GONE)
        return wanted

    def _drop_request(self, command: DropRequest) -> None:
        outcome, refusal = DROPS[command.reason]
        self._answer(self._requests.pop(int(command.request_id)), outcome, refusal)

    def _put_back(self, batch: _Batch, reason: str) -> None:
        instant_us = self._now()
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
        self.ledger.executed(batch, max(0, took_us), instant_us)
        for ended in self._batches.take_ended(gpu):
            if ended.scheduler_id is not None:
                self._driver.tell(BatchFinished(gpu, ended.scheduler_id))
        if not self._batches.are_on(gpu):
            if self._roster.is_leaving(gpu):
                self._link.part(gpu)
            else:
                self._roster.offer(gpu)
        return batch

    def _complete(self, batch: _Batch, outputs: Sequence[Array]) -> None:
        instant_us = self._now()
        for row, request in enumerate(batch.requests):
            if request.is_answered:
                continue
            if instant_us > request.due_us:
                text = f"the answer came {(instant_us - request.due_us) / 1e3:.3f} ms after the promise"
                self._answer(request, Outcome.LATE, Refusal(Reason.LATE, text))
            else:
                self._answer(
                    request, Outcome.IN_TIME, Completed(tuple(each[row : row + 1] for each in outputs))
                )

    def _fail(self, batch: _Batch, error: str) -> None:
        _log.error(
            "batch_failed", model=batch.model.id, gpu=batch.gpu, batch_size=len(batch.requests), error=error
        )
        for request in batch.requests:
            text = f"the model failed on the batch of this request: {error}"
            self._answer(request, Outcome.FAILED, Refusal(Reason.MODEL_FAILED, text))

    def _answer(self, request: Request, outcome: Outcome, answer: Answer) -> None:
        """The one place where a request ends; its client may be gone."""
        if request.is_answered:
            return
        request.is_answered = True
        self._pending -= 1
        self.ledger.answered(request, outcome, self._now())
        if not request.answer.done():
            request.answer.set_result(answer)
        if self._pending == 0:
            self._idle.set()

    def _found_bug(self, error: Exception) -> None:
        _log.critical("scheduler_bug", exc_info=error)
        self._draining = True
        if not self.bug.done():
            self.bug.set_result(error)
