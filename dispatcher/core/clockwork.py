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
- A request that no batch could save any more is dropped (``hopeless``). Under ``window`` the largest
  of the sizes goes that enough requests are in time for, and older ones are dropped for it; the
  controller that was published does so (its queue of each size forgets whom that size cannot save).

Unlike the original a GPU holds at most one unstarted batch, even where several would fit into the
5 ms. Every GPU holds every model, so nothing of its loading and evicting of models is here.
"""

from __future__ import annotations

from dispatcher.core.candidate import drop_heads, due_before, finish_us, form_batch
from dispatcher.core.compiled import called, kernel
from dispatcher.core.outbox import Outbox
from dispatcher.core.queues import first_entry
from dispatcher.core.state import CLOCKWORK, DROP_WINDOW, State

BATCH_SIZE_MAX = 16


@kernel
def form_allowed_batch(
    state: State, m: int, speed: int, now_us: int, gpu_free_us: int, outbox: Outbox
) -> int:
    """As ``form_batch``, of a size that the policy allows."""
    if state.totals[0].policy != CLOCKWORK:
        return form_batch(state, m, speed, now_us, gpu_free_us, outbox)
    return _form_power_of_two(state, m, speed, now_us, gpu_free_us, outbox)


@called
def _form_power_of_two(
    state: State, m: int, speed: int, now_us: int, gpu_free_us: int, outbox: Outbox
) -> int:
    count = state.model[m].count
    if state.totals[0].drop != DROP_WINDOW or count == 0:
        return _power_of_two(form_batch(state, m, speed, now_us, gpu_free_us, outbox))
    alone_us = finish_us(state, m, speed, 1, now_us, gpu_free_us)
    size = _power_of_two(min(count, state.model[m].batch_max))
    while size > 0:
        late = due_before(state, m, finish_us(state, m, speed, size, now_us, gpu_free_us), count)
        if count - late >= size:
            drop_heads(state, m, late, alone_us, outbox)
            state.model[m].due_us = state.queue[first_entry(state, m)].deadline_us
            return int(size)
        size //= 2
    drop_heads(state, m, count, alone_us, outbox)
    return 0


@kernel
def _power_of_two(b: int) -> int:
    """The largest of 0, 1, 2, 4, 8 and 16 up to b."""
    size = min(b, 1)
    while size > 0 and 2 * size <= min(b, BATCH_SIZE_MAX):
        size *= 2
    return size


@kernel
def commit_ahead_us(state: State, lead_us: int) -> int:
    """How long before a GPU is free it takes one more batch: what its transfer takes, or the fixed time."""
    return int(state.totals[0].commit_ahead_us) if state.totals[0].policy == CLOCKWORK else lead_us
