"""Arrivals drawn from a seed: each model has a stream of its own, so that adding one changes no other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dispatcher.simulation.scenario import US_PER_S, ArrivalKind, Arrivals, Scenario


def merged_arrivals(scenario: Scenario, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Arrivals of all models, ``(arrival_us, model_index)``, ordered by time and then by model."""
    return merged(
        [drawn(model.arrivals, scenario.duration_us, seed, m) for m, model in enumerate(scenario.models)]
    )


def tenants_drawn(scenario: Scenario, seed: int, model_index: NDArray[np.int32]) -> NDArray[np.int32]:
    """The tenant of each request, by its model's shares; each model draws for itself."""
    tenant_index = np.zeros(len(model_index), dtype=np.int32)
    if len(scenario.tenants) == 1:
        return tenant_index
    for m, model in enumerate(scenario.models):
        shares = np.array(model.tenant_shares or [1.0] * len(scenario.tenants))
        key = (len(scenario.models) + m,)
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
        mine = np.flatnonzero(model_index == m)
        tenant_index[mine] = random.choice(len(shares), size=len(mine), p=shares / shares.sum())
    return tenant_index


def merged(streams: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """One stream of ``(arrival_us, model_index)`` from one for each model."""
    arrival_us = np.concatenate(streams)
    model_index = np.repeat(np.arange(len(streams), dtype=np.int32), [len(stream) for stream in streams])
    order = np.argsort(arrival_us, kind="stable")
    return arrival_us[order], model_index[order]


def drawn(arrivals: Arrivals, duration_us: int, seed: int, stream: int) -> NDArray[np.int64]:
    """Arrival times of one model in [0, duration), in microseconds, never falling."""
    if arrivals.trace_us is not None:
        return arrivals.trace_us[: np.searchsorted(arrivals.trace_us, duration_us)]
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(stream,))))
    if arrivals.kind is ArrivalKind.CONST:
        return constant_arrivals(random, arrivals.rate_rps, duration_us)
    shape = arrivals.shape if arrivals.kind is ArrivalKind.GAMMA else 1.0
    return gamma_arrivals(random, arrivals.rate_rps, shape, duration_us)


def constant_arrivals(random: np.random.Generator, rate_rps: float, duration_us: int) -> NDArray[np.int64]:
    """Equal times between arrivals, from a random phase on."""
    if rate_rps <= 0:
        return np.zeros(0, dtype=np.int64)
    period_us = US_PER_S / rate_rps
    first_us = random.random() * period_us
    count = max(0, int(np.ceil((duration_us - first_us) / period_us)))
    times_us = (first_us + period_us * np.arange(count)).astype(np.int64)
    return times_us[times_us < duration_us]


def gamma_arrivals(
    random: np.random.Generator, rate_rps: float, shape: float, duration_us: int
) -> NDArray[np.int64]:
    """Independent gamma times between arrivals; shape 1 is a Poisson process."""
    if rate_rps <= 0:
        return np.zeros(0, dtype=np.int64)
    mean_us = US_PER_S / rate_rps
    chunks: list[NDArray[np.float64]] = []
    reached_us = 0.0
    while reached_us < duration_us:
        count = int((duration_us - reached_us) / mean_us * 1.05) + 16
        chunk = reached_us + np.cumsum(random.gamma(shape, mean_us / shape, count))
        chunks.append(chunk)
        reached_us = float(chunk[-1])
    times_us = np.concatenate(chunks)
    return times_us[: np.searchsorted(times_us, duration_us)].astype(np.int64)
