"""
What each GPU is doing: the transitions, and which heap the GPU is in.

==========  ==================================  =====================================
batches     meaning                             heap
==========  ==================================  =====================================
0           idle                                ``idle``, by id
1           executing, or its input on the way  ``busy``, by the instant it is free
2           one more waits behind it            none: it can take no more
not here    lost                                none
==========  ==================================  =====================================

Under ``nexus`` and ``shepherd`` a GPU is in one more heap, which is kept by ``follow``; GPUs
cannot leave under them. A GPU that is leaving counts its batches down in the same way but is
in no heap; with the last of them it is gone.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.following import IS_ELSE, IS_FINISH, IS_NEWS, follow
from dispatcher.core.heaps import put, remove
from dispatcher.core.observation import note_idle, note_sent
from dispatcher.core.state import State


@kernel
def is_known(state: State, g: int) -> bool:
    return bool(0 <= g < state.totals[0].gpus)


@kernel
def add_gpu(state: State, g: int) -> None:
    """A GPU that was not here is idle."""
    state.gpu[g].is_here = 1
    state.gpu[g].is_leaving = 0
    state.here[state.gpu[g].speed] += 1
    state.totals[0].gpus_here += 1
    state.gpu[g].batches = 0
    put(state.idle, g, g)
    follow(state, g, IS_NEWS)


@kernel
def lose_gpu(state: State, g: int) -> None:
    """The GPU and the batches it held are gone."""
    gpu = state.gpu[g]
    if gpu.batches > 0:
        state.model[gpu.model].sent -= 1
    if gpu.batches > 1:
        state.model[gpu.next_model].sent -= 1
    state.here[gpu.speed] -= gpu.is_here
    state.totals[0].gpus_here -= gpu.is_here
    gpu.is_here = 0
    gpu.is_leaving = 0
    gpu.batches = 0
    remove(state.idle, g)
    remove(state.busy, g)
    note_idle(state)
    follow(state, g, IS_NEWS)


@kernel
def retire_gpu(state: State, g: int) -> None:
    """The GPU executes what it holds, gets no more and is then gone."""
    if state.gpu[g].batches == 0:
        lose_gpu(state, g)
    else:
        state.gpu[g].is_leaving = 1
        remove(state.busy, g)


@kernel
def free_us(state: State, g: int, now_us: int) -> int:
    """When the GPU could execute one more batch; an overdue one, at once."""
    return now_us if state.gpu[g].batches == 0 else max(now_us, state.gpu[g].free_us)


@kernel
def give_batch(
    state: State, g: int, m: int, batch: int, ready_us: int, execution_us: int, now_us: int
) -> int:
    """Send a batch whose input will have arrived at ``ready_us``; when its execution is expected to begin."""
    gpu = state.gpu[g]
    state.model[m].sent += 1
    start_us = max(ready_us, free_us(state, g, now_us))
    note_sent(state, g, execution_us)
    if gpu.batches == 0:
        remove(state.idle, g)
        note_idle(state)
        _execute(state, g, m, batch, start_us, execution_us)
    else:
        remove(state.busy, g)
        gpu.batches = 2
        gpu.next_batch = batch
        gpu.next_model = m
        gpu.next_ready_us = ready_us
        gpu.next_execution_us = execution_us
    follow(state, g, IS_ELSE)
    return start_us


@kernel
def finish_batch(state: State, g: int, now_us: int) -> None:
    """The older batch has been executed; the one behind it, if any, begins."""
    gpu = state.gpu[g]
    state.model[gpu.model].sent -= 1
    if gpu.batches == 2:
        start_us = max(gpu.next_ready_us, now_us)
        _execute(state, g, gpu.next_model, gpu.next_batch, start_us, gpu.next_execution_us)
    elif gpu.is_leaving == 1:
        gpu.batches = 0
        lose_gpu(state, g)
    else:
        gpu.batches = 0
        remove(state.busy, g)
        put(state.idle, g, g)
    follow(state, g, IS_FINISH)


@kernel
def cancel_batch(state: State, g: int) -> None:
    """The only batch of the GPU is taken back; the GPU is idle."""
    state.model[state.gpu[g].model].sent -= 1
    state.gpu[g].batches = 0
    remove(state.busy, g)
    put(state.idle, g, g)
    follow(state, g, IS_ELSE)


@kernel
def _execute(state: State, g: int, m: int, batch: int, start_us: int, execution_us: int) -> None:
    gpu = state.gpu[g]
    gpu.batches = 1
    gpu.batch = batch
    gpu.model = m
    gpu.start_us = start_us
    gpu.free_us = start_us + execution_us
    if gpu.is_leaving == 0:
        put(state.busy, g, gpu.free_us)
