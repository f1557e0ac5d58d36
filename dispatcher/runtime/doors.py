"""The doors of a dispatcher: opened together, closed together."""

from __future__ import annotations

import asyncio
from typing import Protocol

import zmq

from dispatcher.contract.native import FRAME_BYTES_MAX
from dispatcher.frontend.bulk_service import BulkInferenceService
from dispatcher.frontend.grpc_door import GrpcDoor
from dispatcher.frontend.grpc_server import GrpcServer
from dispatcher.frontend.http_door import HttpDoor
from dispatcher.frontend.http_server import HttpServer
from dispatcher.frontend.infer_request import body_bytes_max
from dispatcher.frontend.native_door import NativeDoor
from dispatcher.frontend.service import InferenceService
from dispatcher.frontend.tls import ServerTls

GRPC_BYTES_MAX_LEAST = FRAME_BYTES_MAX
"""
gRPC fixes its limit at the start, and the next plan may bring larger models: so the least is as large as the
native door's. What one model takes is checked against its own tensors, whatever fits in here.
"""


class Service(InferenceService, BulkInferenceService, Protocol):
    """One sub-cluster, as all of its doors see it."""

    def note_invalid(self, model_index: int, count: int = 1) -> None: ...


class Doors:
    """
    HTTP, gRPC and, where it has an endpoint, the native door in front of one service; port 0 takes
    any that is free. HTTP and gRPC are spoken over TLS where ``tls`` is given.

    To be made in the running event loop. Raises ``OSError`` that names the address which cannot
    be bound.
    """

    def __init__(
        self,
        service: Service,
        host: str,
        http_port: int,
        grpc_port: int,
        native_endpoint: str | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        tls: ServerTls | None = None,
    ) -> None:
        try:
            self._http = HttpServer(HttpDoor(service), host, http_port, tls)
        except OSError as error:
            raise OSError(f"HTTP address: cannot bind {host}:{http_port}: {error}") from error
        bytes_max = max(GRPC_BYTES_MAX_LEAST, *map(body_bytes_max, service.models))
        self._grpc_door = GrpcDoor(service)
        try:
            self._grpc = GrpcServer(self._grpc_door, host, grpc_port, bytes_max, tls)
        except OSError as error:
            self._http.close()
            raise OSError(f"gRPC address: cannot bind {host}:{grpc_port}: {error}") from error
        self._native: NativeDoor | None = None
        if native_endpoint is not None:
            try:
                self._native = NativeDoor(service, native_endpoint, loop or asyncio.get_running_loop())
            except zmq.ZMQError as error:
                self._http.close()
                raise OSError(f"native door: cannot bind {native_endpoint}: {error}") from error
        self.native_endpoint = None if self._native is None else self._native.endpoint
        self.http_url = self._http.url
        self.grpc_address = self._grpc.address

    def serve(self, service: Service) -> None:
        """Take requests for the models of ``service`` from now on; those taken before are still answered."""
        self._http.door = HttpDoor(service)
        self._grpc_door.serve(service)
        if self._native is not None:
            self._native.serve(service)

    async def start(self) -> None:
        """Returns when all accept connections."""
        await self._http.start()
        await self._grpc.start()
        if self._native is not None:
            self._native.start()

    async def stop(self) -> None:
        """Finish the requests that are being answered, then close every connection."""
        await asyncio.gather(self._http.stop(), self._grpc.stop())
        self.close()

    def close(self) -> None:
        """Let go of what holds on by itself; nothing after ``stop``."""
        if self._native is not None:
            self._native.close()
