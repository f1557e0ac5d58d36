"""
The policy ``clockwork``: a few batch sizes, sent a few milliseconds ahead.

Source: Gujarati et al. 2020, "Serving DNNs like Clockwork: Performance Predictability from the
Bottom Up", OSDI, arXiv 2006.02464, sections 4 and 5 (the controller's scheduling of inference).

- Models are compiled for batches of 1, 2, 4, 8 and 16; a batch is always one of them. Of a model's
  sizes the largest that enough requests wait for, and that is in time for the oldest, goes.
- A GPU is given work while less than 5 ms (``Rules.commit_ahead_us``) of it is outstanding; what is
  given is not taken back, however many requests arrive meanwhile.
- Of all models the batch that must start first is given first: the oldest request's deadline
  less the batch's execution. Nothing waits for more requests.
- A request that no batch could save any more is dropped (``hopeless``).

Unlike the original a GPU holds at most one unstarted batch, even where several would fit into the
5 ms. Every GPU holds every model, so nothing of its loading and evicting of models is here.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.state import CLOCKWORK, State

BATCH_SIZE_MAX = 16


@kernel
def allowed_size(state: State, b: int) -> int:
    """The largest batch up to b that the policy allows: all of it, a power of two under ``clockwork``."""
    if state.totals[0].policy != CLOCKWORK or b == 0:
        return b
    size = 1
    while 2 * size <= min(b, BATCH_SIZE_MAX):
        size *= 2
    return size


@kernel
def commit_ahead_us(state: State, lead_us: int) -> int:
    """How long before a GPU is free it takes one more batch: what its transfer takes, or the fixed time."""
    return int(state.totals[0].commit_ahead_us) if state.totals[0].policy == CLOCKWORK else lead_us
