"""
What a server does with observed load by itself: roll-ups every few minutes, a look for drift every hour.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from planner.demand.retention import Retention
from planner.service.outage import reason_of
from planner.service.profile_drift import propose
from planner.store.errors import StoreConflict, StoreUnavailable
from planner.store.observed_rollup import RollUp
from planner.store.store import Store

ROLL_UP_EVERY_S = 300.0
LOOK_FOR_DRIFT_EVERY_S = 3_600.0

Chore: TypeAlias = Callable[[], None]

log = logging.getLogger(__name__)


def roll_up(store: Store, retention: Retention, *, stop: threading.Event | None = None) -> RollUp:
    """
    Move all that is due, of all fleets, each step a transaction of its own.

    Any number of servers may do so at once, and die at any point: no report is lost or counted twice.
    """
    done = RollUp()
    while stop is None or not stop.is_set():
        with store.writing() as work:
            step = work.observed.roll_up(retention)
        done += step
        if not step.moved:
            break
    return done


class ObservedChores:
    """A thread that does these for ``store`` until stopped; ``start`` and ``stop`` once each."""

    def __init__(
        self,
        store: Store,
        retention: Retention,
        *,
        roll_up_every_s: float = ROLL_UP_EVERY_S,
        look_for_drift_every_s: float = LOOK_FOR_DRIFT_EVERY_S,
    ) -> None:
        self._store = store
        self._retention = retention
        self._every_s = (roll_up_every_s, look_for_drift_every_s)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="observed-chores", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the step in progress has ended."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        chores = (self._roll_up, self._look_for_drift)
        due_s = [time.monotonic() + every_s for every_s in self._every_s]
        while not self._stopping.wait(max(0.0, min(due_s) - time.monotonic())):
            for index, chore in enumerate(chores):
                if time.monotonic() >= due_s[index]:
                    self._tried(chore)
                    due_s[index] = time.monotonic() + self._every_s[index]

    def _tried(self, chore: Chore) -> None:
        try:
            chore()
        except (StoreUnavailable, StoreConflict) as error:
            log.warning("observed load: to be tried again: %s", reason_of(error))
        except Exception:
            log.exception("observed load: a chore failed")

    def _roll_up(self) -> None:
        done = roll_up(self._store, self._retention, stop=self._stopping)
        if done.moved:
            log.info("observed load rolled up: %d reports, %d rows", done.reports, done.rows)

    def _look_for_drift(self) -> None:
        with self._store.reading() as work:
            fleets = [fleet.id for fleet in work.fleets.all()]
        for fleet in fleets:
            for proposal in propose(self._store.of_fleet(fleet)):
                log.info(
                    "profile of %s on %s has drifted: proposal %d is %s",
                    proposal.model,
                    proposal.gpu_type,
                    proposal.id,
                    proposal.state,
                )
