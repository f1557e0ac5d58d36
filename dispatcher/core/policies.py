r"""
When a candidate is due: the one place where the policies differ.

eager       at once; so does clockwork
deferred    at frontrun, when waiting for more requests gains nothing any more
latest      at latest, the end of the window
timeout     when the head has waited a share of its SLO, at latest at the latest
adaptive    after the share h of the time until frontrun

Deferral leaves a window only one request's time wide. Where many models share few GPUs it is
often missed, and starting early is better; where GPUs are plenty, only full deferral keeps
them free. So h is the smaller of two factors, each steered by what happens:

- one falls by a tenth each time that a due candidate must wait for a GPU, or waits in vain until
  its window ends, and rises by a fiftieth each time that one is taken at once;
- the other is halved each time that requests are dropped whose candidate was held while a GPU was
  idle: those an eager scheduler might have saved. It rises by 0.0002 with each batch, so
  that holding costs about one batch in five thousand and no more.

Losses that no GPU could have prevented leave the second factor alone. Else overload would
make the policy eager for good, and eager batches are small, which is overload again.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.state import ADAPTIVE, CLOCKWORK, DEFERRED, EAGER, HOLD_WHOLE_PPM, LATEST, TIMEOUT, State

HOLD_KEPT_AT_MISS_PERCENT = 90
HOLD_GAINED_AT_HIT_PPM = 20_000
CAP_KEPT_AT_LOSS_PERCENT = 50
CAP_GAINED_AT_BATCH_PPM = 200


@kernel
def due_us(state: State, m: int, now_us: int, frontrun_us: int) -> int:
    """When the model's candidate, which could still grow, should be sent; not after now means now."""
    policy = state.totals[0].policy
    model = state.model[m]
    if policy in (EAGER, CLOCKWORK):
        return now_us
    if policy == LATEST:
        return int(model.latest_us)
    if policy == TIMEOUT:
        return int(min(model.due_us - model.patience_us, model.latest_us))
    if policy == DEFERRED or frontrun_us <= now_us:
        return frontrun_us
    hold_ppm = min(state.totals[0].hold_ppm, state.totals[0].hold_cap_ppm)
    return now_us + int((frontrun_us - now_us) * hold_ppm // HOLD_WHOLE_PPM)


@kernel
def note_batch(state: State, waited: bool) -> None:
    """A candidate was taken by a GPU, at once or after it had waited."""
    totals = state.totals[0]
    if totals.policy != ADAPTIVE:
        return
    totals.hold_cap_ppm = min(HOLD_WHOLE_PPM, totals.hold_cap_ppm + CAP_GAINED_AT_BATCH_PPM)
    if waited:
        note_miss(state)
    else:
        totals.hold_ppm = min(HOLD_WHOLE_PPM, totals.hold_ppm + HOLD_GAINED_AT_HIT_PPM)


@kernel
def note_miss(state: State) -> None:
    """A due candidate had to wait for a GPU, or its window has ended."""
    if state.totals[0].policy == ADAPTIVE:
        state.totals[0].hold_ppm = state.totals[0].hold_ppm * HOLD_KEPT_AT_MISS_PERCENT // 100


@kernel
def note_loss(state: State) -> None:
    """Requests were dropped whose candidate had been held while a GPU was idle."""
    if state.totals[0].policy == ADAPTIVE:
        state.totals[0].hold_cap_ppm = state.totals[0].hold_cap_ppm * CAP_KEPT_AT_LOSS_PERCENT // 100
