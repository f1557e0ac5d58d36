"""
What a sub-cluster keeps serving until the plan's other sub-clusters serve it: make before break, fleet-wide.

A plan that moves a model gives it a new home. The sub-cluster that held it before takes up the new plan and
keeps the model, and the GPUs it is to give up, until the planner has heard that every home serves the plan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from dispatcher.contract.node_plan import NodePlan
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.runtime.node.keeper import Keeper
from dispatcher.runtime.node.plan_source import PlannerAway, PlanSource

LOOK_AGAIN_S = 1.0
UNKNOWN = "(unknown: the planner is away)"

_log = structlog.get_logger()


class LettingGo:
    """Asks ``source`` who serves a plan; nothing is kept longer than ``hold_s_max``."""

    def __init__(self, source: PlanSource, hold_s_max: float) -> None:
        self._source = source
        self._hold_s_max = hold_s_max

    async def first(self, keeper: Keeper, plan: NodePlan) -> SubClusterSpec | None:
        """What the sub-cluster is to serve while it waits for others; None where it waits for none."""
        keeper.waits_for = ()
        served, spec = keeper.served, plan.of(keeper.part.id)
        if served is None or not self._hold_s_max:
            return None
        leaving = _leaving(keeper, spec)
        if leaving:
            await self._look(keeper, plan, leaving)
        return _with(served, spec, leaving) if keeper.waits_for else None

    async def until_others_serve(self, keeper: Keeper, plan: NodePlan) -> None:
        """Returns when it may let go."""
        leaving = _leaving(keeper, plan.of(keeper.part.id))
        try:
            async with asyncio.timeout(self._hold_s_max):
                while keeper.waits_for:
                    await asyncio.sleep(LOOK_AGAIN_S)
                    await self._look(keeper, plan, leaving)
        except TimeoutError:
            waited = {"sub_clusters": keeper.waits_for, "hold_s_max": self._hold_s_max}
            _log.error("let_go_unserved", sub_cluster=keeper.part.id, **waited)
        keeper.waits_for = ()

    async def _look(self, keeper: Keeper, plan: NodePlan, leaving: Sequence[ServedModel]) -> None:
        """A planner that is away leaves what was known; at first that nobody else serves."""
        try:
            homes = await self._source.serving(plan.plan_version)
        except PlannerAway as error:
            _log.warning("homes_unknown", sub_cluster=keeper.part.id, error=str(error))
            keeper.waits_for = keeper.waits_for or (UNKNOWN,)
            return
        names = {model.id for model in leaving}
        others = (home for home in homes if home.id != keeper.part.id and names & set(home.models))
        keeper.waits_for = tuple(sorted(home.id for home in others if not home.is_serving))


def _leaving(keeper: Keeper, spec: SubClusterSpec | None) -> tuple[ServedModel, ...]:
    names = {model.id for model in spec.models} if spec is not None else set()
    held = {model.id: model for each in reversed(keeper.may_run) for model in each.models}
    return tuple(model for name, model in held.items() if name not in names)


def _with(
    served: SubClusterSpec, spec: SubClusterSpec | None, leaving: Sequence[ServedModel]
) -> SubClusterSpec:
    """The next specification with what leaves; the present one where there is no next."""
    if spec is None:
        return served
    gpus = max(served.gpus, spec.gpus)
    return msgspec.structs.replace(spec, models=(*spec.models, *leaving), gpus=gpus)
