"""
What the scheduler sees of its own load: counted where it happens, read and reset at once.

The counters are the ``seen_`` fields of ``State.totals``. Reading them costs the same
whatever the number of GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.core.compiled import kernel
from dispatcher.core.pace import fastest_row
from dispatcher.core.rates import BUCKET_US, target_batch
from dispatcher.core.state import RATE_BUCKETS, State


@dataclass(frozen=True, slots=True)
class Observation:
    """
    What was seen between two readings.

    Parameters
    ----------
    arrived
        Requests that arrived.
    bad
        Requests dropped, refused, or sent although they will be late.
    busy_us
        Planned execution time of the batches sent, in microseconds of one GPU.
    gpus_idle_min
        Smallest number of idle GPUs.
    gpus_touched
        One more than the highest id of a GPU that got a batch; ids are granted lowest first.
    gpus_needed
        GPUs kept full by the rates of the last 5 s where every batch has its target size.
    """

    arrived: int
    bad: int
    busy_us: int
    gpus_idle_min: int
    gpus_touched: int
    gpus_needed: float


def take_observation(state: State, now_us: int) -> Observation:
    """What was seen since the last call; counting begins anew. Looks once at every model."""
    totals = state.totals[0]
    seen = Observation(
        arrived=int(totals["seen_arrived"]),
        bad=int(totals["seen_bad"]),
        busy_us=int(totals["seen_busy_us"]),
        gpus_idle_min=int(totals["seen_idle_min"]),
        gpus_touched=int(totals["seen_touched"]),
        gpus_needed=needed_us(state, now_us) / (RATE_BUCKETS * BUCKET_US),
    )
    for name in ("seen_arrived", "seen_bad", "seen_busy_us", "seen_touched"):
        totals[name] = 0
    totals["seen_idle_min"] = state.idle["slot"][0]
    return seen


@kernel
def needed_us(state: State, now_us: int) -> int:
    r"""
    Execution time for the requests of the rate meters' span, :math:`\sum_m a_m \ell(T_m) / T_m`.

    The need of deferral below saturation, whatever the number of GPUs and the size of the
    batches that they execute now.
    """
    needed = 0
    for m in range(len(state.model)):
        b = target_batch(state, m, now_us)
        execution_us = state.latency_us[fastest_row(state, m), state.model[m].curve + b]
        needed += state.model[m].arrivals * execution_us // b
    return needed


@kernel
def note_arrived(state: State) -> None:
    """One request arrived."""
    state.totals[0].seen_arrived += 1


@kernel
def note_bad(state: State, count: int) -> None:
    """Requests will not be answered in time."""
    state.totals[0].seen_bad += count


@kernel
def note_sent(state: State, g: int, execution_us: int) -> None:
    """A batch goes to the GPU."""
    totals = state.totals[0]
    totals.seen_busy_us += execution_us
    totals.seen_touched = max(totals.seen_touched, g + 1)


@kernel
def note_idle(state: State) -> None:
    """A GPU is idle no more."""
    totals = state.totals[0]
    totals.seen_idle_min = min(totals.seen_idle_min, state.idle[0].slot)
