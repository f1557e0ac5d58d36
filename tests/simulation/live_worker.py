"""A worker process in virtual time: the real conversation, an emulated GPU, and signals."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from dispatcher.backends.loading import LoadedModel
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.runtime.worker_conversation import WorkerConversation, WorkerFailed, WorkerIdentity
from tests.simulation.live_network import Frames, Network

TURN_US = 100_000


class _AtOnce(Executor):
    """Loads when asked to, in no virtual time."""

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class EchoGpu:
    """Takes exactly its curve's time, times the worker's slowness, and answers its input."""

    def __init__(self, model: ServedModel, worker: SimulatedWorker) -> None:
        self._model = model
        self._worker = worker

    def execute(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return self._worker.execute(self._model, inputs)


class SimulatedWorker:
    """
    One process. While it executes, its own clock runs ahead of the world's and nothing reaches it.

    ``on_end`` is called once it has ended of itself.
    """

    def __init__(
        self, network: Network, gpu: int, pid: int, on_end: Callable[[SimulatedWorker], None]
    ) -> None:
        self.gpu = gpu
        self.is_alive = True
        self.silent_since_us: int | None = None
        self.slowness = 1.0
        self.hang_us = 0  # once, in the next batch
        self.fails_next = False
        self._network = network
        self._loop = network.loop
        self._on_end = on_end
        self._local_us = self._loop.now_us()
        self._identity = b""
        self._inbox: deque[tuple[bytes, Frames]] = deque()
        self._unsent: list[tuple[bytes, Frames]] = []
        self._conversation = WorkerConversation(
            WorkerIdentity(gpu, "host", pid),
            self,
            load=lambda model: LoadedModel(EchoGpu(model, self), 1, None),
            executor=_AtOnce(),
            now=self._now_us,
            on_ready=lambda models, loads: None,
        )
        self._conversation.hello()
        self._loop.at_us(self._loop.now_us() + TURN_US, self._turn)

    # Signals

    def kill(self) -> None:
        self.is_alive = False

    def stop(self) -> None:
        if self.silent_since_us is None:
            self.silent_since_us = self._loop.now_us()

    def resume(self) -> None:
        if self.silent_since_us is None:
            return
        stood_us = self._loop.now_us() - self.silent_since_us
        if self._is_busy():
            self._local_us += stood_us
        self.silent_since_us = None
        unsent, self._unsent = self._unsent, []
        for identity, frames in unsent:
            self._network.to_dispatcher(identity, frames)
        self._work()

    def terminate(self) -> None:
        if self.is_alive:
            self._conversation.leave()
            self._end_if_left()

    # The line

    def connect(self) -> None:
        self._network.disconnect(self._identity)
        self._identity = self._network.connect(self)

    def send(self, frames: Sequence[Any]) -> None:
        carried = (self._identity, [bytes(each) for each in frames])
        self._loop.at_us(self._now_us(), self._put_on_the_wire, *carried)

    def receive(self, identity: bytes, frames: Frames) -> None:
        if self.is_alive:
            self._inbox.append((identity, frames))
            self._work()

    # Its insides

    def execute(self, model: ServedModel, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        if self.fails_next:
            self.fails_next = False
            raise FloatingPointError("the model raised")
        took_us = model.latency_us[len(inputs[0])] * self.slowness + self.hang_us
        self.hang_us = 0
        self._local_us = self._now_us() + int(took_us)
        return [np.array(array) for array in inputs]

    def _now_us(self) -> int:
        return max(self._loop.now_us(), self._local_us)

    def _is_busy(self) -> bool:
        return self._local_us > self._loop.now_us()

    def _put_on_the_wire(self, identity: bytes, frames: Frames) -> None:
        if not self.is_alive:
            return
        if self.silent_since_us is not None:
            self._unsent.append((identity, frames))
        else:
            self._network.to_dispatcher(identity, frames)

    def _work(self) -> None:
        """Take messages while nothing is executed."""
        while self._inbox and self.is_alive and self.silent_since_us is None:
            if self._is_busy():
                self._loop.at_us(self._local_us, self._work)
                return
            identity, frames = self._inbox.popleft()
            if identity == self._identity:
                self._guarded(lambda frames=frames: self._conversation.hear(frames))

    def _turn(self) -> None:
        if not self.is_alive:
            return
        if self.silent_since_us is None and not self._is_busy():
            self._guarded(self._conversation.turn)
        self._loop.at_us(self._loop.now_us() + TURN_US, self._turn)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except WorkerFailed:
            self._end()
        self._end_if_left()

    def _end_if_left(self) -> None:
        if self._conversation.has_ended and self.is_alive:
            self._loop.at_us(self._now_us() + 1, self._end)

    def _end(self) -> None:
        if self.is_alive:
            self.is_alive = False
            self._on_end(self)
