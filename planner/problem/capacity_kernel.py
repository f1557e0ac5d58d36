"""
The capacity mathematics of all models at once, compiled.

The same formulas as ``planner.problem.capacity.BatchLaw``, which is their readable twin; a test
holds the two together. Laws lie one after the other, entry b of each at ``start[law] + b``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.problem.capacity import DEARER_AT_MOST, US_PER_S, BatchLaw

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Laws(NamedTuple):
    """Batch laws (L) one after the other; ``start`` has L + 1 entries."""

    start: Integers
    latency_us: Floats
    gpus_least: Integers
    fill_rps: Floats
    budget_us: Floats  # (L,)
    data_us: Floats  # (L,)
    requests_per_slo: Floats  # (L,)


class Pairs(NamedTuple):
    """A model on a GPU type for which it has a profile (Q)."""

    model: Integers
    gpu_type: Integers
    law: Integers
    batch_size_in_memory: Integers
    workspace_gib_per_item: Floats


def laws_of(laws: Sequence[BatchLaw]) -> Laws:
    """The laws as arrays."""
    lengths = [len(law.latency_us) for law in laws]
    empty = [np.zeros(0)]
    return Laws(
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        latency_us=np.concatenate([law.latency_us for law in laws] or empty),
        gpus_least=np.concatenate([np.append(law.gpus_least, 0) for law in laws] or empty).astype(np.int64),
        fill_rps=np.concatenate([np.append(law.fill_rps, np.inf) for law in laws] or empty),
        budget_us=np.array([law.budget_us for law in laws], dtype=np.float64),
        data_us=np.array([law.data_us for law in laws], dtype=np.float64),
        requests_per_slo=np.array([law.requests_per_slo for law in laws], dtype=np.float64),
    )


@njit(cache=True)
def _mean_batch(latency_us, fill_rps, budget_us, data_us, rate_rps):  # type: ignore[no-untyped-def]
    """Mean batch under deferral, before it is cut to what GPUs and memory allow."""
    largest = len(latency_us) - 2
    whole = np.searchsorted(fill_rps[1 : largest + 1], rate_rps, side="right")
    if whole >= largest:
        return float(max(whole, 1))
    step = latency_us[min(whole + 2, largest + 1)] - latency_us[whole + 1]
    spare_us = budget_us - whole * data_us - latency_us[whole + 1]
    arrivals = rate_rps / US_PER_S
    part = (arrivals * spare_us - (whole - 1)) / (1 + arrivals * (data_us + step))
    return max(1.0, whole + min(1.0, max(0.0, part)))


@njit(cache=True)
def _load_gpus(latency_us, rate_rps, mean):  # type: ignore[no-untyped-def]
    """GPUs kept busy by batches of that mean size."""
    whole = int(mean)
    latency = latency_us[whole] + (mean - whole) * (
        latency_us[min(whole + 1, len(latency_us) - 1)] - latency_us[whole]
    )
    return rate_rps / US_PER_S * latency / mean


@njit(cache=True)
def _has_steps(latency_us):  # type: ignore[no-untyped-def]
    """Whether an item of some batch costs more than one of a smaller batch."""
    for b in range(2, len(latency_us) - 1):  # noqa: SIM110  (a loop compiles, a generator does not)
        if latency_us[b] * (b - 1) > latency_us[b - 1] * b:
            return True
    return False


@njit(cache=True)
def fill_tables(laws, pairs, rate_rps, share, burst, least, batch_size, need, workspace_gib):  # type: ignore[no-untyped-def]
    """
    Fill the capacity tables at the pairs; other entries stay as they are.

    ``rate_rps`` (M, E), ``share`` (Q, N) usable share; the results as in ``CapacityTables``. With
    ``least``, the need in each epoch is the least that any batch of those possible has there.
    """
    counts, epochs = need.shape[2], need.shape[3]
    mean = np.empty(epochs)
    load = np.empty(epochs)
    own = np.empty(epochs)
    for q in range(len(pairs.model)):
        m, g, a = pairs.model[q], pairs.gpu_type[q], pairs.law[q]
        inside = slice(laws.start[a], laws.start[a + 1])
        latency_us, fill_rps = laws.latency_us[inside], laws.fill_rps[inside]
        gpus_least = laws.gpus_least[inside]
        peak = 1.0
        for e in range(epochs):
            mean[e] = _mean_batch(latency_us, fill_rps, laws.budget_us[a], laws.data_us[a], rate_rps[m, e])
            peak = max(peak, mean[e])
        steps = _has_steps(latency_us)
        possible, before, chosen, cheapest = 0, 0, 0, np.inf
        for n in range(counts):
            while possible < len(gpus_least) - 2 and gpus_least[possible + 1] <= n + 1:
                possible += 1
            size = min(possible, pairs.batch_size_in_memory[q])
            if size < 1:
                continue
            for b in range(before + 1 if steps else max(size, before + 1), size + 1):
                for e in range(epochs):
                    own[e] = _load_gpus(latency_us, rate_rps[m, e], min(mean[e], float(b)))
                busiest = own.max()
                cheapest = min(cheapest, busiest)
                if not steps or busiest <= cheapest * (1 + DEARER_AT_MOST):
                    chosen = b
                    if not least:
                        load[:] = own
                if least:
                    load[:] = own if b == 1 or not steps else np.minimum(load, own)
            before = size
            batch_size[m, g, n] = chosen
            planned = min(float(chosen), np.ceil(burst * min(peak, float(chosen))))
            workspace_gib[m, g, n] = pairs.workspace_gib_per_item[q] * planned
            for e in range(epochs):
                need[m, g, n, e] = load[e] / share[q, n]
