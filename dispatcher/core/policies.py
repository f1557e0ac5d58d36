r"""
When a candidate is due: the one place where the policies differ.

eager       at once
deferred    at frontrun, when waiting for more requests gains nothing any more
adaptive    after the share h of that time. Deferral leaves a window only one request's time
            wide; where many models share few GPUs it is often missed, and starting early is
            better. So h falls by a tenth each time that a due candidate must wait for a GPU, or
            waits in vain until its window ends, and rises by a fiftieth each time that one is
            taken at once.
"""

from __future__ import annotations

from dispatcher.core.compiled import inlined, kernel
from dispatcher.core.state import ADAPTIVE, DEFERRED, EAGER, HOLD_WHOLE_PPM, State

HOLD_KEPT_AT_MISS_PERCENT = 90
HOLD_GAINED_AT_HIT_PPM = 20_000


@kernel
def due_us(state: State, now_us: int, frontrun_us: int) -> int:
    """When a candidate that has its frontrun then should be sent."""
    policy = state.totals[0].policy
    if policy == EAGER or frontrun_us <= now_us:
        return now_us
    if policy == DEFERRED:
        return frontrun_us
    return now_us + int((frontrun_us - now_us) * state.totals[0].hold_ppm // HOLD_WHOLE_PPM)


@inlined
def note_hit(state: State) -> None:
    """A due candidate was taken at once."""
    if state.totals[0].policy == ADAPTIVE:
        state.totals[0].hold_ppm = min(HOLD_WHOLE_PPM, state.totals[0].hold_ppm + HOLD_GAINED_AT_HIT_PPM)


@inlined
def note_miss(state: State) -> None:
    """A due candidate had to wait for a GPU, or its window has ended."""
    if state.totals[0].policy == ADAPTIVE:
        state.totals[0].hold_ppm = state.totals[0].hold_ppm * HOLD_KEPT_AT_MISS_PERCENT // 100
