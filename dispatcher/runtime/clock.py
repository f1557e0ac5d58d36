"""The clock of the live data plane."""

from __future__ import annotations

import time


def now_us() -> int:
    """Whole microseconds of the monotonic clock."""
    return time.monotonic_ns() // 1_000
