"""One simulated run of a sub-cluster, counted by model and by stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.loop import EXECUTED, Requests
from dispatcher.simulation.simulate import new_requests, run_requests

POLICY = Policy.ADAPTIVE
STRETCHES = 8
"""Parts of equal length that the measured interval of a run is counted in (batch means)."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """
    What became of the requests that arrived in the measured interval.

    Attributes
    ----------
    bad, arrived
        int64, shape (models, ``STRETCHES``): requests late, dropped or rejected, and all of them.
    batches, requests_in_batches
        Executed in the measured interval.
    gpu_busy_share
        Of all GPUs over the measured interval.
    """

    bad: NDArray[np.int64]
    arrived: NDArray[np.int64]
    batches: int
    requests_in_batches: int
    gpu_busy_share: float


def simulated_counts(
    models: Sequence[ModelSpec],
    gpus: int,
    arrival_us: NDArray[np.int64],
    model_index: NDArray[np.int32],
    *,
    delays: Delays,
    measured_us: tuple[int, int],
) -> Counts:
    """Run the arrivals through the dispatcher's core on that many GPUs; only ``measured_us`` counts."""
    requests = new_requests(models, arrival_us, model_index, delays)
    _, fleet = run_requests(
        models, gpus, requests, delays=delays, rules=Rules(POLICY), measured_us=measured_us
    )
    length_us = measured_us[1] - measured_us[0]
    bad = np.zeros((len(models), STRETCHES), dtype=np.int64)
    arrived = np.zeros_like(bad)
    first, last = np.searchsorted(arrival_us, measured_us)
    _count(requests, first, last, measured_us[0], measured_us[1], bad, arrived)
    return Counts(
        bad=bad,
        arrived=arrived,
        batches=int(fleet.tally["batches"].sum()),
        requests_in_batches=int(fleet.tally["requests"].sum()),
        gpu_busy_share=float(fleet.gpu["busy_us"].sum()) / length_us / max(1, gpus),
    )


@njit(cache=True)
def _count(
    requests: Requests,
    first: int,
    last: int,
    from_us: int,
    to_us: int,
    bad: NDArray[np.int64],
    arrived: NDArray[np.int64],
) -> None:
    """Add the requests ``first`` to ``last`` - 1 up, by model and by stretch of [from_us, to_us)."""
    for i in range(first, last):
        m = requests.model_index[i]
        stretch = (requests.arrival_us[i] - from_us) * STRETCHES // (to_us - from_us)
        arrived[m, stretch] += 1
        if requests.outcome[i] != EXECUTED or requests.finish_us[i] > requests.deadline_us[i]:
            bad[m, stretch] += 1
