"""
The dispatcher's end of its workers' conversation: who serves which GPU, what it holds, who has vanished.

What workers are to hold is a *revision*: a list of models, each under a wire index that
means this model for good. A new revision is sent to every worker, which loads what it lacks
while it goes on serving; each ping says which revision is wanted and which one the worker
is known to hold, so that neither side waits for ever for a message that got lost.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.contract.wire import Array
from dispatcher.runtime.router_socket import Transport, Unreachable

_log = structlog.get_logger()

NONE_LOADED = -1


class LinkListener(Protocol):
    """Who is told what workers did. GPUs are numbered 0 to one less than their count."""

    def gpu_ready(self, gpu: int) -> None: ...

    def gpu_lost(self, gpu: int, reason: str) -> None: ...

    def gpu_leaving(self, gpu: int) -> None:
        """Its worker wants to end; ``WorkerLink.part`` lets it go."""
        ...

    def batch_done(self, gpu: int, message: wire.BatchDone, frames: Sequence[bytes]) -> None: ...

    def batch_failed(self, gpu: int, message: wire.BatchFailed) -> None: ...


@dataclass(slots=True)
class _Worker:
    identity: bytes
    gpu: int
    process: tuple[str, int]
    revision: int = NONE_LOADED  # the last one it said it holds
    load_faults: dict[int, str] = field(default_factory=dict)  # by revision
    loads: dict[str, wire.Load] = field(default_factory=dict)  # by model

    @property
    def ready(self) -> bool:
        return self.revision > NONE_LOADED


class WorkerLink:
    """
    Speaks to workers over ``transport``; ``gpu_count`` of them may serve.

    A ping to every worker several times a second finds one whose connection is closed.
    """

    def __init__(self, transport: Transport, welcome: wire.Welcome, gpu_count: int) -> None:
        self._transport = transport
        self._gpu_count = gpu_count
        self._index: dict[Hashable, int] = {}
        self._welcome = self._revised(welcome, 0)
        self._by_identity: dict[bytes, _Worker] = {}
        self._by_gpu: dict[int, _Worker] = {}
        self._listener: LinkListener | None = None

    @property
    def endpoint(self) -> str:
        return self._transport.endpoint

    @property
    def ready_gpus(self) -> list[int]:
        return sorted(gpu for gpu, worker in self._by_gpu.items() if worker.ready)

    @property
    def loads(self) -> dict[int, dict[str, wire.Load]]:
        """What each GPU's worker said of the models it loaded: how long it took, and the memory."""
        return {gpu: dict(worker.loads) for gpu, worker in sorted(self._by_gpu.items())}

    def start(self, listener: LinkListener) -> None:
        """Begin to take messages."""
        self._listener = listener
        self._transport.start(self._receive)

    def run_batch(self, gpu: int, message: wire.RunBatch, inputs: Sequence[Array]) -> bool:
        """Send one batch; False when the GPU is not there (any more): the batch is the caller's again."""
        worker = self._by_gpu.get(gpu)
        if worker is None or not worker.ready:
            return False
        return self._send(worker, message, [wire.frame(array) for array in inputs])

    # What workers are to hold

    def want(self, plan_version: int, models: Sequence[ServedModel], gpu_count: int) -> None:
        """From now on workers hold ``models``: all are told, and load while they serve."""
        self._gpu_count = gpu_count
        welcome = wire.Welcome(wire.CONTRACT_VERSION, self._welcome.sub_cluster, plan_version, tuple(models))
        self._welcome = self._revised(welcome, self._welcome.revision + 1)
        for worker in list(self._by_gpu.values()):
            self._send(worker, self._welcome)

    def indices_of(self, models: Sequence[ServedModel]) -> list[int]:
        """The wire index of each, for ``RunBatch``."""
        return [self._index[wire.load_key(model)] for model in models]

    @property
    def lacking(self) -> list[int]:
        """GPUs that serve and do not hold all that is wanted yet."""
        wanted = self._welcome.revision
        return [gpu for gpu, each in self._by_gpu.items() if each.ready and each.revision < wanted]

    @property
    def load_faults(self) -> dict[int, str]:
        """Of the GPUs that serve: why one cannot load what is wanted."""
        wanted = self._welcome.revision
        return {
            gpu: worker.load_faults[wanted]
            for gpu, worker in self._by_gpu.items()
            if wanted in worker.load_faults
        }

    # Watching and letting go

    def ping(self) -> None:
        """Find workers that have vanished; to be called every ``wire.PING_INTERVAL_S``."""
        for worker in list(self._by_gpu.values()):
            self._ping(worker)

    def give_up(self, gpu: int, reason: str) -> None:
        """Take the GPU for lost though its connection stands; its worker may say Hello again."""
        worker = self._by_gpu.get(gpu)
        if worker is not None:
            self._lose(worker, reason)

    def part(self, gpu: int) -> None:
        """Let a worker go that is leaving and holds no batch."""
        worker = self._by_gpu.get(gpu)
        if worker is not None:
            self._send_to_stranger(worker.identity, wire.Goodbye())
            self._lose(worker, "the worker left")

    def close(self) -> None:
        """Tell every worker and free the socket."""
        for worker in list(self._by_gpu.values()):
            self._send_to_stranger(worker.identity, wire.Goodbye())
        self._transport.close()

    def _revised(self, welcome: wire.Welcome, revision: int) -> wire.Welcome:
        for model in welcome.models:
            self._index.setdefault(wire.load_key(model), len(self._index))
        return wire.Welcome(
            welcome.contract_version,
            welcome.sub_cluster,
            welcome.plan_version,
            welcome.models,
            tuple(self.indices_of(welcome.models)),
            revision,
        )

    def _ping(self, worker: _Worker) -> bool:
        return self._send(worker, wire.Ping(self._welcome.revision, worker.revision))

    def _send(self, worker: _Worker, message: wire.FromDispatcher, frames: Sequence[Any] = ()) -> bool:
        try:
            self._transport.send(worker.identity, [wire.encode(message), *frames])
        except Unreachable as error:
            self._lose(worker, f"connection lost ({error})")
            return False
        return True

    def _receive(self, parts: Sequence[bytes]) -> None:
        identity = parts[0]
        try:
            if len(parts) < 2:
                raise wire.WireError("a message without control frame")
            message = wire.decode_from_worker(parts[1])
        except wire.WireError as error:
            _log.warning("message_refused", error=str(error), identity=identity.hex())
            return
        worker = self._by_identity.get(identity)
        if isinstance(message, wire.Hello):
            self._welcome_worker(identity, message)
        elif worker is None:
            self._send_to_stranger(identity, wire.HelloWanted())
        else:
            self._take(worker, message, parts[2:])

    def _take(self, worker: _Worker, message: wire.FromWorker, frames: Sequence[bytes]) -> None:
        assert self._listener is not None
        match message:
            case wire.Ready():
                self._take_ready(worker, message)
            case wire.BatchDone():
                self._listener.batch_done(worker.gpu, message, frames)
            case wire.BatchFailed():
                self._listener.batch_failed(worker.gpu, message)
            case wire.PlanWanted():
                self._send(worker, self._welcome)
            case wire.LoadFailed():
                _log.error("load_failed", gpu=worker.gpu, model=message.model, error=message.error)
                worker.load_faults[message.revision] = f"{message.model}: {message.error}"
                if not worker.ready:
                    self._lose(worker, "its models cannot be loaded")
            case wire.Leaving() if worker.ready:
                self._listener.gpu_leaving(worker.gpu)
            case wire.Leaving():
                self.part(worker.gpu)

    def _take_ready(self, worker: _Worker, message: wire.Ready) -> None:
        assert self._listener is not None
        if not NONE_LOADED < message.revision <= self._welcome.revision:
            _log.warning("revision_unknown", gpu=worker.gpu, revision=message.revision)
            return
        was_ready = worker.ready
        worker.revision = max(worker.revision, message.revision)
        worker.loads.update({load.model: load for load in message.loads})
        if not was_ready:
            self._listener.gpu_ready(worker.gpu)

    def _welcome_worker(self, identity: bytes, hello: wire.Hello) -> None:
        process = (hello.host, hello.pid)
        if identity in self._by_identity:  # said twice: each new start has an identity of its own
            self._send(self._by_identity[identity], self._welcome)
            return
        reason = self._refusal(hello, process)
        if reason is not None:
            _log.warning("worker_refused", gpu=hello.gpu, pid=hello.pid, host=hello.host, reason=reason)
            self._send_to_stranger(identity, wire.Refused(reason))
            return
        before = self._by_gpu.get(hello.gpu)
        if before is not None:
            self._lose(before, "its worker started anew")
        worker = _Worker(identity, hello.gpu, process)
        self._by_identity[identity] = self._by_gpu[hello.gpu] = worker
        _log.info("worker_connected", gpu=hello.gpu, pid=hello.pid, host=hello.host)
        self._send(worker, self._welcome)

    def _refusal(self, hello: wire.Hello, process: tuple[str, int]) -> str | None:
        if hello.contract_version != wire.CONTRACT_VERSION:
            return f"contract_version: must be {wire.CONTRACT_VERSION}, got {hello.contract_version}"
        if not 0 <= hello.gpu < self._gpu_count:
            return f"gpu: must lie in 0..{self._gpu_count - 1}, got {hello.gpu}"
        before = self._by_gpu.get(hello.gpu)
        if before is not None and before.process != process and self._ping(before):
            host, pid = before.process
            return f"gpu: {hello.gpu} is served by process {pid} on {host or 'its host'}"
        return None

    def _send_to_stranger(self, identity: bytes, message: wire.FromDispatcher) -> None:
        try:
            self._transport.send(identity, [wire.encode(message)])
        except Unreachable as error:
            _log.info("stranger_gone", identity=identity.hex(), error=str(error))

    def _lose(self, worker: _Worker, reason: str) -> None:
        if self._by_identity.pop(worker.identity, None) is None:
            return
        if self._by_gpu.get(worker.gpu) is worker:
            del self._by_gpu[worker.gpu]
        _log.warning("worker_lost", gpu=worker.gpu, reason=reason)
        if worker.ready and self._listener is not None:
            self._listener.gpu_lost(worker.gpu, reason)
