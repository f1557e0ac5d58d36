"""The network of a simulated sub-cluster: it loses, repeats, delays, garbles and cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Protocol

from dispatcher.contract import wire
from dispatcher.runtime.router_socket import Unreachable
from tests.simulation.virtual_time import VirtualLoop

LATENCY_US = 80
OVERTAKEN_US_MAX = 400_000
TIMEOUT_US = wire.CONNECTION_TIMEOUT_MS * 1_000

Frames = list[bytes]


@dataclass(slots=True)
class Weather:
    """Of each message: the chance to be lost, sent twice, overtaken by later ones, or garbled."""

    lost: float = 0.0
    twice: float = 0.0
    overtaken: float = 0.0
    garbled: float = 0.0


class Process(Protocol):
    """A worker, as the network sees it."""

    @property
    def gpu(self) -> int: ...

    @property
    def silent_since_us(self) -> int | None:
        """Since when it neither sends nor reads; None while it does."""
        ...

    @property
    def is_alive(self) -> bool: ...

    def receive(self, identity: bytes, frames: Frames) -> None: ...


class Network:
    """One dispatcher at a time, any number of workers; a cut concerns one worker."""

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self.loop = loop
        self.weather = Weather()
        self.cut_since_us: dict[int, int] = {}  # by GPU
        self._random = random
        self._router: Router | None = None
        self._owner: dict[bytes, Process] = {}
        self._names = count()

    def router(self) -> Router:
        """The socket of a dispatcher that starts now."""
        self._router = Router(self)
        return self._router

    def connect(self, process: Process) -> bytes:
        identity = f"{process.gpu}-{next(self._names)}".encode()
        self._owner[identity] = process
        return identity

    def disconnect(self, identity: bytes) -> None:
        """The worker closes the connection: nothing reaches it over it any more."""
        self._owner.pop(identity, None)
        if self._router is not None:
            self._router.forget(identity)

    def to_dispatcher(self, identity: bytes, frames: Frames) -> None:
        process = self._owner.get(identity)
        if process is None or process.gpu in self.cut_since_us:
            return
        self._carry(lambda carried: self._arrive(identity, carried), frames)

    def to_worker(self, identity: bytes, frames: Frames) -> None:
        process = self._owner.get(identity)
        if process is None or self.is_broken(process):
            raise Unreachable("no route")
        if process.gpu not in self.cut_since_us:
            self._carry(lambda carried: self._deliver(identity, carried), frames)

    def is_broken(self, process: Process) -> bool:
        """ZeroMQ has closed the connection: at once for a dead process, after a while for a silent one."""
        since_us = [process.silent_since_us, self.cut_since_us.get(process.gpu)]
        now_us = self.loop.now_us()
        return not process.is_alive or any(t is not None and now_us - t > TIMEOUT_US for t in since_us)

    def _arrive(self, identity: bytes, frames: Frames) -> None:
        if self._router is not None and identity in self._owner:
            self._router.arrive(identity, frames)

    def _deliver(self, identity: bytes, frames: Frames) -> None:
        process = self._owner.get(identity)
        if process is not None:
            process.receive(identity, frames)

    def _carry(self, deliver: Callable[[Frames], None], frames: Frames) -> None:
        weather, random = self.weather, self._random
        if random.random() < weather.lost:
            return
        for _ in range(2 if random.random() < weather.twice else 1):
            late_us = random.randrange(OVERTAKEN_US_MAX) if random.random() < weather.overtaken else 0
            carried = self._garbled(frames) if random.random() < weather.garbled else frames
            self.loop.at_us(self.loop.now_us() + LATENCY_US + late_us, deliver, carried)

    def _garbled(self, frames: Frames) -> Frames:
        random = self._random
        match random.randrange(5):
            case 0:
                return [random.randbytes(random.randrange(60)) for _ in range(random.randrange(3))]
            case 1:
                return frames[:1]
            case 2:
                return [*frames, b"one more"]
            case 3:
                return [frames[0][: random.randrange(len(frames[0]))], *frames[1:]]
        control = bytearray(frames[0])
        control[random.randrange(len(control))] ^= 1 << random.randrange(8)
        return [bytes(control), *frames[1:]]


class Router:
    """A dispatcher's socket, ``dispatcher.runtime.router_socket.Transport``."""

    endpoint = "simulated"

    def __init__(self, network: Network) -> None:
        self._network = network
        self._known: set[bytes] = set()
        self._on_message: Callable[[Sequence[bytes]], None] | None = None
        self._is_open = True

    def start(self, on_message: Callable[[Sequence[bytes]], None]) -> None:
        self._on_message = on_message

    def send(self, identity: bytes, frames: Sequence[bytes]) -> None:
        if not self._is_open or identity not in self._known:
            raise Unreachable("unknown identity")
        try:
            self._network.to_worker(identity, [bytes(each) for each in frames])
        except Unreachable:
            self._known.discard(identity)
            raise

    def close(self) -> None:
        self._is_open = False

    def arrive(self, identity: bytes, frames: Frames) -> None:
        if self._is_open and self._on_message is not None:
            self._known.add(identity)
            self._on_message([identity, *frames])

    def forget(self, identity: bytes) -> None:
        self._known.discard(identity)
