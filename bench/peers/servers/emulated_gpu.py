"""
The GPU that every peer runs: a batch of b takes alpha * b + beta milliseconds, one batch at a time.

Only the standard library, because it runs in each peer's own environment. Processes that share a GPU wait for
each other at its lock file; the time it executed is added up in a file beside it.
"""

import fcntl
import os
import struct
import time

FOLDER = os.environ.get("PEER_FOLDER", "")
GPUS = int(os.environ.get("PEER_GPUS", "1"))
ALPHA_MS = float(os.environ.get("PEER_ALPHA_MS", "1"))
BETA_MS = float(os.environ.get("PEER_BETA_MS", "1"))
INSTANCES = int(os.environ.get("PEER_INSTANCES", str(GPUS)))
BATCH_MAX = int(os.environ.get("PEER_BATCH_MAX", "16"))

WAKE_UP_S = 0.0003
"""A sleeping process is back this long after it asked at the latest, mostly."""


class EmulatedGpu:
    """GPU number ``gpu`` of this machine, for one model instance."""

    def __init__(self, gpu):
        self.gpu = gpu
        self._lock = os.open(os.path.join(FOLDER, f"gpu-{gpu}"), os.O_RDWR | os.O_CREAT, 0o600)

    @classmethod
    def claim(cls, model):
        """The next GPU for an instance of ``model`` (m0, m1, ...): models and their instances in turn."""
        instance = 0
        while True:
            name = os.path.join(FOLDER, f"claim-{model}-{instance}")
            try:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                instance += 1
            else:
                return cls((int(model[1:]) + instance) % GPUS)

    def execute(self, batch_size):
        """Returns when a batch has been executed, after those that came before it."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            began = time.monotonic()
            until = began + (ALPHA_MS * batch_size + BETA_MS) / 1e3
            time.sleep(max(0.0, until - WAKE_UP_S - time.monotonic()))
            while time.monotonic() < until:
                os.sched_yield()
            self._add(time.monotonic() - began, batch_size)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _add(self, seconds, batch_size):
        raw = os.pread(self._lock, 24, 0)
        busy_s, batches, requests = struct.unpack("<dqq", raw) if len(raw) == 24 else (0.0, 0, 0)
        os.pwrite(self._lock, struct.pack("<dqq", busy_s + seconds, batches + 1, requests + batch_size), 0)
