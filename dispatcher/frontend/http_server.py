"""The HTTP door on a socket, in an event loop that is not its own."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dispatcher.frontend.http_body import Receive, Scope
from dispatcher.frontend.http_door import HttpDoor, Send
from dispatcher.frontend.infer_response import error_response
from dispatcher.frontend.tls import ServerTls

BACKLOG = 2_048
GRACE_S = 5
KEEP_ALIVE_S = 75

HEAD_BYTES_MAX = 64 * 2**10
HEAD_WAIT_S = 30.0
"""A client whose request line and headers are longer, or take longer, is let go."""

SWEEP_INTERVAL_S = 5.0


class _Connection(HttpToolsProtocol):
    """uvicorn's, with limits on the head of a request, and faults told in JSON."""

    head_bytes = 0
    head_since_s = 0.0
    is_in_head = True  # also before the first request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.head_since_s = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head_bytes, self.head_since_s, self.is_in_head = 0, self.loop.time(), True

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_in_head:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self._refuse(431, f"headers: must be at most {HEAD_BYTES_MAX} bytes, got more")

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, f"request: {msg}")

    def let_go_if_slow(self, now_s: float) -> None:
        if self.is_in_head and now_s - self.head_since_s > HEAD_WAIT_S:
            self.transport.close()

    def _refuse(self, status: int, text: str) -> None:
        response = error_response(status, text)
        head = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n".encode()]
        head += [name + b": " + value + b"\r\n" for name, value in response.headers]
        head.append(f"content-length: {len(response.body)}\r\nconnection: close\r\n\r\n".encode())
        self.transport.write(b"".join(head) + response.body)
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn that says when it accepts, and leaves signals to the process that hosts it."""

    def __init__(self, config: uvicorn.Config, tls: ServerTls | None) -> None:
        super().__init__(config)
        self._tls = tls
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()
        self.look_around()

    def look_around(self) -> None:
        """From now on and again after each interval: let slow clients go, show a renewed certificate."""
        if not self.should_exit:
            if self._tls is not None:
                self._tls.refresh()
            loop = asyncio.get_running_loop()
            loop.call_later(SWEEP_INTERVAL_S, self.look_around)
            for connection in list(self.server_state.connections):
                if isinstance(connection, _Connection):
                    connection.let_go_if_slow(loop.time())

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """
    Serves ``door`` on ``host:port``, over TLS where ``tls`` is given; port 0 takes any that is free.

    ``door`` may be replaced: requests that come later go to the new one. Raises ``OSError``
    when the address cannot be bound.
    """

    def __init__(self, door: HttpDoor, host: str, port: int, tls: ServerTls | None = None) -> None:
        self.door = door
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        bound_port = self._socket.getsockname()[1]
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://[{host}]:{bound_port}" if ":" in host else f"{scheme}://{host}:{bound_port}"
        config = uvicorn.Config(
            self._at_the_door,
            http=_Connection,
            ws="none",
            lifespan="off",
            loop="none",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        config.load()
        config.ssl = None if tls is None else tls.context
        self._server = _Server(config, tls)
        self._task: asyncio.Task[None] | None = None

    async def _at_the_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.door(scope, receive, send)

    async def start(self) -> None:
        """Listen; returns when connections are accepted."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        accepting = asyncio.create_task(self._server.accepting.wait())
        await asyncio.wait([self._task, accepting], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            accepting.cancel()
            await self._task

    def close(self) -> None:
        """Give the address back without having served."""
        self._socket.close()

    async def stop(self) -> None:
        """Finish the requests that are being answered, then close every connection."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
