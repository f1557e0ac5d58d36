"""
Executes queued runs: one thread that leases a run, starts its process and watches over it.

Any number of servers may do this on one database. A lease is renewed while the process lives; a
server that dies stops renewing, and the next one to look takes the run up again.
"""

from __future__ import annotations

import logging
import os
import platform
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from typing import IO

from planner.service.outage import Outage, reason_of
from planner.service.run_child import DATABASE_URL, RUN_FLEET, RUN_LEASE_NUMBER, RUN_OWNER, STORE_AWAY
from planner.store.errors import StoreUnavailable
from planner.store.records import RunRecord
from planner.store.runs import ATTEMPTS_MAX
from planner.store.store import Store

LEASE_S = 30.0
POLL_S = 0.25
TERMINATE_WAIT_S = 2.0
STDERR_TAIL_CHARS = 2_000

log = logging.getLogger(__name__)


class RunWorker:
    """
    Works through the queue of ``store`` until stopped; ``start`` and ``stop`` once each.

    Parameters
    ----------
    lease_s
        How long a run stays this worker's without a sign of life.
    poll_s
        How often the queue and a running process are looked at.
    stopping
        Set from outside, it has a running run put back into the queue at once; ``stop`` sets it too.
    """

    def __init__(
        self,
        store: Store,
        *,
        lease_s: float = LEASE_S,
        poll_s: float = POLL_S,
        stopping: threading.Event | None = None,
    ) -> None:
        self.owner = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._store = store
        self._lease = timedelta(seconds=lease_s)
        self._poll_s = poll_s
        self._stopping = stopping or threading.Event()
        self._thread = threading.Thread(target=self._work, name="run-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Put a running run back into the queue and end; returns when its process is gone."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        outage = Outage("run worker", log)
        while not self._stopping.is_set():
            run, wait_s = None, self._poll_s
            try:
                run = self._claim()
            except StoreUnavailable as error:
                wait_s = max(wait_s, outage.goes_on(error))
            else:
                outage.is_over()
            if run is None:
                self._stopping.wait(wait_s)
            else:
                self._execute(run)

    def _claim(self) -> RunRecord | None:
        with self._store.reading() as work:
            if not work.runs.any_claimable():
                return None
        with self._store.writing() as work:
            return work.runs.claim(self.owner, self._lease)

    def _execute(self, run: RunRecord) -> None:
        log.info("run %s starts, attempt %d", run.id, run.attempts)
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
            process = self._start_process(run, stderr)
            try:
                self._watch(run, process)
            finally:
                _end(process)
            self._settle(run, process.returncode, _tail(stderr))

    def _start_process(self, run: RunRecord, stderr: IO[str]) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            DATABASE_URL: self._store.database_url,
            RUN_FLEET: run.fleet,
            RUN_OWNER: self.owner,
            RUN_LEASE_NUMBER: str(run.lease_number),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "planner.service.run_child", run.id],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=stderr,
            stderr=stderr,
            start_new_session=True,  # so that the solver's own processes end with it
        )

    def _watch(self, run: RunRecord, process: subprocess.Popen[bytes]) -> None:
        """
        Until the process ends, the run is no longer this worker's, or this worker is to stop.

        While the database cannot be reached, the process goes on for as long as the lease would hold.
        """
        lease_s = self._lease.total_seconds()
        renewed_at = time.monotonic()
        outage = Outage(f"run {run.id}", log)
        while process.poll() is None and not self._stopping.wait(self._poll_s):
            now = time.monotonic()
            try:
                if now - renewed_at >= lease_s / 3:
                    holds = self._renew(run)
                    renewed_at = now
                else:
                    holds = self._is_held(run)
                outage.is_over()
            except StoreUnavailable as error:
                holds = now - renewed_at < lease_s
                outage.goes_on(error)  # asked as often as before: the lease does not wait
            if not holds:
                return

    def _renew(self, run: RunRecord) -> bool:
        with self._store.writing() as work:
            return work.runs.renew(run.lease, self._lease)

    def _is_held(self, run: RunRecord) -> bool:
        with self._store.of_fleet(run.fleet).reading() as work:
            found = work.runs.get(run.id)
        return found is not None and found.lease_owner is not None and found.lease == run.lease

    def _settle(self, run: RunRecord, exit_status: int, stderr_tail: str) -> None:
        """Give the row its end, or put it back, where the process did not do so itself."""
        try:
            with self._store.writing() as work:
                if not work.runs.holds(run.lease):
                    return
                if self._stopping.is_set() and exit_status != 0:
                    work.runs.release(run.lease)
                    return
                log.error("run %s crashed with exit status %d:\n%s", run.id, exit_status, stderr_tail)
                passes = exit_status < 0 or exit_status == STORE_AWAY  # killed, perhaps for memory
                if passes and run.attempts < ATTEMPTS_MAX:
                    work.runs.release(run.lease, attempt_counts=True)
                else:
                    last_line = stderr_tail.strip().rpartition("\n")[2]
                    message = f"its process ended with status {exit_status}: {last_line or 'without a word'}"
                    work.runs.fail(run.lease, {"code": "run-crashed", "message": message})
        except StoreUnavailable as error:
            told = (run.id, reason_of(error))
            log.warning("run %s keeps its state until its lease expires: %s", *told)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Make sure that the process and all of its children are gone."""
    for sign, wait_s in ((signal.SIGTERM, TERMINATE_WAIT_S), (signal.SIGKILL, None)):
        if process.poll() is not None:
            break
        os.killpg(process.pid, sign)
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            log.info("process %d did not end on %s", process.pid, sign.name)
    if process.stdin:
        process.stdin.close()


def _tail(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()[-STDERR_TAIL_CHARS:]
