"""A proxy on loopback whose connections break after so many bytes of an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """
    To ``port`` on loopback.

    ``cuts`` says after how many bytes of answers each connection breaks, in turn; later ones hold.
    """

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._port = port
        self._cuts = list(cuts)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self.connections += 1
                left = self._cuts.pop(0) if self._cuts else None
                far = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=_carry, args=(near, far, None), daemon=True).start()
                threading.Thread(target=_carry, args=(far, near, left), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, left: int | None) -> None:
    """Bytes from one to the other until either ends, or ``left`` of them have passed."""
    with suppress(OSError):
        while left is None or left > 0:
            data = source.recv(4_096 if left is None else min(4_096, left))
            if not data:
                break
            target.sendall(data)
            left = None if left is None else left - len(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def cutting_proxy(port: int, cuts: list[int]) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port, cuts)
    try:
        yield proxy
    finally:
        proxy.close()
