"""A whole live sub-cluster in virtual time: the real runtime, simulated processes, network and clients."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

import numpy as np

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tensor
from dispatcher.core.events import Command, Event
from dispatcher.core.scheduler import Scheduler
from dispatcher.frontend.service import Answer, Completed
from dispatcher.runtime.dispatcher_daemon import scheduler_for
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.plan_change import change_plan
from dispatcher.runtime.refusals import NOT_HERE
from dispatcher.runtime.worker_link import WorkerLink
from tests.simulation.live_network import Network
from tests.simulation.live_worker import SimulatedWorker
from tests.simulation.virtual_time import VirtualLoop

ANSWERED_US_MAX = 1_000_000
"""Past its promise, whatever happens to it."""

RESTART_US = 500_000
VALIDATED_EVERY = 25


class CheckedScheduler:
    """The real one, its invariants asserted now and then."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._steps = 0
        self.hold_factor = 1.0
        self.take_observation = scheduler.take_observation
        self.catching_up_us = scheduler.catching_up_us

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        commands = self._scheduler.step(now_us, events)
        self._steps += 1
        if self._steps % VALIDATED_EVERY == 0:
            self._scheduler.validate()
        return commands


@dataclass(slots=True)
class Asked:
    """One request of a client, and how it ended."""

    model: str
    at_us: int
    due_us: int
    value: float
    ending: asyncio.Future[Answer] | None = None
    answered_us: int | None = None
    answer: Answer | None = None
    is_cut_off: bool = False  # its dispatcher died: the client sees the connection break

    @property
    def is_good(self) -> bool:
        return isinstance(self.answer, Completed)


@dataclass(slots=True)
class Dispatcher:
    """One incarnation of the process."""

    live: LiveSubCluster
    link: WorkerLink
    meter: LoadMeter
    offered: SubClusterSpec
    open_requests: list[Asked] = field(default_factory=list)
    accepted: int = 0
    answered_before: int = 0  # under plans before the present one


class World:
    """
    Everything that a schedule of faults may act on.

    Workers and dispatcher are restarted half a second after they died, as a node would.
    """

    def __init__(self, spec: SubClusterSpec, loop: VirtualLoop, random: Random) -> None:
        self.spec = spec
        self.loop = loop
        self.network = Network(loop, random)
        self.asked: list[Asked] = []
        self.dispatcher: Dispatcher | None = None
        self.workers: dict[int, SimulatedWorker] = {}
        self.changing: asyncio.Task[None] | None = None
        self._pids = count(100)
        self._values = count(1)
        self.start_dispatcher()
        for gpu in range(spec.gpus):
            self.start_worker(gpu)
        loop.at_us(loop.now_us(), self._watch)

    # Processes

    def start_dispatcher(self) -> None:
        if self.dispatcher is not None:
            return
        spec, loop = self.spec, self.loop
        welcome = wire.Welcome(wire.CONTRACT_VERSION, spec.id, spec.plan_version, spec.models)
        link = WorkerLink(self.network.router(), welcome, spec.gpus)
        meter = LoadMeter([model.id for model in spec.models], loop.now_us(), 0.0)
        scheduler = CheckedScheduler(scheduler_for(spec))
        live = LiveSubCluster(spec, scheduler, link, meter, loop, now=loop.now_us, make_alarm=loop.alarm)
        live.start()
        self.dispatcher = Dispatcher(live, link, meter, spec)

    def kill_dispatcher(self) -> None:
        """As by SIGKILL: nobody is told, sockets close."""
        killed, self.dispatcher = self.dispatcher, None
        if killed is None:
            return
        killed.live._driver.close()
        if self.changing is not None:
            self.changing.cancel()
        self.network.router()  # what is still on its way reaches nobody
        for asked in killed.open_requests:
            if asked.answered_us is None:
                asked.answered_us, asked.is_cut_off = self.loop.now_us(), True
        self.loop.at_us(self.loop.now_us() + RESTART_US, self.start_dispatcher)

    def change_plan(self, spec: SubClusterSpec) -> None:
        """Another plan for the dispatcher that runs; one that starts later runs it from the start."""
        if self.dispatcher is not None and self.changing is None:
            self.changing = self.loop.create_task(self._change_plan(self.dispatcher, spec))

    async def _change_plan(self, dispatcher: Dispatcher, spec: SubClusterSpec) -> None:
        def switch(spec: SubClusterSpec, offered: SubClusterSpec) -> None:
            names = [model.id for model in spec.models]
            dispatcher.answered_before += sum(tally.answered for tally in dispatcher.meter.totals())
            dispatcher.meter = LoadMeter(names, self.loop.now_us(), 0.0)
            dispatcher.offered = offered
            dispatcher.live.switch(spec, CheckedScheduler(scheduler_for(spec)), dispatcher.meter)

        try:
            await change_plan(self.spec, spec, dispatcher.link, dispatcher.live, switch)
            self.spec = spec
            for gpu in range(spec.gpus, len(self.workers)):
                self.workers[gpu].terminate()
            for gpu in range(spec.gpus):
                self.start_worker(gpu)
        finally:
            self.changing = None

    def start_worker(self, gpu: int) -> None:
        if gpu >= self.spec.gpus:
            return
        if gpu not in self.workers or not self.workers[gpu].is_alive:
            self.workers[gpu] = SimulatedWorker(self.network, gpu, next(self._pids), self._restart)

    def kill_worker(self, gpu: int) -> None:
        worker = self.workers[gpu]
        if worker.is_alive:
            worker.kill()
            self._restart(worker)

    def _restart(self, worker: SimulatedWorker) -> None:
        self.loop.at_us(self.loop.now_us() + RESTART_US, self.start_worker, worker.gpu)

    def _watch(self) -> None:
        """The dispatcher's chore, and what must hold at any moment."""
        if self.dispatcher is not None:
            self.dispatcher.live.watch()
            self._check(self.dispatcher)
        self.loop.call_later(wire.PING_INTERVAL_S, self._watch)

    # Clients

    def ask(self, model: ServedModel) -> None:
        """One request of a client now; cut off at once where no dispatcher runs."""
        now_us = self.loop.now_us()
        asked = Asked(model.id, now_us, now_us + model.slo_us, float(next(self._values)))
        self.asked.append(asked)
        if self.dispatcher is None:
            asked.answered_us, asked.is_cut_off = now_us, True
            return
        dispatcher = self.dispatcher
        index = next((i for i, each in enumerate(dispatcher.offered.models) if each.id == model.id), None)
        if index is None:
            asked.answered_us, asked.answer = now_us, NOT_HERE
            return
        dispatcher.open_requests.append(asked)
        dispatcher.accepted += 1
        inputs = (np.full((1, 1), asked.value, dtype=np.float32),)
        asked.ending = answer = dispatcher.live.submit(index, inputs, now_us, None)
        answer.add_done_callback(lambda done: self._answered(asked, done))

    def _answered(self, asked: Asked, done: asyncio.Future[Answer]) -> None:
        assert asked.answered_us is None or asked.is_cut_off, "a request was answered twice"
        if asked.is_cut_off:
            return
        asked.answered_us, asked.answer = self.loop.now_us(), done.result()
        if isinstance(asked.answer, Completed):
            assert asked.answered_us <= asked.due_us, "a late answer counted as good"
            assert asked.answer.outputs[0].tolist() == [[asked.value]], "the answer of another request"

    # What must hold

    def _check(self, dispatcher: Dispatcher) -> None:
        if dispatcher.live.bug.done():
            raise dispatcher.live.bug.result()
        now_us = self.loop.now_us()
        still_open = [asked for asked in dispatcher.open_requests if not _is_over(asked)]
        for asked in still_open:
            assert now_us <= asked.due_us + ANSWERED_US_MAX, f"{asked} has no answer"
        dispatcher.open_requests = still_open
        counted = dispatcher.answered_before + sum(t.answered for t in dispatcher.meter.totals())
        assert counted == dispatcher.accepted - len(still_open), "counted otherwise than answered"

    def reasons(self, since_us: int = 0) -> Counter[str]:
        """How the requests asked since then ended."""
        return Counter(_ending(asked) for asked in self.asked if asked.at_us >= since_us)


def _is_over(asked: Asked) -> bool:
    return asked.ending is not None and asked.ending.done()


def _ending(asked: Asked) -> str:
    if asked.is_cut_off:
        return "cut_off"
    if isinstance(asked.answer, Completed):
        return "good"
    return "open" if asked.answer is None else str(asked.answer.reason)


def served(name: str, slo_us: int, alpha_us: int, beta_us: int, largest: int) -> ServedModel:
    """A model of the affine curve ``alpha b + beta``, one number in, one out."""
    curve = (0, *(alpha_us * size + beta_us for size in range(1, largest + 1)))
    number = (Tensor("x", "FP32", (1,)),)
    return ServedModel(name, slo_us, curve, number, number)
