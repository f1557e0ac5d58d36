"""
The kernels of measured forecasts, ready before somebody asks: ``python -m planner.service.warm_up``.

Compiling them takes some twenty seconds, once a version and machine, and would hold up whoever asks first and
every other request with it. So a process apart compiles them into the cache, standing back; then the server
loads them from there, which takes a second.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

import numpy as np

from dispatcher.compilation import are_compiled
from planner.demand.measured.combined import combined
from planner.demand.measured.conformal import conformal_quantile, ends
from planner.demand.measured.forecast import measured_forecast

NICENESS = 10  # who asks goes before what nobody asked for yet
KERNELS = (combined, ends, conformal_quantile)
COMPILE = (sys.executable, "-m", "planner.service.warm_up")
DAY = 24

log = logging.getLogger(__name__)


def warm_up() -> None:
    """Every kernel once, on a week of two series: compiled, or loaded where the cache has it."""
    hours = np.arange(7 * DAY, dtype=np.float64)
    measured_forecast(np.stack([hours % DAY, hours]), DAY, day=DAY)


class WarmUp:
    """A thread that has the kernels ready in the end; ``start`` and ``stop`` once each."""

    def __init__(self, command: Sequence[str] = COMPILE) -> None:
        self._command = list(command)
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="warm-up", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Until they are ready, or there was nothing to be done about it."""
        self._thread.join()

    def stop(self) -> None:
        """Returns when the process has ended, finished or not."""
        with self._lock:
            self._stopping.set()
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        try:
            if not are_compiled(KERNELS):
                log.info("compiling measured forecasts, once per version; about half a minute")
                self._compile()
            if not self._stopping.is_set():
                warm_up()
        except Exception:
            log.exception("measured forecasts are compiled when first asked for")

    def _compile(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        self._process.wait()


if __name__ == "__main__":
    os.nice(NICENESS)
    warm_up()
