"""What the policies ``nexus`` and ``shepherd`` note whenever a GPU changes; the others note nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.core.compiled import is_there, kernel, variant
from dispatcher.core.heaps import put, remove
from dispatcher.core.state import State

IS_NEWS, IS_FINISH, IS_ELSE = range(3)
"""Changes: the GPU was added or lost, its older batch has been executed, anything else."""

AT_ONCE_US = 0


def follow(state: State, g: int, change: int) -> None:
    """Put the GPU where its policy looks for it."""


@variant(of=follow)
def _follow(state: Any, g: Any, change: Any) -> Callable[..., None]:
    if is_there(state, "nexus"):
        return lambda state, g, change: follow_for_nexus(state, g, change)
    if is_there(state, "shepherd"):
        return lambda state, g, change: follow_for_shepherd(state, g, change)
    return lambda state, g, change: None


@kernel
def follow_for_nexus(state: State, g: int, change: int) -> None:
    """
    A GPU that is not open yet waits in ``opening``, unless it is gone or holds an unstarted batch.

    The packing counts on the GPUs that are here.
    """
    if change == IS_NEWS:
        state.nexus.epoch[0].is_stale = 1
    gpu = state.gpu[g]
    if gpu.is_here == 0 or gpu.batches == 2:
        remove(state.nexus.opening, g)
    elif state.nexus.gpu[g].is_open == 0:
        opening_us = AT_ONCE_US
        if gpu.batches == 1:
            opening_us = max(gpu.start_us, gpu.free_us - state.nexus.gpu[g].lead_us)
        put(state.nexus.opening, g, opening_us)


@kernel
def follow_for_shepherd(state: State, g: int, change: int) -> None:
    """A GPU with exactly one batch is in ``running`` by that batch's size."""
    shepherd = state.shepherd
    if change == IS_FINISH:
        shepherd.older[g] ^= 1
    if state.gpu[g].batches == 1:
        put(shepherd.running, g, shepherd.held[g, shepherd.older[g]].size)
    else:
        remove(shepherd.running, g)
