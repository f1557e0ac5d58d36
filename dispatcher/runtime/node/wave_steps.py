"""
How one sub-cluster gets to what a wave asks for: let go first, then load.

A wave takes away only what carries no traffic any more, and its loads are ordered for the room that this
leaves. So what leaves is freed, and batches are cut, before anything is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.runtime.node.keeper import Keeper


async def take_wave(keeper: Keeper, spec: SubClusterSpec | None) -> None:
    """To ``spec``; ``keeper.fault`` says why it is not served."""
    runs = keeper.may_run
    if spec is not None and any(_loads(each, spec) for each in runs):
        between = in_passing(runs, spec)
        if between is None:  # nothing of it stays: nothing of it carries traffic
            await _whole(keeper.close())
        else:
            await keeper.grow(between)
            if keeper.fault is not None:
                return
    await keeper.grow(spec)


async def _whole(closing: Coroutine[Any, Any, None]) -> None:
    """Processes that are being ended are ended, also where a newer wave breaks this one off."""
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def in_passing(runs: Sequence[SubClusterSpec], spec: SubClusterSpec) -> SubClusterSpec | None:
    """What is held while ``spec`` loads: what all have, in the smallest batches; None: nothing."""
    before = [{model.id: model for model in each.models} for each in runs]
    kept = tuple(
        min(*(each[model.id] for each in before), model, key=lambda each: len(each.latency_us))
        for model in spec.models
        if all(model.id in each for each in before)
    )
    gpus = max(each.gpus for each in runs)
    return msgspec.structs.replace(spec, models=kept, gpus=gpus) if kept else None


def _loads(served: SubClusterSpec, spec: SubClusterSpec) -> bool:
    return bool({model.id for model in spec.models} - {model.id for model in served.models})
