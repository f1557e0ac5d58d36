"""
One sub-cluster's processes on this node: its dispatcher, if it runs here, and the workers of its GPUs.

``grow`` starts what a plan adds and has the dispatcher change over; ``shrink`` then ends what it
no longer asks for. Between the two nothing is missing: make before break.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from dispatcher.contract.node_file import NodeSubCluster
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.contract.sub_cluster_file import encode_sub_cluster
from dispatcher.runtime.files import write_atomically
from dispatcher.runtime.node.child import Child, ChildState
from dispatcher.runtime.node.devices import Devices

CHANGE_S_MAX = 900.0
"""For a dispatcher to start (the first one compiles) or to change over (workers load models)."""

DISPATCHER_GRACE_S = 40.0
WORKER_GRACE_S = 15.0

_log = structlog.get_logger()


class Keeper:
    """
    Keeps the processes of ``part``; ``fermata`` is the command that they are sub-commands of.

    Specifications for the dispatcher are written to ``folder``. ``on_change`` is called when a dispatcher has
    changed over, or a worker holds other models. ``fault`` says why the plan last
    asked for is not served, None when it is. ``served`` is what it runs now, ``spec`` what it has changed
    over to for good; between the two it ``waits_for`` other sub-clusters. ``wave`` of ``activation_id`` is
    the last that it has applied.
    """

    def __init__(
        self,
        part: NodeSubCluster,
        folder: Path,
        fermata: Sequence[str],
        silence_s_max: float,
        on_change: Callable[[], None] = lambda: None,
        devices: Devices | None = None,
    ) -> None:
        self.part = part
        self.spec: SubClusterSpec | None = None
        self.served: SubClusterSpec | None = None
        self.fault: str | None = None
        self.waits_for: tuple[str, ...] = ()
        self.activation_id: int | None = None
        self.wave: int | None = None
        self._fermata = tuple(fermata)
        self._silence_s_max = silence_s_max
        self._on_change = on_change
        self._devices = devices or Devices()
        self._spec_file = folder / f"{sha256(part.id.encode()).hexdigest()[:16]}.json"
        self._dispatcher: Child | None = None
        self._told: SubClusterSpec | None = None  # what the dispatcher was last asked to run
        self._announced: dict[str, Any] | None = None
        self._news = asyncio.Event()
        self._workers: dict[int, Child] = {}  # by GPU number in the sub-cluster
        self._loads: dict[int, dict[str, Any]] = {}
        self._gpu_faults: dict[int, str] = {}  # why a worker last ended without having served

    async def grow(self, spec: SubClusterSpec | None) -> None:
        """Start what ``spec`` asks for and is not there, and serve it."""
        if spec is None:
            return
        try:
            await self._serve(spec)
        except OSError as error:
            self.fault = f"{self._spec_file}: {error}"
            _log.error("specification_not_written", path=str(self._spec_file), error=str(error))
            return
        if self.fault is None:
            self.served = spec
        for gpu in self._wanted(spec):
            if gpu not in self._workers and self._devices.take(self._device(gpu)):
                self._workers[gpu] = self._worker(gpu)

    async def shrink(self, spec: SubClusterSpec | None) -> None:
        """End what ``spec`` does not ask for; all of it where the plan has no such sub-cluster."""
        if spec is not None and self.fault is not None:  # the plan before it is still served
            return
        if spec is None and self._dispatcher is not None:
            await self._dispatcher.stop(DISPATCHER_GRACE_S)
            self._dispatcher = self._announced = None
        wanted = self._wanted(spec)
        unwanted = [gpu for gpu in self._workers if gpu not in wanted]
        await asyncio.gather(*(self._workers.pop(gpu).stop(WORKER_GRACE_S) for gpu in unwanted))
        for gpu in unwanted:
            self._loads.pop(gpu, None)
            self._gpu_faults.pop(gpu, None)
        self._devices.free([self._device(gpu) for gpu in unwanted])
        self.spec = self.served = spec

    async def close(self) -> None:
        """Drain: the dispatcher answers what it has accepted, then the workers end."""
        self.fault = None
        await self.shrink(None)

    def status(self) -> dict[str, Any]:
        """What runs, for the heartbeat."""
        announced = self._announced or {}
        return {
            "id": self.part.id,
            "plan_version": self.spec.plan_version if self.spec else None,
            "fault": self.fault,
            "waits_for": list(self.waits_for),
            "activation_id": self.activation_id,
            "wave": self.wave,
            "dispatcher": None
            if self._dispatcher is None
            else {
                "state": str(self._dispatcher.state),
                "pid": self._dispatcher.pid,
                "starts": self._dispatcher.starts,
                "plan_version": announced.get("plan_version"),
                "http_url": announced.get("http_url"),
            },
            "gpus": [self._gpu_status(gpu) for gpu in sorted({*self._workers, *self._wanted(self.served)})],
        }

    def _gpu_status(self, gpu: int) -> dict[str, Any]:
        worker, loads = self._workers.get(gpu), self._loads.get(gpu)
        return {
            "gpu": gpu,
            "device": self._device(gpu),
            "state": str(worker.state if worker else ChildState.STARTING),  # its device is not free yet
            "pid": worker.pid if worker else None,
            "starts": worker.starts if worker else 0,
            "memory_bytes": _memory(loads),
            "models": (loads or {}).get("models", []),
            "fault": self._gpu_faults.get(gpu),
        }

    def _device(self, gpu: int) -> str:
        return self.part.devices[gpu - self.part.first_gpu]

    @property
    def may_run(self) -> tuple[SubClusterSpec, ...]:
        """What the dispatcher runs is one of these: after a change that was broken off there are two."""
        both = (self.served, None if self._told == self.served else self._told)
        return tuple(spec for spec in both if spec is not None)

    def _wanted(self, spec: SubClusterSpec | None) -> list[int]:
        gpus = spec.gpus if spec is not None else 0
        first = self.part.first_gpu
        return [gpu for gpu in range(first, first + len(self.part.devices)) if gpu < gpus]

    async def _serve(self, spec: SubClusterSpec) -> None:
        """Have the dispatcher, if it is ours, run ``spec``. Raises ``OSError``."""
        self.fault = None
        if self.part.dispatcher is None:
            return
        write_atomically(self._spec_file, encode_sub_cluster(spec).encode())
        if self._dispatcher is None:
            self._dispatcher, self._told = self._start_dispatcher(), spec
        try:
            async with asyncio.timeout(CHANGE_S_MAX):
                await self._until_announced()
                if self._is_other(spec):
                    self._announced, self._told = None, spec
                    self._dispatcher.signal(signal.SIGHUP)
                    await self._until_announced()
        except TimeoutError:
            self.fault = f"the dispatcher does not serve plan {spec.plan_version} after {CHANGE_S_MAX:g} s"
        else:
            self.fault = (self._announced or {}).get("plan_refused")
        if self.fault is not None:
            _log.error("plan_not_served", sub_cluster=self.part.id, reason=self.fault)
            self._told = self.served
            if self.served is not None:  # what a dispatcher that dies now is to start with
                write_atomically(self._spec_file, encode_sub_cluster(self.served).encode())

    def _is_other(self, spec: SubClusterSpec) -> bool:
        """Whether the dispatcher, which has announced itself, is to change over to ``spec``."""
        announced = self._announced or {}
        is_same_plan = announced.get("plan_version") == spec.plan_version
        return not is_same_plan or self._told != spec

    async def _until_announced(self) -> None:
        while self._announced is None:
            self._news.clear()
            await self._news.wait()

    def _start_dispatcher(self) -> Child:
        assert self.part.dispatcher is not None
        where = self.part.dispatcher
        command = [
            *self._fermata,
            "dispatcher",
            "--spec",
            str(self._spec_file),
            "--host",
            where.host,
            "--http-port",
            str(where.http_port),
            "--grpc-port",
            str(where.grpc_port),
            "--worker-endpoint",
            where.worker_endpoint,
            "--heartbeats",
        ]
        if where.native_port is not None:
            command += ["--native-port", str(where.native_port)]
        if where.tls is not None:
            command += ["--tls-certificate", where.tls.certificate, "--tls-key", where.tls.key]
            if where.tls.client_ca is not None:
                command += ["--tls-client-ca", where.tls.client_ca]
        return Child(
            f"dispatcher of {self.part.id}",
            command,
            environment={},
            on_line=self._hear_dispatcher,
            on_start=self._forget_dispatcher,
            silence_s_max=self._silence_s_max,
        )

    def _worker(self, gpu: int) -> Child:
        where = ["--connect", self.part.endpoint, "--gpu", str(gpu)]
        if self.part.emulated_memory_gib is not None:
            where += ["--emulated-memory-gib", str(self.part.emulated_memory_gib)]

        def hear(line: dict[str, Any]) -> None:
            if "fault" in line:
                self._gpu_faults[gpu] = str(line["fault"])
                _log.error("gpu_does_not_serve", sub_cluster=self.part.id, gpu=gpu, reason=line["fault"])
                self._on_change()
            if "models" in line:
                self._gpu_faults.pop(gpu, None)
                known = self._loads.get(gpu, {}).get("loads", [])
                fresh = {load["model"] for load in line["loads"]}
                kept = [load for load in known if load["model"] in line["models"]]
                line["loads"] = [*(load for load in kept if load["model"] not in fresh), *line["loads"]]
                self._loads[gpu] = line
                self._on_change()

        return Child(
            f"worker of GPU {gpu} of {self.part.id}",
            [*self._fermata, "worker", *where, "--heartbeats"],
            environment={"CUDA_VISIBLE_DEVICES": self._device(gpu)},
            on_line=hear,
            silence_s_max=self._silence_s_max,
        )

    def _forget_dispatcher(self) -> None:
        self._announced = None

    def _hear_dispatcher(self, line: dict[str, Any]) -> None:
        if "http_url" in line:
            self._announced = line
            self._news.set()
            self._on_change()


def _memory(line: dict[str, Any] | None) -> int | None:
    """What the models of one GPU took when they were loaded; None where a part of it is not known."""
    if line is None or any(load["memory_bytes"] is None for load in line["loads"]):
        return None
    return sum(int(load["memory_bytes"]) for load in line["loads"])
