"""
The worker process: one GPU, one batch at a time, in the order they come.

One thread. Between batches it reads its socket, and what arrives meanwhile waits there;
ZeroMQ's own thread keeps the connection's heartbeat while a model computes.
"""

from __future__ import annotations

import os
import signal
import socket as sockets
import time
import uuid
from collections.abc import Callable, Sequence
from types import FrameType

import structlog
import zmq

from dispatcher.backends.backend import Backend, BackendError, check_outputs, load_backend
from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.runtime.clock import now_us

POLL_MS = 100
ERROR_CHARS_MAX = 500

_log = structlog.get_logger()


class WorkerFailed(RuntimeError):
    """The dispatcher refused this worker, or a model cannot be loaded."""


class WorkerDaemon:
    """
    Serves as GPU ``gpu`` of the dispatcher at ``endpoint``.

    ``on_ready`` is called with the models' names each time the dispatcher may send batches.
    """

    def __init__(self, endpoint: str, gpu: int, on_ready: Callable[[Sequence[str]], None]) -> None:
        self._endpoint = endpoint
        self._gpu = gpu
        self._on_ready = on_ready
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._loaded: list[tuple[ServedModel, Backend]] = []
        self._heard_s = 0.0
        self._alone = True
        self._stopping = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises ``WorkerFailed``."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            self._say_hello()
            while not self._stopping:
                self._turn()
            self._send(wire.Leaving())
            _log.info("worker_ended")
        finally:
            self._context.destroy(linger=500)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _turn(self) -> None:
        """Take one message, or notice that none comes."""
        assert self._socket is not None
        if self._socket.poll(POLL_MS):
            parts = self._socket.recv_multipart()
            self._take(wire.decode_from_dispatcher(parts[0]), parts[1:])
            self._heard_s = time.monotonic()
            self._alone = False
        elif time.monotonic() - self._heard_s > wire.SILENCE_MAX_S:
            if not self._alone:
                _log.info("dispatcher_silent", endpoint=self._endpoint)
            self._alone = True
            self._say_hello()

    def _take(self, message: wire.FromDispatcher, frames: Sequence[bytes]) -> None:
        match message:
            case wire.RunBatch():
                self._run_batch(message, frames)
            case wire.Welcome():
                self._load(message)
            case wire.Refused():
                raise WorkerFailed(
                    f"the dispatcher at {self._endpoint} refuses this worker: {message.reason}"
                )
            case wire.HelloWanted():
                self._say_hello()
            case wire.Goodbye():
                _log.info("dispatcher_ended", endpoint=self._endpoint)
            case wire.Ping():
                return

    def _say_hello(self) -> None:
        """Start anew on a fresh connection: whatever was under way on the old one is forgotten."""
        if self._socket is not None:
            self._socket.close(linger=0)
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.identity = uuid.uuid4().bytes
        self._socket.linger = 500
        self._socket.reconnect_ivl = 50
        self._socket.reconnect_ivl_max = 1_000
        self._socket.heartbeat_ivl = wire.CONNECTION_TIMEOUT_MS // 3
        self._socket.heartbeat_timeout = wire.CONNECTION_TIMEOUT_MS
        try:
            self._socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            raise WorkerFailed(f"endpoint: cannot connect to {self._endpoint}: {error}") from error
        self._send(wire.Hello(wire.CONTRACT_VERSION, self._gpu, sockets.gethostname(), os.getpid()))
        self._heard_s = time.monotonic()

    def _load(self, welcome: wire.Welcome) -> None:
        """Load what is not loaded already, drop what is no longer served."""
        if welcome.contract_version != wire.CONTRACT_VERSION:
            raise WorkerFailed(
                f"contract_version: must be {wire.CONTRACT_VERSION}, got {welcome.contract_version}"
            )
        kept = {model.id: (model, backend) for model, backend in self._loaded if model in welcome.models}
        self._loaded = []
        for model in welcome.models:
            if model.id not in kept:
                kept[model.id] = (model, self._backend(model))
            self._loaded.append(kept[model.id])
        self._send(wire.Ready())
        _log.info("worker_ready", sub_cluster=welcome.sub_cluster, plan_version=welcome.plan_version)
        self._on_ready([model.id for model in welcome.models])

    def _backend(self, model: ServedModel) -> Backend:
        started_us = now_us()
        try:
            backend = load_backend(model)
        except BackendError as error:
            self._send(wire.LoadFailed(model.id, str(error)[:ERROR_CHARS_MAX]))
            raise WorkerFailed(str(error)) from error
        _log.debug("model_loaded", model=model.id, load_ms=(now_us() - started_us) / 1e3)
        return backend

    def _run_batch(self, message: wire.RunBatch, frames: Sequence[bytes]) -> None:
        started_us = now_us()
        try:
            outputs = self._execute(message, frames)
        except Exception as error:  # whatever a model raises is the end of its batch alone
            finished_us = now_us()
            text = f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
            _log.exception("batch_failed", batch_id=message.batch_id, model_index=message.model_index)
            self._send(wire.BatchFailed(message.batch_id, started_us, finished_us, text))
            return
        self._send(wire.BatchDone(message.batch_id, started_us, now_us()), outputs)

    def _execute(self, message: wire.RunBatch, frames: Sequence[bytes]) -> list[memoryview]:
        if not 0 <= message.model_index < len(self._loaded):
            raise wire.WireError(
                f"model_index: must lie in 0..{len(self._loaded) - 1}, got {message.model_index}"
            )
        model, backend = self._loaded[message.model_index]
        inputs = wire.tensors_from_frames(model.inputs, frames, message.batch_size)
        outputs = backend.execute(inputs)
        check_outputs(model, outputs, message.batch_size)
        return [wire.frame(output) for output in outputs]

    def _send(self, message: wire.FromWorker, frames: Sequence[memoryview] = ()) -> None:
        assert self._socket is not None
        try:
            self._socket.send_multipart([wire.encode(message), *frames], flags=zmq.NOBLOCK, copy=False)
        except zmq.Again:  # the dispatcher is gone for long: it has given this worker up as well
            _log.warning("message_not_sent", type=type(message).__name__)
