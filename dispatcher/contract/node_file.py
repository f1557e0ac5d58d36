"""What a GPU node is and which sub-clusters it serves: its configuration, read with every fault at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from dispatcher.contract.reading import read_struct, shown
from dispatcher.contract.tls_files import TlsFiles
from profiles.faults import Fault, InputInvalid

SUBJECT = "node configuration"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ENDPOINT = re.compile(r"tcp://(\[[0-9a-fA-F:]+\]|[^:/\s]+):([1-9][0-9]{0,4})")
GPUS_MAX = 4_096
GIB_MAX = 1e6
PORT_MAX = 65_535
SECONDS = (
    ("poll_s", 0.05, 3_600.0),
    ("wait_s", 0.0, 60.0),
    ("heartbeat_s", 0.2, 3_600.0),
    ("silence_s_max", 2.0, 3_600.0),
    ("hold_s_max", 0.0, 86_400.0),
)


class NodeDispatcher(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A dispatcher that this node runs: where its doors are, and where workers reach it.

    ``grpc_port`` 0 takes any that is free; without ``native_port`` there is no such door.
    """

    worker_endpoint: str
    http_port: int
    host: str = "127.0.0.1"
    grpc_port: int = 0
    native_port: int | None = None
    tls: TlsFiles | None = None


class NodeSubCluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    This node's part of one sub-cluster.

    ``devices[i]`` is this machine's name (as in ``CUDA_VISIBLE_DEVICES``) of the sub-cluster's GPU
    number ``first_gpu + i``; one that several sub-clusters name serves one of them at a time. Either this
    node runs the sub-cluster's ``dispatcher``, or its workers connect to ``worker_endpoint`` elsewhere.
    ``emulated_memory_gib`` limits each of its emulated GPUs.
    """

    id: str
    devices: tuple[str, ...] = ()
    first_gpu: int = 0
    dispatcher: NodeDispatcher | None = None
    worker_endpoint: str | None = None
    emulated_memory_gib: float | None = None

    @property
    def endpoint(self) -> str:
        """Where its workers connect to."""
        return self.dispatcher.worker_endpoint if self.dispatcher else (self.worker_endpoint or "")


class NodeSpare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Devices that this node keeps for rollouts: no plan counts them, and they hold nothing between rollouts.

    While one plan is taken up after another, a sub-cluster ``id`` may be opened on them for what
    stands in the way. ``gpu_type`` and ``zone`` are the names that the planner's problem has for them;
    the doors are those of the ``dispatcher`` that this node then runs.
    """

    id: str
    gpu_type: str
    zone: str
    devices: tuple[str, ...]
    dispatcher: NodeDispatcher
    emulated_memory_gib: float | None = None

    @property
    def part(self) -> NodeSubCluster:
        """What is served there while it is open."""
        doors, memory_gib = self.dispatcher, self.emulated_memory_gib
        return NodeSubCluster(self.id, self.devices, dispatcher=doors, emulated_memory_gib=memory_gib)


class NodeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One GPU node.

    ``fleet`` is the one whose active plan it serves, ``state`` the folder in which the last plan is kept. The
    planner is asked every ``poll_s`` seconds, each question waiting for news as long as ``wait_s``; a process
    that says nothing for ``silence_s_max`` is killed and started anew. What a plan moves elsewhere is kept
    until it is served there, ``hold_s_max`` at most.
    """

    node: str
    planner: str
    state: str
    sub_clusters: tuple[NodeSubCluster, ...] = ()
    poll_s: float = 1.0
    wait_s: float = 20.0
    heartbeat_s: float = 5.0
    silence_s_max: float = 30.0
    fleet: str = "default"
    hold_s_max: float = 600.0
    spares: tuple[NodeSpare, ...] = ()

    @property
    def parts(self) -> tuple[NodeSubCluster, ...]:
        """Of the plan's sub-clusters, then of those on spares."""
        return (*self.sub_clusters, *(spare.part for spare in self.spares))


def parse_node(data: object) -> NodeConfig:
    """The configuration in ``data`` (dicts, lists and scalars). Raises ``InputInvalid`` with all faults."""
    faults: list[Fault] = []
    config = read_struct(data, NodeConfig, "", faults)
    if config is not None:
        faults.extend(_faults(config))
    if faults or config is None:
        raise InputInvalid(SUBJECT, faults)
    return config


def _faults(config: NodeConfig) -> Iterator[Fault]:
    if not NAME.fullmatch(config.node):
        limit = "must be 1 to 100 letters, digits, dots, hyphens and underscores"
        yield Fault("node", shown(config.node), limit)
    if not NAME.fullmatch(config.fleet):
        limit = "must be 1 to 100 letters, digits, dots, hyphens and underscores"
        yield Fault("fleet", shown(config.fleet), limit)
    address = urlsplit(config.planner)
    if address.scheme not in ("http", "https") or not address.netloc:
        yield Fault("planner", shown(config.planner), "must be an http or https address")
    if not Path(config.state).is_absolute():
        yield Fault("state", shown(config.state), "must be an absolute path")
    for name, least, most in SECONDS:
        value = getattr(config, name)
        if not (math.isfinite(value) and least <= value <= most):
            yield Fault(name, shown(value), f"must lie in {least:g}..{most:g}")
    if not config.parts:
        yield Fault("sub_clusters", "[]", "must name at least one sub-cluster, where there are no spares")
    paths = [f"sub_clusters[{index}]" for index in range(len(config.sub_clusters))]
    paths += [f"spares[{index}]" for index in range(len(config.spares))]
    seen_ids: set[str] = set()
    doors: dict[tuple[str, int], str] = {}
    for part, path in zip(config.parts, paths, strict=True):
        if part.id in seen_ids:
            yield Fault(f"{path}.id", shown(part.id), "must be unique among sub-clusters and spares")
        seen_ids.add(part.id)
        for position, device in enumerate(part.devices):
            if device in part.devices[:position]:
                limit = "must be named once: it is one of the sub-cluster's GPUs"
                yield Fault(f"{path}.devices[{position}]", shown(device), limit)
        yield from _sub_cluster_faults(part, path)
        if part.dispatcher is not None:
            yield from _door_faults(part.dispatcher, f"{path}.dispatcher", doors)
    yield from _spare_faults(config)


def _spare_faults(config: NodeConfig) -> Iterator[Fault]:
    homes = {device: part.id for part in config.sub_clusters for device in part.devices}
    for index, spare in enumerate(config.spares):
        path = f"spares[{index}]"
        for name in ("gpu_type", "zone"):
            if not getattr(spare, name):
                yield Fault(f"{path}.{name}", shown(getattr(spare, name)), "must not be empty")
        if not spare.devices:
            yield Fault(f"{path}.devices", "[]", "must name the devices that are kept")
        for position, device in enumerate(spare.devices):
            if device in homes:
                limit = f"must be kept for the spare alone: {homes[device]} names it too"
                yield Fault(f"{path}.devices[{position}]", shown(device), limit)
        homes |= {device: f"spare {spare.id}" for device in spare.devices}


def _door_faults(dispatcher: NodeDispatcher, path: str, doors: dict[tuple[str, int], str]) -> Iterator[Fault]:
    """Of two doors at one port the second could not be opened."""
    for name in ("http_port", "grpc_port", "native_port"):
        port = getattr(dispatcher, name)
        if not port:
            continue
        if (dispatcher.host, port) in doors:
            yield Fault(f"{path}.{name}", shown(port), f"must not be {doors[dispatcher.host, port]}")
        doors.setdefault((dispatcher.host, port), f"{path}.{name}")


def _sub_cluster_faults(sub_cluster: NodeSubCluster, path: str) -> Iterator[Fault]:
    if not sub_cluster.id:
        yield Fault(f"{path}.id", shown(sub_cluster.id), "must not be empty")
    if not 0 <= sub_cluster.first_gpu < GPUS_MAX:
        yield Fault(f"{path}.first_gpu", shown(sub_cluster.first_gpu), f"must lie in 0..{GPUS_MAX - 1}")
    memory_gib = sub_cluster.emulated_memory_gib
    if memory_gib is not None and not 0 < memory_gib <= GIB_MAX:
        yield Fault(f"{path}.emulated_memory_gib", shown(memory_gib), f"must lie above 0, up to {GIB_MAX:g}")
    for position, device in enumerate(sub_cluster.devices):
        if not device:
            yield Fault(f"{path}.devices[{position}]", shown(device), "must not be empty")
    if (sub_cluster.dispatcher is None) == (sub_cluster.worker_endpoint is None):
        given = "both" if sub_cluster.dispatcher else "neither"
        limit = "one of dispatcher and worker_endpoint must be given"
        yield Fault(f"{path}.dispatcher", given, limit)
    elif sub_cluster.dispatcher is None and not sub_cluster.devices:
        yield Fault(f"{path}.devices", "[]", "must name a device where no dispatcher is run")
    where = f"{path}.dispatcher.worker_endpoint" if sub_cluster.dispatcher else f"{path}.worker_endpoint"
    match = ENDPOINT.fullmatch(sub_cluster.endpoint)
    if (sub_cluster.dispatcher or sub_cluster.worker_endpoint is not None) and (
        match is None or int(match[2]) > PORT_MAX
    ):
        limit = "must be tcp://HOST:PORT with a port of its own"
        yield Fault(where, shown(sub_cluster.endpoint), limit)
    if sub_cluster.dispatcher:
        yield from _dispatcher_faults(sub_cluster.dispatcher, f"{path}.dispatcher")


def _dispatcher_faults(dispatcher: NodeDispatcher, path: str) -> Iterator[Fault]:
    for name, least in (("http_port", 1), ("grpc_port", 0), ("native_port", 1)):
        port = getattr(dispatcher, name)
        if port is not None and not least <= port <= PORT_MAX:
            yield Fault(f"{path}.{name}", shown(port), f"must lie in {least}..{PORT_MAX}")
    if dispatcher.tls is not None:
        for name in ("certificate", "key", "client_ca"):
            file = getattr(dispatcher.tls, name)
            if file is not None and not Path(file).is_absolute():
                yield Fault(f"{path}.tls.{name}", shown(file), "must be an absolute path")
