"""
The policy ``nexus``: each GPU serves its own few models in turn, by a packing made anew each epoch.

Source: Shen et al. 2019, "Nexus: A GPU Cluster Engine for Accelerating DNN-Based Video Analysis",
SOSP, sections 6.1 (packing, ``nexus_packing``) and 6.3 (dropping).

- A *session* is a model on a GPU with a largest batch. A GPU runs its sessions in turn, each at most
  one batch of at most that size before the next one's turn; a session without requests is passed
  over, and nothing waits for more requests.
- Which sessions a GPU has is decided each 30 s from the rates of the last 5 s, and when
  a GPU comes or goes. Until some model has been heard of for 5 s, all get equal shares of GPU time.
- Dropping, under ``window``: a window as long as the session's batch slides over the queue, oldest
  request first, until it is in time for its own first request; all before it are dropped. It is
  what the paper calls early drop. ``hopeless`` and ``never`` mean what they always mean.

The original sends each request to one GPU when it arrives. Here the GPUs of a model draw from one
queue, which is kinder to it. Loading a model onto a GPU takes no time here, for every GPU of a
sub-cluster holds all models.

A GPU is *opening* until it could take one more batch: at once when idle, else when the transfer
of its largest batch would outlast what it executes. Then it takes one, or is *open*: in
the list of each of its models, where the next request finds the GPU that has been open longest.
Models with requests are in ``waiting`` by the last instant at which their head could be saved.
"""

from __future__ import annotations

from dispatcher.core.candidate import (
    drop_heads,
    due_before,
    execution_us,
    finish_us,
    grown,
    lead_us,
)
from dispatcher.core.compiled import called, kernel
from dispatcher.core.following import IS_ELSE, follow_for_nexus
from dispatcher.core.gpus import free_us
from dispatcher.core.heaps import is_empty, put, remove, top_item, top_key
from dispatcher.core.matching import send_batch, touch
from dispatcher.core.nexus_packing import heard_for_us, pack
from dispatcher.core.outbox import Outbox, has_room
from dispatcher.core.pace import fastest_row
from dispatcher.core.queues import first_entry
from dispatcher.core.rates import BUCKET_US
from dispatcher.core.state import DROP_HOPELESS, DROP_NEVER, DROP_WINDOW, FAR_US, NEVER, RATE_BUCKETS, State

EPOCH_US = 30_000_000
FIRST_EPOCH_US = RATE_BUCKETS * BUCKET_US


@called
def settle(state: State, now_us: int, outbox: Outbox) -> bool:
    """Do all that is to be done at this instant; False when the outbox must be emptied first."""
    if state.nexus.epoch[0].is_stale == 1 or now_us >= state.nexus.epoch[0].ends_us:
        begin_epoch(state, now_us)
    opening, totals = state.nexus.opening, state.totals[0]
    while True:
        if not is_empty(opening) and top_key(opening) <= now_us:
            if not _serve(state, top_item(opening), now_us, outbox):
                return False
        elif totals.last_touched != NEVER:
            m = totals.last_touched
            s = state.nexus.model[m].open_first
            if state.model[m].count > 0 and s != NEVER:
                _close(state, state.nexus.session[s].gpu)
            else:
                totals.last_touched = state.model[m].touched_before
                state.model[m].is_touched = 0
                _await_expiry(state, m)
        elif not is_empty(state.waiting) and top_key(state.waiting) < now_us:
            m = top_item(state.waiting)
            if not has_room(outbox, 0, state.model[m].count):
                return False
            _expire(state, m, now_us, outbox)
        else:
            return True


@called
def next_instant_us(state: State) -> int:
    """When something is to be done although nothing is heard; NEVER if nothing is."""
    if is_empty(state.waiting):
        return NEVER
    at_us = min(top_key(state.waiting), FAR_US - 1) + 1
    if not is_empty(state.nexus.opening):
        at_us = min(at_us, top_key(state.nexus.opening))
    return at_us if at_us < FAR_US else NEVER


@called
def begin_epoch(state: State, now_us: int) -> None:
    """Pack anew; every GPU looks for work again."""
    heard_us = heard_for_us(state, now_us)
    knows = heard_us >= FIRST_EPOCH_US
    pack(state, now_us, knows)
    state.nexus.epoch[0].is_stale = 0
    state.nexus.epoch[0].ends_us = now_us
    if heard_us != NEVER:
        state.nexus.epoch[0].ends_us += EPOCH_US if knows else FIRST_EPOCH_US
    for g in range(state.totals[0].gpus):
        follow_for_nexus(state, g, IS_ELSE)


@called
def _serve(state: State, g: int, now_us: int, outbox: Outbox) -> bool:
    """The GPU takes a batch of the first session in turn that has one, or is open; False for want of room."""
    gpu = state.nexus.gpu[g]
    s = gpu.cursor
    for _ in range(gpu.sessions):
        session = state.nexus.session[s]
        m = session.model
        if state.model[m].count > 0:
            if not has_room(outbox, state.model[m].batch_max, state.model[m].count):
                return False
            touch(state, m)
            b = form_session_batch(state, m, g, session.batch, now_us, outbox)
            if b > 0:
                gpu.cursor = session.next
                send_batch(state, m, g, b, now_us, outbox)
                return True
        s = session.next
    _open(state, g)
    return True


@kernel
def form_session_batch(state: State, m: int, g: int, most: int, now_us: int, outbox: Outbox) -> int:
    """The size of the batch, up to ``most``, that the session would start now; 0 when there is none."""
    speed, gpu_free_us = state.gpu[g].speed, free_us(state, g, now_us)
    count = state.model[m].count
    most = min(most, state.model[m].batch_max)
    alone_us = finish_us(state, m, speed, 1, now_us, gpu_free_us)
    if state.totals[0].drop == DROP_WINDOW:
        early = _before_window(state, m, speed, most, now_us, gpu_free_us)
        drop_heads(state, m, early, alone_us, outbox)
        return int(min(most, count - early))
    hopeless = due_before(state, m, alone_us, count)
    saved_due_us = FAR_US
    if hopeless < count:
        saved_due_us = state.queue[first_entry(state, m) + hopeless].deadline_us
    if state.totals[0].drop == DROP_HOPELESS:
        drop_heads(state, m, hopeless, alone_us, outbox)
        count -= hopeless
        if count == 0:
            return 0
    return grown(state, m, speed, 1, min(count, most), saved_due_us, now_us, gpu_free_us)


@kernel
def _before_window(state: State, m: int, speed: int, most: int, now_us: int, gpu_free_us: int) -> int:
    """
    How many heads come before the first window of ``most`` requests that is in time for its own first.

    Windows further on are due later and, at the queue's end, shorter, so the search may halve.
    """
    count = state.model[m].count
    first = first_entry(state, m)
    low, high = 0, count
    while low < high:
        k = (low + high) // 2
        size = min(most, count - k)
        if finish_us(state, m, speed, size, now_us, gpu_free_us) <= state.queue[first + k].deadline_us:
            high = k
        else:
            low = k + 1
    return int(low)


@kernel
def _open(state: State, g: int) -> None:
    """The GPU waits for requests of its models."""
    gpu = state.nexus.gpu[g]
    gpu.is_open = 1
    remove(state.nexus.opening, g)
    s = gpu.cursor
    for _ in range(gpu.sessions):
        session = state.nexus.session[s]
        model = state.nexus.model[session.model]
        session.open_before = model.open_last
        session.open_after = NEVER
        if model.open_last == NEVER:
            model.open_first = s
        else:
            state.nexus.session[model.open_last].open_after = s
        model.open_last = s
        s = session.next


@kernel
def _close(state: State, g: int) -> None:
    """The GPU looks for work again, at once."""
    gpu = state.nexus.gpu[g]
    gpu.is_open = 0
    s = gpu.cursor
    for _ in range(gpu.sessions):
        session = state.nexus.session[s]
        model = state.nexus.model[session.model]
        if session.open_before == NEVER:
            model.open_first = session.open_after
        else:
            state.nexus.session[session.open_before].open_after = session.open_after
        if session.open_after == NEVER:
            model.open_last = session.open_before
        else:
            state.nexus.session[session.open_after].open_before = session.open_before
        s = session.next
    follow_for_nexus(state, g, IS_ELSE)


@kernel
def _await_expiry(state: State, m: int) -> None:
    """Put the model where its head's last chance is seen to pass."""
    model = state.model[m]
    model.batch = min(model.count, 1)
    if model.count == 0:
        remove(state.waiting, m)
        return
    model.latest_us = FAR_US
    if state.totals[0].drop != DROP_NEVER:
        head_due_us = state.queue[first_entry(state, m)].deadline_us
        model.latest_us = head_due_us - execution_us(state, m, fastest_row(state, m), 1) - lead_us(state, 1)
    put(state.waiting, m, model.latest_us)


@kernel
def _expire(state: State, m: int, now_us: int, outbox: Outbox) -> None:
    """Drop the heads that not even a batch of one on the fastest GPU could save."""
    alone_us = finish_us(state, m, fastest_row(state, m), 1, now_us, now_us)
    drop_heads(state, m, due_before(state, m, alone_us, state.model[m].count), alone_us, outbox)
    _await_expiry(state, m)
