"""The clock of the live data plane."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Now: TypeAlias = Callable[[], int]
"""Whole microseconds of a clock that never goes back: this machine's, or a test's."""


def now_us() -> int:
    """Whole microseconds of the monotonic clock."""
    return time.monotonic_ns() // 1_000
