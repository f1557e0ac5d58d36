"""Both doors on real sockets in front of a ``Twice``, in an event loop of their own thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import uvloop

from dispatcher.frontend.tls import ServerTls
from dispatcher.runtime.doors import Doors
from tests.unit.dispatcher.frontend.twice import Twice

PATIENCE_S = 60.0


class OpenDoors:
    """``doors`` and the ``service`` behind them; over TLS where it is given."""

    def __init__(self, service: Twice, tls: ServerTls | None = None) -> None:
        self.service = service
        self._tls = tls
        self.doors: Doors | None = None
        self._opened = threading.Event()
        self._loop = uvloop.new_event_loop()
        self._close = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._opened.wait(PATIENCE_S)

    @property
    def http_url(self) -> str:
        assert self.doors is not None
        return self.doors.http_url

    @property
    def grpc_address(self) -> str:
        assert self.doors is not None
        return self.doors.grpc_address

    def serve(self, service: Twice) -> None:
        """As after a change of plan; returns when the doors lead there."""
        assert self.doors is not None
        served = threading.Event()
        self._loop.call_soon_threadsafe(self.doors.serve, service)
        self._loop.call_soon_threadsafe(served.set)
        assert served.wait(PATIENCE_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._close.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.doors = Doors(self.service, "127.0.0.1", 0, 0, tls=self._tls)
        await self.doors.start()
        self._opened.set()
        await self._close.wait()
        await self.doors.stop()


@contextlib.contextmanager
def open_doors(service: Twice | None = None, tls: ServerTls | None = None) -> Iterator[OpenDoors]:
    opened = OpenDoors(service or Twice(), tls)
    try:
        yield opened
    finally:
        opened.close()


def until(condition: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, f"waited {PATIENCE_S:g} s for: {what}"
        time.sleep(0.01)
