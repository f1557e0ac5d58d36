r"""
When a candidate is due: the one place where the policies differ.

eager       at once; so does clockwork
deferred    at frontrun, when waiting for more requests gains nothing any more
latest      at latest, the end of the window
timeout     when the head has waited a share of its SLO, at latest at the latest
adaptive    after a share h of the time until frontrun

Deferral makes large batches and leaves GPUs free, but its window is only one request's time wide:
where many models share few GPUs it is often missed. Starting early saves those requests, but a
second small batch of a model beside its first takes GPU time that one larger batch would have
saved. So h follows three things.

- The pool's hold factor: whether requests are lost. It falls by 0.03 with each that is dropped or late
  and rises by 0.000045 with each that is started: a whole deferral as long as fewer than 1.5
  requests in a thousand are lost, none when more are. It may fall to a fifth below nothing, which has
  to be made good first: bursts lose requests by the hundred, and come again before so many are
  started as would earn another hold. Whose fault a loss was does not matter, for where GPUs are
  short starting early is limited by the last rule.
- The model's own hold factor, where it is smaller: whether its own requests are lost. A model of few
  requests beside busy ones may lose one in ten and the pool not notice. It falls by a half with each
  that is lost and rises by 0.005 with each that is started, so that no model is held at the price of
  more than one of its requests in a hundred. It begins at 0: a hold is earned.
- The model's own batches, where GPUs are short: beside two or more that are sent and not yet
  executed the candidate is held until frontrun; beside one, for at least a quarter of the time. When
  one ends the share is taken anew. Short means that fewer are idle than the root of their
  number, which is about how far the number busy strays.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.state import ADAPTIVE, CLOCKWORK, DEFERRED, EAGER, HOLD_WHOLE_PPM, LATEST, TIMEOUT, State

HOLD_GAINED_PER_REQUEST_PPM = 45
HOLD_LOST_PER_LOSS_PPM = 30_000
"""The ratio of the two is the bad rate up to which all is deferred: 1.5 in a thousand."""
HOLD_DEBT_MAX_PPM = 200_000
"""How far losses push the account below nothing, so that a burst's are not forgotten before the next."""
OWN_HOLD_GAINED_PER_REQUEST_PPM = 5_000
OWN_HOLD_LOST_PER_LOSS_PPM = 500_000
"""The ratio of the two is the bad rate up to which one model is deferred: 1 in a hundred."""
HOLD_BESIDE_ONE_BATCH_PPM = 250_000


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
    return now_us + int((frontrun_us - now_us) * hold_share_ppm(state, m) // HOLD_WHOLE_PPM)


@kernel
def hold_share_ppm(state: State, m: int) -> int:
    """The share of its deferral that the model's candidate waits under the adaptive policy."""
    hold_ppm = int(min(max(0, state.totals[0].hold_ppm), state.model[m].hold_ppm))
    sent = state.model[m].sent
    idle = state.idle[0].slot
    if sent == 0 or idle * idle >= state.totals[0].gpus:
        return hold_ppm
    return max(hold_ppm, HOLD_BESIDE_ONE_BATCH_PPM) if sent == 1 else HOLD_WHOLE_PPM


@kernel
def note_started(state: State, m: int, count: int) -> None:
    """So many requests of the model were sent to a GPU."""
    totals, model = state.totals[0], state.model[m]
    if totals.policy == ADAPTIVE:
        totals.hold_ppm = min(HOLD_WHOLE_PPM, totals.hold_ppm + count * HOLD_GAINED_PER_REQUEST_PPM)
        model.hold_ppm = min(HOLD_WHOLE_PPM, model.hold_ppm + count * OWN_HOLD_GAINED_PER_REQUEST_PPM)


@kernel
def note_lost(state: State, m: int, count: int) -> None:
    """So many requests of the model were dropped, or sent although they will be late."""
    totals, model = state.totals[0], state.model[m]
    if totals.policy == ADAPTIVE:
        totals.hold_ppm = max(-HOLD_DEBT_MAX_PPM, totals.hold_ppm - count * HOLD_LOST_PER_LOSS_PPM)
        model.hold_ppm = max(0, model.hold_ppm - count * OWN_HOLD_LOST_PER_LOSS_PPM)
