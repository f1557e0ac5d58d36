"""What a simulation did within a window of time: batches on GPUs, queue lengths, hold factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.state import hold_factor
from dispatcher.simulation.loop import EXECUTED, Requests
from dispatcher.simulation.simulate import Simulation

SAMPLES = 1_000
"""Instants of the window at which queues are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """Executed batches in the order of their start, one entry of each array for a batch."""

    gpu: NDArray[np.int64]
    model_index: NDArray[np.int64]
    size: NDArray[np.int64]
    start_us: NDArray[np.int64]
    finish_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gpu)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """
    What happened from ``from_us`` to ``to_us``.

    ``queued`` has a row for each of the instants ``sample_us`` and a column for each model:
    how many requests waited just before it. ``hold_factor`` has one entry for each instant.
    """

    from_us: int
    to_us: int
    batches: Batches
    sample_us: NDArray[np.int64]
    queued: NDArray[np.int64]
    hold_factor: NDArray[np.float64]


def run_with_timeline(simulation: Simulation, from_us: int, to_us: int, batches_max: int) -> Timeline:
    """
    Run a new simulation to its end and keep what happened within the window.

    The window ends early where it would hold more than ``batches_max`` batches.
    """
    if not 0 <= from_us < to_us:
        raise ValueError(f"the window must not be empty, got {from_us} to {to_us} us.")
    sample_us = np.unique(np.linspace(from_us, to_us, SAMPLES).astype(np.int64))
    queued = np.zeros((len(sample_us), len(simulation.state.model)), dtype=np.int64)
    factors = np.zeros(len(sample_us))
    for i, at_us in enumerate(sample_us.tolist()):
        simulation.run_on(at_us)
        queued[i] = simulation.state.model["count"]
        factors[i] = hold_factor(simulation.state)
    simulation.run_on()
    batches = batches_within(simulation.requests, from_us, to_us)
    if len(batches) > batches_max:
        to_us = max(from_us + 1, int(batches.start_us[batches_max]))
        batches = batches_within(simulation.requests, from_us, to_us)
    kept = max(1, int(np.searchsorted(sample_us, to_us, side="right")))
    return Timeline(from_us, to_us, batches, sample_us[:kept], queued[:kept], factors[:kept])


def batches_within(requests: Requests, from_us: int, to_us: int) -> Batches:
    """The batches that execute at some instant of the window; requests of one batch share GPU and start."""
    inside = (requests.outcome == EXECUTED) & (requests.start_us < to_us) & (requests.finish_us > from_us)
    which = np.flatnonzero(inside)
    which = which[np.lexsort((requests.gpu[which], requests.start_us[which]))]
    gpu, start_us = requests.gpu[which], requests.start_us[which]
    is_first = np.ones(len(which), dtype=bool)
    is_first[1:] = (np.diff(gpu) != 0) | (np.diff(start_us) != 0)
    firsts = np.flatnonzero(is_first)
    return Batches(
        gpu=gpu[firsts].astype(np.int64),
        model_index=requests.model_index[which][firsts].astype(np.int64),
        size=np.diff(np.append(firsts, len(which))),
        start_us=start_us[firsts],
        finish_us=requests.finish_us[which][firsts],
    )
