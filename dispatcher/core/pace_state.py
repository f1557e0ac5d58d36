"""What the scheduler learns of how long batches really take."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS_PER_OCTAVE = 64
PROFILED_BIN = 2 * BINS_PER_OCTAVE
"""The bin whose upper edge is a ratio of exactly 1."""
BINS = 5 * BINS_PER_OCTAVE + 1
"""Ratios from 1/4 to 8; what lies beyond counts in the first or the last."""
NOTHING_CAME = -1

PACE = np.dtype(
    [
        (name, np.int64)
        for name in (
            "total",  # weight of all samples
            "unjudged",  # samples since the quantile was looked for
            "measured_us",  # instant of the last sample
            "bin",  # whose upper edge times the profile is in State.latency_us
        )
    ]
)
PACED_GPU = np.dtype([("profile_us", np.int64), ("next_profile_us", np.int64)])


class Pace(NamedTuple):
    """
    Measured over profiled times, for each row of ``State.latency_us`` and model.

    ``profile_us`` is that table as the profiles have it; ``weight`` has shape (rows, models, bins),
    ``edge_ppm`` the upper edge of each bin, ``record`` shape (rows, models). ``gpu`` holds the profiled
    times of the batches that each GPU holds. ``came_us`` is when the first request came of those
    since the model's last batch was sent, NOTHING_CAME if none has; ``quantile_ppm`` is one number.
    """

    profile_us: NDArray[np.int64]
    weight: NDArray[np.int64]
    edge_ppm: NDArray[np.int64]
    record: NDArray[Any]
    gpu: NDArray[Any]
    came_us: NDArray[np.int64]
    quantile_ppm: NDArray[np.int64]


def new_pace(time_quantile: float, latency_us: NDArray[np.int64], model_count: int) -> Pace:
    """Nothing measured, no GPU known."""
    record = np.zeros((len(latency_us), model_count), dtype=PACE)
    record["bin"] = PROFILED_BIN
    return Pace(
        profile_us=latency_us.copy(),
        weight=np.zeros((len(latency_us), model_count, BINS), dtype=np.int64),
        edge_ppm=np.array([_edge_ppm(k) for k in range(BINS)], dtype=np.int64),
        record=record,
        gpu=np.zeros(0, dtype=PACED_GPU),
        came_us=np.full(model_count, NOTHING_CAME, dtype=np.int64),
        quantile_ppm=np.array([round(time_quantile * 1e6)], dtype=np.int64),
    )


def _edge_ppm(k: int) -> int:
    return round(1_000_000 * math.exp2((k - PROFILED_BIN) / BINS_PER_OCTAVE))


def enlarged_pace(pace: Pace, gpu_capacity: int) -> Pace:
    """Room for more GPUs."""
    gpu = np.zeros(gpu_capacity, dtype=PACED_GPU)
    gpu[: len(pace.gpu)] = pace.gpu
    return pace._replace(gpu=gpu)
