"""What a server does besides answering: due slots, ended runs, deliveries, keys too old to keep."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.service.outage import Outage, reason_of
from planner.store.errors import StoreConflict, StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """
    Something to do again and again; every server may do it at once.

    ``work`` returns how much it did: while that is something, it is called again without a pause.
    """

    name: str
    every_s: float
    work: Callable[[], int]


class Chores:
    """One thread for each chore, until stopped; ``start`` and ``stop`` once each."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(chore,), name=chore.name, daemon=True)
            for chore in chores
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when what is being done is done."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, chore: Chore) -> None:
        outage = Outage(chore.name, log)
        wait_s = 0.0
        while not self._stopping.wait(wait_s):
            began_s, away_s, done = time.monotonic(), 0.0, 0
            try:
                done = chore.work()
                outage.is_over()
            except StoreUnavailable as error:
                away_s = outage.goes_on(error)
            except StoreConflict as error:
                log.warning("%s: trying again: %s", chore.name, reason_of(error))
            except Exception:
                log.exception("%s failed", chore.name)
            rest_s = max(0.0, chore.every_s - (time.monotonic() - began_s))
            wait_s = 0.0 if done else max(rest_s, away_s)
