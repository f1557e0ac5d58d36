"""
The node process: it has the active plan served on this machine's GPUs, whatever else is down.

Three chores. One asks the planner for news and keeps the last plan on disk; one brings the
processes of each sub-cluster from what they serve to what the plan asks for, always to the latest; one
reports how the node is. None of them waits for another: a planner that is away, a disk that
is full or a dispatcher that does not start delays only what depends on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import structlog

from dispatcher.contract.node_file import NodeConfig, NodeSpare
from dispatcher.contract.node_plan import NodePlan
from dispatcher.runtime.credentials import planner_headers
from dispatcher.runtime.node.backoff import Backoff
from dispatcher.runtime.node.devices import Devices
from dispatcher.runtime.node.keeper import Keeper
from dispatcher.runtime.node.letting_go import LettingGo
from dispatcher.runtime.node.plan_cache import PlanCache
from dispatcher.runtime.node.plan_source import PlannerAway, PlanSource
from dispatcher.runtime.node.wave_steps import take_wave

HEARTBEAT_TIMEOUT_S = 5.0
NEWS_EVERY_S = 0.5
"""News are told no more often than this, and heartbeats as often as configured."""

_log = structlog.get_logger()


def run_node(config: NodeConfig, fermata: Sequence[str], announce: Callable[[dict[str, Any]], None]) -> None:
    """
    Serve until SIGTERM or SIGINT, then drain.

    ``fermata`` is the command whose sub-commands are started; ``announce`` is told of the node's
    state after each plan that was applied.
    """
    with tempfile.TemporaryDirectory(prefix="fermata-node-") as folder:
        asyncio.run(_serve(config, Path(folder), fermata, announce))


async def _serve(
    config: NodeConfig, folder: Path, fermata: Sequence[str], announce: Callable[[dict[str, Any]], None]
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with httpx.AsyncClient(params={"fleet": config.fleet}) as client:
        node = Node(config, folder, fermata, client, announce)
        chores = [asyncio.create_task(each) for each in (node.ask(), node.apply(), node.report())]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *chores], return_when=asyncio.FIRST_COMPLETED)
        _log.info("draining")
        for task in (*chores, stopped):
            task.cancel()
        ends = await asyncio.gather(*chores, stopped, return_exceptions=True)
        await node.close()
    for end in ends:
        if isinstance(end, Exception):
            raise end
    _log.info("node_ended")


class Node:
    """The three chores, and what they share."""

    def __init__(
        self,
        config: NodeConfig,
        folder: Path,
        fermata: Sequence[str],
        client: httpx.AsyncClient,
        announce: Callable[[dict[str, Any]], None],
    ) -> None:
        self._config = config
        self._client = client
        self._announce = announce
        ids, spares = [part.id for part in config.sub_clusters], [spare.id for spare in config.spares]
        self._source = PlanSource(config.planner, ids, client, spares=spares)
        self._letting_go = LettingGo(self._source, config.hold_s_max)
        self._cache = PlanCache(Path(config.state))
        self._news = asyncio.Event()
        devices = Devices(self._tell_keepers)
        self._keepers = [
            Keeper(part, folder, fermata, config.silence_s_max, self._news.set, devices)
            for part in config.parts
        ]
        self._plan = self._cache.load()
        self._applied: dict[str, int] = {}  # plan version by sub-cluster
        self._changed = {part.id: asyncio.Event() for part in config.parts}
        self._planner_fault: str | None = None
        self._is_ending = False
        if self._plan is not None:
            _log.info("serving_kept_plan", plan_version=self._plan.plan_version)
            self._tell_keepers()

    async def ask(self) -> None:
        """For ever: what is the active plan?"""
        backoff = Backoff(least_s=self._config.poll_s, most_s=max(30.0, self._config.poll_s))
        while True:
            try:
                plan = await self._source.news(self._plan.etag if self._plan else None, self._config.wait_s)
            except PlannerAway as error:
                if self._planner_fault is None:
                    serving = self._plan.plan_version if self._plan else None
                    _log.warning("planner_away", error=str(error), serving=serving)
                self._planner_fault = str(error)
                await asyncio.sleep(backoff.pause_s())
                continue
            if self._planner_fault is not None:
                _log.info("planner_back")
            self._planner_fault = None
            backoff.succeeded()
            if plan is not None:
                _log.info("plan_received", plan_version=plan.plan_version)
                self._plan = plan
                self._cache.save(plan)
                self._tell_keepers()
            elif self._plan is not None and self._cache.fault is not None:
                self._cache.save(self._plan)
            await asyncio.sleep(self._config.poll_s)

    async def apply(self) -> None:
        """For ever: have each sub-cluster serve the latest plan. None waits for another."""
        await asyncio.gather(*(self._keep(keeper, self._changed[keeper.part.id]) for keeper in self._keepers))

    async def _keep(self, keeper: Keeper, changed: asyncio.Event) -> None:
        """For ever: what is new is started before anything old is ended. A newer plan need not wait."""
        backoff = Backoff(least_s=1.0)
        while True:
            await changed.wait()
            changed.clear()
            plan = self._plan
            assert plan is not None
            growing = asyncio.create_task(self._grow(keeper, plan))
            newer = asyncio.create_task(changed.wait())
            await asyncio.wait({growing, newer}, return_when=asyncio.FIRST_COMPLETED)
            newer.cancel()
            if not growing.done():
                growing.cancel()
                await asyncio.gather(growing, return_exceptions=True)
                continue
            growing.result()
            await keeper.shrink(plan.of(keeper.part.id))
            if keeper.fault is not None:
                asyncio.get_running_loop().call_later(backoff.pause_s(), changed.set)
            else:
                backoff.succeeded()
                self._applied[keeper.part.id] = plan.plan_version
                keeper.activation_id, keeper.wave = plan.activation_id, plan.wave
                self._news.set()
                _log.info("plan_applied", sub_cluster=keeper.part.id, plan_version=plan.plan_version)
            self._announce(self.status())

    async def _grow(self, keeper: Keeper, plan: NodePlan) -> None:
        """To what its wave asks for; without waves, by way of what is kept until others serve it."""
        if plan.wave is not None:
            await take_wave(keeper, plan.of(keeper.part.id))
            return
        while_waiting = await self._letting_go.first(keeper, plan)
        if while_waiting is not None:
            await keeper.grow(while_waiting)
            if keeper.fault is not None:
                return
            await self._letting_go.until_others_serve(keeper, plan)
        await keeper.grow(plan.of(keeper.part.id))

    async def report(self) -> None:
        """
        For ever: tell the planner how the node is, and soon when others may wait for that.

        What cannot be told now is told next time.
        """
        was_heard = True
        while True:
            self._news.clear()
            fault = await self._tell()
            if fault is not None and was_heard:
                _log.warning("heartbeat_not_taken", planner=self._config.planner, reason=fault)
            was_heard = fault is None
            await asyncio.sleep(min(NEWS_EVERY_S, self._config.heartbeat_s))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._config.heartbeat_s - NEWS_EVERY_S)

    async def _tell(self) -> str | None:
        """One heartbeat; why it was not taken."""
        url = f"{self._config.planner.rstrip('/')}/v1/nodes/{self._config.node}"
        content = msgspec.json.encode(self.status())
        headers = {"content-type": "application/json", **planner_headers()}
        try:
            answer = await self._client.put(
                url, content=content, headers=headers, timeout=HEARTBEAT_TIMEOUT_S
            )
        except httpx.HTTPError as error:
            return repr(error)
        return f"{answer.status_code}: {answer.text[:200]}" if answer.status_code >= 400 else None

    def _tell_keepers(self) -> None:
        for changed in self._changed.values():
            changed.set()

    async def close(self) -> None:
        """Everything drains; the planner hears at once that the spares are not to be counted on."""
        self._is_ending = True
        last_words = [self._tell()] if self._config.spares else []
        await asyncio.gather(*last_words, *(keeper.close() for keeper in self._keepers))

    def _plan_served(self) -> int | None:
        """The oldest plan that a part of this node still serves; None while a part serves none."""
        return min(self._applied.values()) if len(self._applied) == len(self._keepers) else None

    def status(self) -> dict[str, Any]:
        """The node as its heartbeat tells it."""
        return {
            "plan_version": self._plan_served(),
            "plan_known": self._plan.plan_version if self._plan else None,
            "sent_at_s": time.time(),
            "clock_off_s": round(self._source.clock_off_s, 3),
            "cache_fault": self._cache.fault,
            "planner_fault": self._planner_fault,
            "hold_s_max": self._config.hold_s_max,
            "spares": [] if self._is_ending else [_announcement(spare) for spare in self._config.spares],
            "sub_clusters": [keeper.status() for keeper in self._keepers],
        }


def _announcement(spare: NodeSpare) -> dict[str, Any]:
    place = {"gpu_type": spare.gpu_type, "zone": spare.zone}
    return {"id": spare.id, **place, "gpus": len(spare.devices)}
