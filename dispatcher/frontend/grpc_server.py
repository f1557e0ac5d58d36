"""The gRPC door on a socket, in the running event loop."""

from __future__ import annotations

import grpc

from dispatcher.frontend.grpc_door import GrpcDoor
from dispatcher.frontend.tls import ServerTls

GRACE_S = 5.0

MESSAGE_BYTES_SLACK = 4 * 2**20
"""What is a little too long is still read, so that its answer can say which tensor it was."""


class GrpcServer:
    """
    Serves ``door`` on ``host:port``, over TLS where ``tls`` is given; port 0 takes any that is free.

    Messages far longer than ``message_bytes_max`` are refused before they are read. Raises
    ``OSError`` when the address cannot be bound. To be made and used in one running event loop.
    """

    def __init__(
        self, door: GrpcDoor, host: str, port: int, message_bytes_max: int, tls: ServerTls | None = None
    ) -> None:
        options = [
            ("grpc.so_reuseport", 0),  # else a second dispatcher would bind the same port unnoticed
            ("grpc.max_receive_message_length", message_bytes_max + MESSAGE_BYTES_SLACK),
            ("grpc.max_send_message_length", -1),
        ]
        self._server = grpc.aio.server(options=options)
        self._server.add_generic_rpc_handlers((door.handlers(),))
        shown = f"[{host}]" if ":" in host else host
        try:
            if tls is None:
                bound = self._server.add_insecure_port(f"{shown}:{port}")
            else:
                bound = self._server.add_secure_port(f"{shown}:{port}", tls.grpc_credentials())
        except RuntimeError as error:
            raise OSError(str(error)) from error
        self.address = f"{shown}:{bound}"

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        """Finish the calls that are being answered, then close every connection."""
        await self._server.stop(GRACE_S)
