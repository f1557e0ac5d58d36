"""
What never changes once it is stored, read and understood once for all nodes that ask.

Every node asks for its part of every wave; to parse a large fleet's plan and problem takes seconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from planner.rollout.stages import Stages
from planner.service.plans import StoredPlan, plan
from planner.service.rollouts.document import stages_of
from planner.store.store import Store

KEPT_MAX = 8

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Waves(Stages):
    """The stages, and the earlier plans whose problems know what the plan does not hold any more."""

    problem_versions: tuple[int, ...]


class Latest(Generic[Kept]):
    """The latest few, by what they were asked by; made by one at a time."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """What ``make`` gave for that key; raises what it raises."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


_plans: Latest[StoredPlan] = Latest()
_waves: Latest[Waves] = Latest()


def stored_plan(store: Store, version: int) -> StoredPlan:
    """But for its state, which changes. Raises ``PlanNotFound``."""
    return _plans.get((store.database_url, store.fleet, version), lambda: plan(store, version))


def waves(store: Store, activation_id: int) -> Waves:
    """Of an activation that has some."""

    def read() -> Waves:
        with store.reading() as work:
            document = work.rollouts.document(activation_id)
        found = stages_of(document)
        return Waves(found.stages, found.lost_rps, tuple(document["problem_versions"]))

    return _waves.get((store.database_url, store.fleet, activation_id), read)
