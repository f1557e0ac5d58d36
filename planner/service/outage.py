"""A database that is away: said once when it goes and once when it is back, and asked ever less often."""

from __future__ import annotations

import logging
import time

WAIT_S_FIRST = 0.5
WAIT_S_MOST = 8.0


class Outage:
    """
    Of the database, as one thread that works on it sees it; ``who`` that is goes into the log.

    ``goes_on`` and ``is_over`` say how the last try went.
    """

    def __init__(self, who: str, log: logging.Logger) -> None:
        self._who = who
        self._log = log
        self._since_s: float | None = None
        self._tries = 0

    def goes_on(self, error: Exception) -> float:
        """A try failed; returns the seconds to wait before the next: twice as many each time, to 8."""
        if self._since_s is None:
            self._since_s, self._tries = time.monotonic(), 0
            self._log.warning("%s: the database cannot be reached: %s", self._who, reason_of(error))
        self._tries += 1
        return float(min(WAIT_S_FIRST * 2 ** (min(self._tries, 10) - 1), WAIT_S_MOST))

    def is_over(self) -> None:
        """A try succeeded; harmless where none had failed."""
        if self._since_s is not None:
            lasted_s = time.monotonic() - self._since_s
            told = (self._who, lasted_s, self._tries)
            self._log.warning("%s: the database is back after %.1f s, %d tries failed", *told)
            self._since_s = None


def reason_of(error: Exception) -> str:
    """What a driver says, on one line."""
    return " ".join(str(error).split())
