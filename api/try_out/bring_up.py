"""Bring up a dispatcher and its workers, keep them up, and let them end in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from api.try_out.config import TryOut
from api.try_out.supervised import Supervised
from dispatcher.contract.sub_cluster_file import encode_sub_cluster

READY_S_MAX = 300.0
"""A first start compiles the scheduler."""

DRAIN_S_MAX = 45.0
"""More than the dispatcher gives itself."""

WORKER_STOP_S_MAX = 10.0
POLL_S = 0.05
LOOK_S = 0.25


class NotReady(RuntimeError):
    """The sub-cluster did not come up in time."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to reach what was brought up."""

    http_url: str
    native_endpoint: str | None
    worker_endpoint: str
    pid: int
    grpc_address: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class SubClusterUp:
    """One dispatcher and one worker a GPU as supervised processes; logs and files lie in ``folder``."""

    def __init__(
        self,
        try_out: TryOut,
        folder: Path,
        on_restart: Callable[[str, int], None] = lambda name, status: None,
    ) -> None:
        self._try_out = try_out
        self._ready_file = folder / "ready.json"
        self._spec_file = folder / "sub-cluster.json"
        self._addresses: Addresses | None = None
        self.dispatcher = Supervised(
            "dispatcher", self._dispatcher_arguments, folder / "dispatcher.log", on_restart
        )
        self.workers = [
            Supervised(
                f"worker-{gpu}",
                self._worker_arguments(gpu),
                folder / f"worker-{gpu}.log",
                on_restart,
                {"CUDA_VISIBLE_DEVICES": try_out.devices[gpu]} if try_out.devices else {},
            )
            for gpu in range(try_out.spec.gpus)
        ]

    async def run(self, on_ready: Callable[[Addresses], None]) -> bool:
        """
        Serve until SIGINT or SIGTERM, then drain; True when everything ended in good order.

        ``on_ready`` is called once, when every GPU serves. Raises ``NotReady`` or
        ``ProcessFailed``, with nothing left running.
        """
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        self._spec_file.write_text(encode_sub_cluster(self._try_out.spec), encoding="utf-8")
        keepers = [asyncio.create_task(self.dispatcher.run())]
        stopped = asyncio.create_task(stop.wait())
        try:
            ready = asyncio.create_task(self._come_up(keepers, on_ready))
            await _first_of(ready, stopped, keepers)
            if ready.done():
                await ready
                await _first_of(stopped, stopped, keepers)
            ready.cancel()
            return await self._drain()
        finally:
            stopped.cancel()
            await self._drain()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    async def _come_up(
        self, keepers: list[asyncio.Task[None]], on_ready: Callable[[Addresses], None]
    ) -> None:
        try:
            async with asyncio.timeout(READY_S_MAX):
                await _until(self._dispatcher_is_bound)
                self._addresses = addresses = _read_addresses(self._ready_file)
                keepers += [asyncio.create_task(worker.run()) for worker in self.workers]
                # of a process of its own: that it serves is asked, not who it is
                async with httpx.AsyncClient(verify=False) as client:
                    await _until(lambda: self._all_serve(client, addresses.http_url))
        except TimeoutError:
            stories = "\n".join(each.story() for each in (self.dispatcher, *self.workers[:1]))
            raise NotReady(f"not every GPU serves after {READY_S_MAX:g} s\n{stories}") from None
        on_ready(addresses)

    async def _dispatcher_is_bound(self) -> bool:
        return self._ready_file.exists()

    async def _all_serve(self, client: httpx.AsyncClient, url: str) -> bool:
        return await _gpus_ready(client, url) == len(self.workers)

    async def _drain(self) -> bool:
        """The door first: workers are needed until what was accepted is answered."""
        orderly = await self.dispatcher.stop(DRAIN_S_MAX)
        ends = await asyncio.gather(*(worker.stop(WORKER_STOP_S_MAX) for worker in self.workers))
        return orderly and all(ends)

    def _dispatcher_arguments(self) -> list[str]:
        """Once bound, the same ports again, so that clients and workers find a restarted dispatcher."""
        doors, known = self._try_out.doors, self._addresses
        http_port = doors.http_port if known is None else _port(known.http_url)
        native_port = doors.native_port if known is None else _port(known.native_endpoint or ":0")
        grpc_port = doors.grpc_port if known is None else _port(known.grpc_address or ":0")
        arguments = ["dispatcher", "--json", "--spec", str(self._spec_file)]
        arguments += ["--ready-file", str(self._ready_file), "--host", doors.host]
        arguments += ["--http-port", str(http_port), "--native-port", str(native_port)]
        arguments += ["--grpc-port", str(grpc_port)]
        if doors.tls is not None:
            arguments += ["--tls-certificate", doors.tls.certificate, "--tls-key", doors.tls.key]
        if known is not None:
            arguments += ["--worker-endpoint", known.worker_endpoint]
        return arguments

    def _worker_arguments(self, gpu: int) -> Callable[[], list[str]]:
        def arguments() -> list[str]:
            endpoint = self._addresses.worker_endpoint if self._addresses is not None else ""
            return ["worker", "--json", "--connect", endpoint, "--gpu", str(gpu)]

        return arguments


async def _first_of(
    wanted: asyncio.Task[Any], stopped: asyncio.Task[Any], keepers: list[asyncio.Task[None]]
) -> None:
    """Until ``wanted`` or ``stopped`` is done; a process that cannot be kept alive raises."""
    while not (wanted.done() or stopped.done()):
        watched = {wanted, stopped, *keepers}  # there are more keepers once the dispatcher is bound
        await asyncio.wait(watched, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for keeper in keepers:
            if keeper.done():
                await keeper


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await condition():
            return
        await asyncio.sleep(POLL_S)


async def _gpus_ready(client: httpx.AsyncClient, url: str) -> int:
    with contextlib.suppress(httpx.TransportError):
        for line in (await client.get(f"{url}/metrics")).text.splitlines():
            if line.startswith("fermata_gpus_ready "):
                return int(float(line.split()[1]))
    return 0


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def _read_addresses(path: Path) -> Addresses:
    ready = msgspec.json.decode(path.read_bytes())
    return Addresses(
        ready["http_url"],
        ready.get("native_endpoint"),
        ready["worker_endpoint"],
        os.getpid(),
        ready.get("grpc_address"),
    )
