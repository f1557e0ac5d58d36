"""A server's run worker alone, as a process to be killed: ``python -m tests.integration.run_server URL``."""

from __future__ import annotations

import sys
import threading

from planner.service.run_worker import RunWorker
from planner.store.store import Store

LEASE_S = 1.5

if __name__ == "__main__":
    RunWorker(Store(sys.argv[1]), lease_s=LEASE_S, poll_s=0.05).start()
    threading.Event().wait()
