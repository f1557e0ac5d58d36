"""
The worker's end of the conversation: what it holds, and what it answers.

No socket, no clock and no thread of its own: the line carries messages, ``now`` tells the
time, the executor loads models. So the very same code serves in a process and in a
simulation of many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import structlog

from dispatcher.backends.backend import Backend, DeviceLost, ModelUnfit, check_outputs
from dispatcher.backends.loading import LoadedModel
from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.runtime.clock import Now

ERROR_CHARS_MAX = 500
BATCHES_REMEMBERED = 256
"""A batch that comes again is told from a new one among so many."""

ASK_AGAIN_US = 500_000
LEAVE_US_MAX = 10_000_000
"""A dispatcher that says no Goodbye within this is not there."""

_log = structlog.get_logger()

_Held: TypeAlias = dict[Hashable, LoadedModel]


class WorkerFailed(RuntimeError):
    """
    The dispatcher refused this worker, a model cannot be loaded, or its GPU cannot be used any more.

    ``model`` is the one that cannot be loaded; unless it ``may_pass``, another try finds the same.
    """

    def __init__(self, text: str, *, model: str | None = None, may_pass: bool = True) -> None:
        super().__init__(text)
        self.model = model
        self.may_pass = may_pass


class _LoadFault(Exception):
    def __init__(self, model: str, error: Exception) -> None:
        super().__init__(f"{model}: {error}")
        self.model = model
        self.may_pass = not isinstance(error, ModelUnfit)
        self.text = str(error)[:ERROR_CHARS_MAX]


class Line(Protocol):
    """The worker's way to its dispatcher."""

    def connect(self) -> None:
        """Anew, under a new identity: whatever was under way on the old connection is forgotten."""
        ...

    def send(self, frames: Sequence[Any]) -> None:
        """Never waits; what cannot be sent is lost."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """As which GPU of the sub-cluster the worker serves, and which process it is."""

    gpu: int
    host: str
    pid: int


class WorkerConversation:
    """
    Serves as one GPU of a sub-cluster, one batch at a time.

    ``on_ready`` is called with the models' names and their loads each time the dispatcher may
    send batches of them. ``has_ended`` is true once it has left.
    """

    def __init__(
        self,
        identity: WorkerIdentity,
        line: Line,
        *,
        load: Callable[[ServedModel], LoadedModel],
        executor: Executor,
        now: Now,
        on_ready: Callable[[Sequence[str], Sequence[wire.Load]], None],
    ) -> None:
        self._identity = identity
        self._line = line
        self._load = load
        self._executor = executor
        self._now = now
        self._on_ready = on_ready
        self._held: _Held = {}
        self._table: dict[int, tuple[ServedModel, Backend]] = {}  # by wire index
        self._wanted: wire.Welcome | None = None
        self._loading: tuple[wire.Welcome, Future[_Held]] | None = None
        self._ready: wire.Ready | None = None
        self._batch_ids: deque[int] = deque(maxlen=BATCHES_REMEMBERED)
        self._heard_us = 0
        self._asked_us = 0
        self._alone = True
        self._leaving_since_us: int | None = None
        self.has_ended = False

    def hello(self) -> None:
        """Start anew; models that are loaded stay loaded."""
        self._line.connect()
        self._wanted = self._ready = None
        self._table = {}
        self._batch_ids.clear()
        who = self._identity
        self._send(wire.Hello(wire.CONTRACT_VERSION, who.gpu, who.host, who.pid))
        self._heard_us = self._asked_us = self._now()

    def hear(self, parts: Sequence[bytes]) -> None:
        """Take one message. Raises ``WorkerFailed``."""
        try:
            if not parts:
                raise wire.WireError("an empty message")
            message = wire.decode_from_dispatcher(parts[0])
        except wire.WireError as error:
            _log.warning("message_refused", error=str(error))
            return
        self._alone = False
        self._take(message, parts[1:])
        self._heard_us = self._now()  # after a batch: while it executes nothing can be heard

    def turn(self) -> None:
        """
        Look whether models are loaded or the dispatcher is silent; to be called several times a second.

        Raises ``WorkerFailed``.
        """
        self._finish_loading()
        instant_us = self._now()
        if self._leaving_since_us is not None and instant_us - self._leaving_since_us > LEAVE_US_MAX:
            self.has_ended = True
        elif instant_us - self._heard_us > wire.SILENCE_MAX_S * 1e6:
            if self._leaving_since_us is not None:
                self.has_ended = True
                return
            if not self._alone:
                _log.info("dispatcher_silent")
            self._alone = True
            self.hello()

    def leave(self) -> None:
        """Ask to be sent nothing more; what was sent is executed before ``has_ended``."""
        if self._leaving_since_us is None:
            self._leaving_since_us = self._now()
            if self._alone:
                self.has_ended = True
            self._send(wire.Leaving())

    def _take(self, message: wire.FromDispatcher, frames: Sequence[bytes]) -> None:
        match message:
            case wire.RunBatch():
                self._run_batch(message, frames)
            case wire.Welcome():
                self._want(message)
            case wire.Ping():
                self._compare(message)
            case wire.Refused():
                raise WorkerFailed(f"the dispatcher refuses this worker: {message.reason}")
            case wire.HelloWanted() if self._leaving_since_us is not None:
                self.has_ended = True
            case wire.HelloWanted():
                self.hello()
            case wire.Goodbye():
                _log.info("dispatcher_said_goodbye")
                self.has_ended = self.has_ended or self._leaving_since_us is not None

    def _compare(self, ping: wire.Ping) -> None:
        """Say again what the dispatcher has not heard, ask again for what did not come."""
        instant_us = self._now()
        if instant_us - self._asked_us < ASK_AGAIN_US:
            return
        self._asked_us = instant_us
        if self._leaving_since_us is not None:
            self._send(wire.Leaving())
        elif self._wanted is None or ping.revision > self._wanted.revision:
            self._send(wire.PlanWanted())
        elif self._ready is not None and ping.known < self._ready.revision:
            self._send(self._ready)

    # What it holds

    def _want(self, welcome: wire.Welcome) -> None:
        if welcome.contract_version != wire.CONTRACT_VERSION:
            raise WorkerFailed(
                f"contract_version: must be {wire.CONTRACT_VERSION}, got {welcome.contract_version}"
            )
        if len(welcome.indices) != len(welcome.models):
            _log.warning("welcome_refused", models=len(welcome.models), indices=len(welcome.indices))
            return
        if self._wanted is not None and welcome.revision <= self._wanted.revision:
            return
        self._wanted = welcome
        self._load_wanted()

    def _load_wanted(self) -> None:
        if self._loading is None and self._wanted is not None:
            welcome, held = self._wanted, dict(self._held)
            self._loading = (welcome, self._executor.submit(self._loaded, welcome, held))
            self._finish_loading()

    def _loaded(self, welcome: wire.Welcome, held: _Held) -> _Held:
        """What is held already and what is not, in the executor's thread."""
        loaded: _Held = {}
        for model in welcome.models:
            key = wire.load_key(model)
            try:
                loaded[key] = held[key] if key in held else self._load(model)
            except Exception as error:  # whatever a model raises while it is loaded
                raise _LoadFault(model.id, error) from error
        return loaded

    def _finish_loading(self) -> None:
        if self._loading is None or not self._loading[1].done():
            return
        (welcome, future), self._loading = self._loading, None
        try:
            loaded = future.result()
        except _LoadFault as fault:
            self._note_fault(welcome, fault)
            loaded = None
        if welcome is not self._wanted:  # a newer one came meanwhile, or the dispatcher went
            self._load_wanted()
        elif loaded is not None:
            self._hold(welcome, loaded)

    def _note_fault(self, welcome: wire.Welcome, fault: _LoadFault) -> None:
        _log.error("load_failed", model=fault.model, error=fault.text)
        self._send(wire.LoadFailed(welcome.revision, fault.model, fault.text))
        if not self._table:
            subject = f"model {fault.model}: "
            text = subject + fault.text.removeprefix(subject)
            raise WorkerFailed(text, model=fault.model, may_pass=fault.may_pass) from fault

    def _hold(self, welcome: wire.Welcome, loaded: _Held) -> None:
        fresh = [(key, each) for key, each in loaded.items() if key not in self._held]
        names = {wire.load_key(model): model.id for model in welcome.models}
        self._held = loaded
        self._table = {
            index: (model, loaded[wire.load_key(model)].backend)
            for index, model in zip(welcome.indices, welcome.models, strict=True)
        }
        loads = tuple(wire.Load(names[key], each.load_us, each.memory_bytes) for key, each in fresh)
        self._ready = wire.Ready(welcome.revision, loads)
        self._send(self._ready)
        _log.info("worker_ready", sub_cluster=welcome.sub_cluster, plan_version=welcome.plan_version)
        self._on_ready([model.id for model in welcome.models], loads)

    # Batches

    def _run_batch(self, message: wire.RunBatch, frames: Sequence[bytes]) -> None:
        if message.batch_id in self._batch_ids:
            _log.warning("batch_came_again", batch_id=message.batch_id)
            return
        self._batch_ids.append(message.batch_id)
        started_us = self._now()
        try:
            outputs = self._execute(message, frames)
        except Exception as error:  # whatever a model raises is the end of its batch alone
            finished_us = self._now()
            text = f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
            _log.exception("batch_failed", batch_id=message.batch_id, model_index=message.model_index)
            self._send(wire.BatchFailed(message.batch_id, started_us, finished_us, text))
            if isinstance(error, DeviceLost):
                raise WorkerFailed(text) from error
            return
        self._send(wire.BatchDone(message.batch_id, started_us, self._now()), outputs)

    def _execute(self, message: wire.RunBatch, frames: Sequence[bytes]) -> list[memoryview]:
        if message.model_index not in self._table:
            held = ", ".join(str(index) for index in sorted(self._table)) or "none"
            raise wire.WireError(f"model_index: must be one of {held}, got {message.model_index}")
        model, backend = self._table[message.model_index]
        inputs = wire.tensors_from_frames(model.inputs, frames, message.batch_size)
        outputs = backend.execute(inputs)
        check_outputs(model, outputs, message.batch_size)
        return [wire.frame(output) for output in outputs]

    def _send(self, message: wire.FromWorker, frames: Sequence[memoryview] = ()) -> None:
        self._line.send([wire.encode(message), *frames])
