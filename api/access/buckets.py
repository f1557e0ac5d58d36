"""
Token buckets: how many requests one who asks may send.

A bucket fills at ``per_s`` up to ``burst`` and each request takes one. They live in this process:
behind several servers a rate holds for each of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

BUCKETS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a request may go on; ``left`` more may follow at once, else one in ``wait_s`` seconds."""

    granted: bool
    left: int
    wait_s: float

    @property
    def retry_after_s(self) -> int:
        return max(1, ceil(self.wait_s))


class Buckets:
    """
    A bucket of the same size for each key; the ones longest unused are forgotten beyond 10,000.

    ``per_s`` 0 sets no limit. A forgotten bucket starts full, as one that was unused so long is.
    """

    def __init__(self, name: str, per_s: float, *, now_s: Callable[[], float], burst_s: float = 2.0) -> None:
        self.name = name
        self.per_s = per_s
        self.burst = max(1.0, per_s * burst_s)
        self._now_s = now_s
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> Taken:
        if self.per_s <= 0:
            return Taken(True, 0, 0.0)
        level = self._level(key)
        granted = level >= 1
        level -= 1 if granted else 0
        self._filled[key] = (level, self._now_s())
        self._filled.move_to_end(key)
        while len(self._filled) > BUCKETS_MAX:
            self._filled.popitem(last=False)
        return Taken(granted, int(level), max(0.0, (1 - level) / self.per_s))

    def headers(self, taken: Taken) -> dict[str, str]:
        """``RateLimit`` and its policy, as the IETF's draft on rate limit headers writes them."""
        if self.per_s <= 0:
            return {}
        window_s = max(1, round(self.burst / self.per_s))
        found = {
            "RateLimit-Policy": f'"{self.name}";q={int(self.burst)};w={window_s}',
            "RateLimit": f'"{self.name}";r={taken.left};t={ceil(taken.wait_s)}',
        }
        return found if taken.granted else found | {"Retry-After": str(taken.retry_after_s)}

    def _level(self, key: str) -> float:
        level, at_s = self._filled.get(key, (self.burst, self._now_s()))
        return min(self.burst, level + (self._now_s() - at_s) * self.per_s)
