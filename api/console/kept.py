"""
What is dear to make for a page, kept for a while.

Summing up two weeks of a thousand models takes seconds. What took ``DEAR_S`` or more is good for
``FRESH_FACTOR`` times as long as it took; after that it is shown once more while it is made anew behind the
page, so that only the first who looks waits. What is cheap is made every time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

DEAR_S = 0.5
FRESH_FACTOR = 20.0  # a twentieth of a processor at most goes into one of them
FRESH_S_MAX = 600.0
SHOWN_S_MAX = 3_600.0  # an answer that nobody asked for this long is made anew before it is shown
ENTRIES_MAX = 64

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    value: object
    made_s: float
    fresh_s: float


class Kept:
    """Of one server, for all who look; may be asked from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._being_made: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` returns, or returned a while ago for the same ``key``; raises what it raises."""
        with self._lock:
            entry = self._entries.get(key)
            being_made = self._being_made.setdefault(key, threading.Lock())
        if entry is None or self._clock() - entry.made_s > SHOWN_S_MAX:
            with being_made:  # who comes second has what the first made
                with self._lock:
                    newer = self._entries.get(key)
                if newer is not None and newer is not entry:
                    return cast(T, newer.value)
                return self._made(key, make)
        if self._clock() - entry.made_s > entry.fresh_s and being_made.acquire(blocking=False):
            threading.Thread(target=self._renewed, args=(key, make, being_made), daemon=True).start()
        return cast(T, entry.value)

    def _made(self, key: Hashable, make: Callable[[], T]) -> T:
        began_s = self._clock()
        value = make()
        now_s = self._clock()
        took_s = now_s - began_s
        with self._lock:
            self._entries.pop(key, None)
            if took_s >= DEAR_S:
                fresh_s = min(FRESH_S_MAX, FRESH_FACTOR * took_s)
                self._entries[key] = _Entry(value, now_s, fresh_s)
            while len(self._entries) > ENTRIES_MAX:
                self._entries.popitem(last=False)
            if key not in self._entries:
                self._being_made.pop(key, None)
        return value

    def _renewed(self, key: Hashable, make: Callable[[], object], being_made: threading.Lock) -> None:
        try:
            self._made(key, make)
        except Exception:
            log.warning("%s could not be made anew", key, exc_info=True)
        finally:
            being_made.release()
