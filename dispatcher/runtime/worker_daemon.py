"""
The worker process: one GPU, one batch at a time, in the order they come.

Batches are executed on the main thread. Between them it reads its socket, and what arrives
meanwhile waits there; ZeroMQ's own thread keeps the connection's heartbeat while a model
computes. Models are loaded on a second thread, so that a GPU serves while it loads.
"""

from __future__ import annotations

import os
import signal
import socket as sockets
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import FrameType
from typing import Any

import structlog
import zmq

from dispatcher.backends.emulated_memory import EmulatedMemory
from dispatcher.backends.loading import load_measured
from dispatcher.contract import wire
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.worker_conversation import WorkerConversation, WorkerFailed, WorkerIdentity

__all__ = ["WorkerDaemon", "WorkerFailed"]

POLL_MS = 100
ALIVE_US = 1_000_000

_log = structlog.get_logger()


class WorkerDaemon:
    """
    Serves as GPU ``gpu`` of the dispatcher at ``endpoint``.

    ``on_ready`` is called with the models' names, and how those loaded for it were loaded, each
    time the dispatcher may send batches; ``say_alive`` about once a second, between two batches.
    ``emulated_memory_gib`` is what emulated models may take together.
    """

    def __init__(
        self,
        endpoint: str,
        gpu: int,
        on_ready: Callable[[Sequence[str], Sequence[wire.Load]], None],
        say_alive: Callable[[], None] | None = None,
        *,
        emulated_memory_gib: float | None = None,
    ) -> None:
        self._say_alive = say_alive
        self._alive_us = 0
        self._line = _DealerLine(endpoint)
        says = structlog.contextvars.get_contextvars()  # threads begin without what logs say of their process
        self._loader = ThreadPoolExecutor(
            1, "loader", initializer=lambda: structlog.contextvars.bind_contextvars(**says)
        )
        self._stopping = False
        memory = None if emulated_memory_gib is None else EmulatedMemory(emulated_memory_gib)
        self._conversation = WorkerConversation(
            WorkerIdentity(gpu, sockets.gethostname(), os.getpid()),
            self._line,
            load=partial(load_measured, memory=memory),
            executor=self._loader,
            now=now_us,
            on_ready=on_ready,
        )

    def run(self) -> None:
        """Until SIGTERM or SIGINT, and until what it was sent is executed. Raises ``WorkerFailed``."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            self._conversation.hello()
            while not self._conversation.has_ended:
                parts = self._line.receive(POLL_MS)
                if parts is not None:
                    self._conversation.hear(parts)
                self._conversation.turn()
                self._tell_alive()
                if self._stopping:
                    self._conversation.leave()
            _log.info("worker_ended")
        finally:
            self._loader.shutdown(wait=False, cancel_futures=True)
            self._line.close()

    def _tell_alive(self) -> None:
        if self._say_alive is not None and now_us() - self._alive_us >= ALIVE_US:
            self._alive_us = now_us()
            self._say_alive()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


class _DealerLine:
    """A DEALER socket, new with each connection."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None

    def connect(self) -> None:
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

    def send(self, frames: Sequence[Any]) -> None:
        assert self._socket is not None
        try:
            self._socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=False)
        except zmq.Again:  # the dispatcher is gone for long: it has given this worker up as well
            _log.warning("message_not_sent", bytes=len(frames[0]))

    def receive(self, timeout_ms: int) -> list[bytes] | None:
        """The next message, or None when none came in time."""
        assert self._socket is not None
        return self._socket.recv_multipart() if self._socket.poll(timeout_ms) else None

    def close(self) -> None:
        self._context.destroy(linger=500)
