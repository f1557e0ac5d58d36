"""
What goes wrong with servers and database, done to real processes; who died is started again as by a
supervisor.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from bench.service.databases import Database
from bench.service.servers import Server

DOWN_S_MAX = 2.0
FROZEN_S_MAX = 8.0
GAP_S = (0.5, 5.0)


@dataclass
class House:
    """Servers on one database, how long a run's lease lasts, and what has been done to them."""

    database: Database
    servers: Sequence[Server]
    done: Counter[str] = field(default_factory=Counter)

    def revive(self) -> None:
        """What systemd does: whoever is dead is started again."""
        for server in self.servers:
            if not server.is_alive:
                server.start()


def kill_server(house: House, random: Random) -> None:
    """SIGKILL in whatever it was doing, its runs with it."""
    random.choice(house.servers).kill()
    time.sleep(random.uniform(0.0, DOWN_S_MAX))


def kill_all_servers(house: House, random: Random) -> None:
    """On SQLite that is the database too."""
    for server in house.servers:
        server.kill()
    time.sleep(random.uniform(0.0, DOWN_S_MAX))


def terminate_server(house: House, random: Random) -> None:
    """SIGTERM: what is under way is answered, its run goes back into the queue."""
    server = random.choice(house.servers)
    server.send(signal.SIGTERM)
    server.wait(60.0)


def kill_run(house: House, random: Random) -> None:
    """SIGKILL to the process that plans; its server lives."""
    running = [pid for server in house.servers for pid in server.run_processes()]
    for pid in random.sample(running, min(1, len(running))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def freeze_server(house: House, random: Random) -> None:
    """SIGSTOP for longer than a lease: it wakes up and thinks that its run is still its own."""
    server = random.choice(house.servers)
    server.send(signal.SIGSTOP)
    time.sleep(random.uniform(1.0, FROZEN_S_MAX))
    server.send(signal.SIGCONT)


def kill_database(house: House, random: Random) -> None:
    """SIGKILL to PostgreSQL's postmaster, then recovery."""
    if not house.database.kill():
        kill_all_servers(house, random)
        return
    time.sleep(random.uniform(0.0, DOWN_S_MAX))
    house.database.restart()


FAULTS: dict[str, Callable[[House, Random], None]] = {
    act.__name__: act
    for act in (kill_server, kill_all_servers, terminate_server, kill_run, freeze_server, kill_database)
}


def torment(house: House, random: Random, stopping: threading.Event) -> None:
    """One fault after the other until ``stopping``; then everybody is well again, or ``TimeoutError``."""
    while not stopping.wait(random.uniform(*GAP_S)):
        name = random.choice(sorted(FAULTS))
        FAULTS[name](house, random)
        house.done[name] += 1
        house.revive()
    end_s = time.monotonic() + 60.0
    while time.monotonic() < end_s:
        house.revive()  # one that was started while the database was away has ended with an error
        with suppress(TimeoutError):
            for server in house.servers:
                server.until_ready(5.0)
            return
    raise TimeoutError(
        "\n".join(["the servers did not come back", *(server.said() for server in house.servers)])
    )
