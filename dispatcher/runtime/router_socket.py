"""The dispatcher's socket for its workers: a ZeroMQ ROUTER on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import zmq

from dispatcher.contract import wire

MESSAGES_AT_ONCE_MAX = 256
"""Taken in one turn of the event loop, so that a chatty worker cannot starve the door."""

HEARTBEAT_INTERVAL_MS = wire.CONNECTION_TIMEOUT_MS // 3


class Unreachable(Exception):
    """No connection bears this identity (any more), or it takes no more messages."""


class Transport(Protocol):
    """What carries messages to workers; each connection has an identity of its own."""

    @property
    def endpoint(self) -> str:
        """Where workers connect to."""
        ...

    def start(self, on_message: Callable[[Sequence[bytes]], None]) -> None:
        """Begin to take messages: the sender's identity, then the frames."""
        ...

    def send(self, identity: bytes, frames: Sequence[Any]) -> None:
        """Raises ``Unreachable``; a message that is taken may still be lost with its connection."""
        ...

    def close(self) -> None: ...


class RouterSocket:
    """
    A bound ROUTER socket.

    ROUTER_MANDATORY makes a send to a closed connection fail, and ZeroMQ's heartbeats close
    that of a process that stands still. Raises ``zmq.ZMQError`` when the endpoint cannot be bound.
    """

    def __init__(self, endpoint: str, loop: asyncio.AbstractEventLoop) -> None:
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
        self._on_message: Callable[[Sequence[bytes]], None] | None = None

    def start(self, on_message: Callable[[Sequence[bytes]], None]) -> None:
        self._on_message = on_message
        self._loop.add_reader(self._descriptor, self._receive_all)
        self._receive_all()

    def send(self, identity: bytes, frames: Sequence[Any]) -> None:
        try:
            self._socket.send_multipart([identity, *frames], flags=zmq.NOBLOCK, copy=False)
        except zmq.ZMQError as error:
            raise Unreachable(str(error)) from error
        self._loop.call_soon(self._receive_all)  # the descriptor tells of changes only, a send may hide one

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self._context.destroy(linger=500)

    def _receive_all(self) -> None:
        assert self._on_message is not None
        for _ in range(MESSAGES_AT_ONCE_MAX):
            if self._socket.closed:
                return
            try:
                parts = self._socket.recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                return
            self._on_message(parts)
        self._loop.call_soon(self._receive_all)
