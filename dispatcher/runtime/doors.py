"""The doors of a dispatcher: opened together, closed together."""

from __future__ import annotations

import asyncio

from dispatcher.frontend.grpc_door import GrpcDoor
from dispatcher.frontend.grpc_server import GrpcServer
from dispatcher.frontend.http_door import HttpDoor
from dispatcher.frontend.http_server import HttpServer
from dispatcher.frontend.infer_request import body_bytes_max
from dispatcher.frontend.service import InferenceService


class Doors:
    """
    HTTP and gRPC in front of one service; port 0 takes any that is free.

    To be made in the running event loop. Raises ``OSError`` that names the address which cannot
    be bound.
    """

    def __init__(self, service: InferenceService, host: str, http_port: int, grpc_port: int) -> None:
        try:
            self._http = HttpServer(HttpDoor(service), host, http_port)
        except OSError as error:
            raise OSError(f"HTTP address: cannot bind {host}:{http_port}: {error}") from error
        bytes_max = max(map(body_bytes_max, service.models))
        self._grpc_door = GrpcDoor(service)
        try:
            self._grpc = GrpcServer(self._grpc_door, host, grpc_port, bytes_max)
        except OSError as error:
            self._http.close()
            raise OSError(f"gRPC address: cannot bind {host}:{grpc_port}: {error}") from error
        self.http_url = self._http.url
        self.grpc_address = self._grpc.address

    def serve(self, service: InferenceService) -> None:
        """Take requests for the models of ``service`` from now on; those taken before are still answered."""
        self._http.door = HttpDoor(service)
        self._grpc_door.serve(service)

    async def start(self) -> None:
        """Returns when both accept connections."""
        await self._http.start()
        await self._grpc.start()

    async def stop(self) -> None:
        """Finish the requests that are being answered, then close every connection."""
        await asyncio.gather(self._http.stop(), self._grpc.stop())
