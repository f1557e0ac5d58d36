"""The dispatcher's end of its workers' sockets: who serves which GPU, and who has vanished."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
import zmq

from dispatcher.contract import wire
from dispatcher.contract.wire import Array

MESSAGES_AT_ONCE_MAX = 256
"""Taken in one turn of the event loop, so that a chatty worker cannot starve the door."""

HEARTBEAT_INTERVAL_MS = wire.CONNECTION_TIMEOUT_MS // 3

_log = structlog.get_logger()


class LinkListener(Protocol):
    """Who is told what workers did. GPUs are numbered 0 to one less than their count."""

    def gpu_ready(self, gpu: int) -> None: ...

    def gpu_lost(self, gpu: int, reason: str) -> None: ...

    def batch_done(self, gpu: int, message: wire.BatchDone, frames: Sequence[bytes]) -> None: ...

    def batch_failed(self, gpu: int, message: wire.BatchFailed) -> None: ...


@dataclass(slots=True)
class _Worker:
    identity: bytes
    gpu: int
    process: tuple[str, int]
    ready: bool = False


class WorkerLink:
    """
    A ROUTER socket on the event loop.

    ROUTER_MANDATORY makes a send to a closed connection fail; a ping to every worker
    several times a second therefore finds one that was killed. Raises ``zmq.ZMQError``
    when the endpoint cannot be bound.
    """

    def __init__(
        self, endpoint: str, welcome: wire.Welcome, gpu_count: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._welcome = welcome
        self._gpu_count = gpu_count
        self._loop = loop
        self._context: Any = zmq.Context()  # its sockets type their options loosely
        self._socket: Any = self._context.socket(zmq.ROUTER)
        self._socket.linger = 500
        self._socket.router_mandatory = True
        self._socket.heartbeat_ivl = HEARTBEAT_INTERVAL_MS
        self._socket.heartbeat_timeout = wire.CONNECTION_TIMEOUT_MS
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise
        self.endpoint = bytes(self._socket.getsockopt(zmq.LAST_ENDPOINT)).decode().rstrip("\0")
        self._descriptor: int = int(self._socket.getsockopt(zmq.FD))
        self._by_identity: dict[bytes, _Worker] = {}
        self._by_gpu: dict[int, _Worker] = {}
        self._listener: LinkListener | None = None

    @property
    def ready_gpus(self) -> list[int]:
        return sorted(gpu for gpu, worker in self._by_gpu.items() if worker.ready)

    def start(self, listener: LinkListener) -> None:
        """Begin to take messages."""
        self._listener = listener
        self._loop.add_reader(self._descriptor, self._receive_all)
        self._receive_all()

    def run_batch(self, gpu: int, message: wire.RunBatch, inputs: Sequence[Array]) -> bool:
        """Send one batch; False when the GPU is not there (any more): the batch is the caller's again."""
        worker = self._by_gpu.get(gpu)
        if worker is None or not worker.ready:
            return False
        return self._send(worker, message, [wire.frame(array) for array in inputs])

    def ping(self) -> None:
        """Find workers that have vanished; to be called every ``wire.PING_INTERVAL_S``."""
        for worker in list(self._by_gpu.values()):
            self._send(worker, wire.Ping())

    def give_up(self, gpu: int, reason: str) -> None:
        """Take the GPU for lost though its connection stands; its worker may say Hello again."""
        worker = self._by_gpu.get(gpu)
        if worker is not None:
            self._lose(worker, reason)

    def close(self) -> None:
        """Tell every worker and free the socket."""
        for worker in list(self._by_gpu.values()):
            self._send(worker, wire.Goodbye())
        self._loop.remove_reader(self._descriptor)
        self._context.destroy(linger=500)

    def _send(self, worker: _Worker, message: wire.FromDispatcher, frames: Sequence[Any] = ()) -> bool:
        try:
            self._socket.send_multipart(
                [worker.identity, wire.encode(message), *frames], flags=zmq.NOBLOCK, copy=False
            )
        except zmq.ZMQError as error:
            self._lose(worker, f"connection lost ({error})")
            return False
        self._loop.call_soon(self._receive_all)  # the descriptor tells of changes only, a send may hide one
        return True

    def _receive_all(self) -> None:
        for _ in range(MESSAGES_AT_ONCE_MAX):
            if self._socket.closed:
                return
            try:
                parts = self._socket.recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                return
            self._receive(parts)
        self._loop.call_soon(self._receive_all)

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
                if not worker.ready:
                    worker.ready = True
                    self._listener.gpu_ready(worker.gpu)
            case wire.BatchDone():
                self._listener.batch_done(worker.gpu, message, frames)
            case wire.BatchFailed():
                self._listener.batch_failed(worker.gpu, message)
            case wire.LoadFailed():
                _log.error("load_failed", gpu=worker.gpu, model=message.model, error=message.error)
                self._lose(worker, "its models cannot be loaded")
            case wire.Leaving():
                self._lose(worker, "the worker left")

    def _welcome_worker(self, identity: bytes, hello: wire.Hello) -> None:
        process = (hello.host, hello.pid)
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
        if before is not None and before.process != process and self._send(before, wire.Ping()):
            host, pid = before.process
            return f"gpu: {hello.gpu} is served by process {pid} on {host or 'its host'}"
        return None

    def _send_to_stranger(self, identity: bytes, message: wire.FromDispatcher) -> None:
        try:
            self._socket.send_multipart([identity, wire.encode(message)], flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            _log.info("stranger_gone", identity=identity.hex(), error=str(error))

    def _lose(self, worker: _Worker, reason: str) -> None:
        if self._by_identity.pop(worker.identity, None) is None:
            return
        if self._by_gpu.get(worker.gpu) is worker:
            del self._by_gpu[worker.gpu]
        _log.warning("worker_lost", gpu=worker.gpu, reason=reason)
        if worker.ready and self._listener is not None:
            self._listener.gpu_lost(worker.gpu, reason)
