"""One attempt to deliver: one request to the very address that was allowed; nothing is followed."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from planner.service.webhooks.addresses import AddressRefused, AllowedAddresses, Target

ATTEMPT_S_MAX = 10.0
ANSWER_BYTES_READ = 1_024


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it: the receiver's status, or an error that says why there was none."""

    status: int | None
    error: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver said that it does not want to be told any more."""
        return self.status == http.client.GONE


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allowed: AllowedAddresses,
    *,
    attempt_s_max: float = ATTEMPT_S_MAX,
) -> Attempt:
    """POST the body; redirects are answers like any other, and proxies of the environment are not used."""
    try:
        target = allowed.target(url)
    except AddressRefused as refused:
        return Attempt(None, str(refused))
    connection = _connection(target, attempt_s_max)
    watchdog = threading.Timer(attempt_s_max, _hang_up, (connection,))  # a receiver may drip for ever
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("POST", target.path, body, {"Host": target.host_header, **headers})
        answer = connection.getresponse()
        answer.read(ANSWER_BYTES_READ)
        return Attempt(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return Attempt(None, f"{type(error).__name__}: {error}"[:200])
    finally:
        watchdog.cancel()
        connection.close()


class _Plain(http.client.HTTPConnection):
    def __init__(self, target: Target, timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self.target = target

    def connect(self) -> None:
        self.sock = socket.create_connection((self.target.address, self.port), self.timeout)


class _Secure(_Plain):
    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.target.host)


def _connection(target: Target, timeout_s: float) -> _Plain:
    return (_Secure if target.scheme == "https" else _Plain)(target, timeout_s)


def _hang_up(connection: _Plain) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
