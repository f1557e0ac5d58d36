"""A model loaded and warmed up, with the time and the memory that it took."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path

from dispatcher.backends.backend import Backend, free_cached, import_library, load_backend
from dispatcher.backends.emulated_memory import EmulatedMemory
from dispatcher.contract.sub_cluster import ServedModel

STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """
    A backend that can execute, and what it cost.

    ``memory_bytes`` is what the device (for a model on the CPU: the process) uses more of than before,
    weights and the workspace of the warm-up together; None where that cannot be told. The library that
    computes is not counted: it is loaded once for all models.
    """

    backend: Backend
    load_us: int
    memory_bytes: int | None


def load_measured(model: ServedModel, memory: EmulatedMemory | None = None) -> LoadedModel:
    """Raises whatever the backend raises; ``memory`` is an emulated GPU's."""
    import_library(model)
    gc.collect()
    free_cached()
    before_bytes = resident_bytes()
    started_ns = time.monotonic_ns()
    backend = load_backend(model, memory)
    load_us = (time.monotonic_ns() - started_ns) // 1_000
    memory_bytes = getattr(backend, "device_bytes", None)
    if memory_bytes is None and before_bytes is not None:
        memory_bytes = max(0, (resident_bytes() or 0) - before_bytes)
    return LoadedModel(backend, load_us, memory_bytes)


def resident_bytes() -> int | None:
    """Memory that this process occupies; None on a system that does not tell."""
    try:
        pages = int(STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
