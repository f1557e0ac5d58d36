"""
From one plan to the next without a request noticing: make before break.

1. Every worker that serves loads what the next plan adds, while it serves the present one.
2. The scheduler of the next plan takes over. Models that leave are still served for the
   requests accepted before; new requests for them are refused.
3. When the last of those is answered, workers free what no plan asks for any more.

A model that cannot be loaded anywhere ends the change at step 1: nothing has changed then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.worker_link import WorkerLink

LOAD_S_MAX = 600.0
"""A worker that has not loaded by then is given up; it says Hello again and loads as a new one does."""

FREE_S_MAX = 30.0
"""A worker that has not let go by then hears of the next plan all the same."""

LOOK_AGAIN_S = 0.02

_log = structlog.get_logger()


class PlanRefused(RuntimeError):
    """The next plan cannot be served here; the present one still is."""


async def change_plan(
    before: SubClusterSpec,
    after: SubClusterSpec,
    link: WorkerLink,
    live: LiveSubCluster,
    switch: Callable[[SubClusterSpec, SubClusterSpec], None],
) -> None:
    """
    Take ``live`` from ``before`` to ``after``.

    ``switch`` is to call ``LiveSubCluster.switch`` for its first argument, once or twice; doors are
    to take requests for the models of its second alone. Raises ``PlanRefused``.
    """
    if after.id != before.id:
        raise PlanRefused(f"id: must be {before.id!r}, got {after.id!r}")
    keys = {wire.load_key(model) for model in after.models}
    old_ones = [model for model in before.models if wire.load_key(model) not in keys]
    link.want(after.plan_version, (*after.models, *old_ones), max(before.gpus, after.gpus))
    await _loaded(before, link)
    names = {model.id for model in after.models}
    leaving = [model for model in before.models if model.id not in names]
    if leaving:
        switch(msgspec.structs.replace(after, models=(*after.models, *leaving)), after)
        for index in range(len(after.models), len(after.models) + len(leaving)):
            while live.pending_of(index):  # noqa: ASYNC110 (requests end in many places, a change of plan is rare)
                await asyncio.sleep(LOOK_AGAIN_S)
    switch(after, after)
    link.want(after.plan_version, after.models, after.gpus)
    await _freed(link)


async def _freed(link: WorkerLink) -> None:
    """Until no worker that serves holds anything else: what is loaded next may need the room."""
    end_s = asyncio.get_running_loop().time() + FREE_S_MAX
    while link.lacking and asyncio.get_running_loop().time() < end_s:  # noqa: ASYNC110 (as above)
        await asyncio.sleep(LOOK_AGAIN_S)


async def _loaded(before: SubClusterSpec, link: WorkerLink) -> None:
    """Until every worker that serves holds what is wanted."""
    end_s = asyncio.get_running_loop().time() + LOAD_S_MAX
    while link.lacking:
        if link.load_faults:
            reasons = "; ".join(f"GPU {gpu}: {fault}" for gpu, fault in sorted(link.load_faults.items()))
            link.want(before.plan_version, before.models, before.gpus)
            raise PlanRefused(f"models cannot be loaded: {reasons}")
        if asyncio.get_running_loop().time() > end_s:
            for gpu in link.lacking:
                link.give_up(gpu, f"it has not loaded the next plan within {LOAD_S_MAX:g} s")
        await asyncio.sleep(LOOK_AGAIN_S)
