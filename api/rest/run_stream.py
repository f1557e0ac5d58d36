"""
Progress of runs to any number of listeners.

One task looks at the database for all of them at once; a listener holds a place in a list, neither a
connection nor a thread. Each first reads what it has not seen, then is handed what comes.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool

from planner.service.outage import Outage
from planner.store.errors import StoreUnavailable
from planner.store.records import RunEvent
from planner.store.store import Store

LOOK_AGAIN_S = 0.25
HEARTBEAT_S = 15.0
PENDING_MAX = 1_000  # of one listener; one that is slower reads from the database again
RETRY_MS = 2_000

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Listener:
    pending: list[RunEvent] = field(default_factory=list)
    is_behind: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class _Feed:
    """A run that is listened to, and the last event handed out."""

    last: int
    listeners: list[_Listener] = field(default_factory=list)


class RunStream:
    """Follows runs of ``store``; all of it in one event loop."""

    def __init__(
        self, store: Store, *, look_again_s: float = LOOK_AGAIN_S, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self._store = store
        self._look_again_s = look_again_s
        self._heartbeat_s = heartbeat_s
        self._feeds: dict[str, _Feed] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def listener_count(self) -> int:
        return sum(len(feed.listeners) for feed in self._feeds.values())

    async def close(self) -> None:
        """Every stream ends; whoever listened comes back, to another server."""
        self._closing = True
        for feed in self._feeds.values():
            for listener in feed.listeners:
                listener.woken.set()

    async def unseen(self, run_id: str, after: int) -> list[RunEvent]:
        """What is stored beyond ``after``, as much as one look gives."""
        return await run_in_threadpool(self._read, {run_id: after})

    async def follow(self, run_id: str, after: int) -> AsyncIterator[str]:
        """Server-sent events beyond ``after``, with a comment now and then, until the run has ended."""
        feed = self._feeds.setdefault(run_id, _Feed(after))
        listener = _Listener(is_behind=True)
        feed.listeners.append(listener)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        seen = after
        try:
            yield f"retry: {RETRY_MS}\n\n"
            while not self._closing:
                events = await self._next(run_id, listener, seen)
                for event in events:
                    yield as_server_sent(event)
                    seen = event.sequence
                    if event.is_last:
                        return
                if not events:
                    yield ": still here\n\n"
        finally:
            feed.listeners.remove(listener)
            if not feed.listeners:
                self._feeds.pop(run_id, None)

    async def _next(self, run_id: str, listener: _Listener, seen: int) -> list[RunEvent]:
        """Events not seen yet; none when nothing came for a heartbeat's time."""
        if listener.is_behind:
            listener.is_behind, listener.pending = False, []
            events = await self.unseen(run_id, seen)
            if events:
                listener.is_behind = True  # until a look finds nothing more
                return events
        with suppress(TimeoutError):
            await asyncio.wait_for(listener.woken.wait(), self._heartbeat_s)
        listener.woken.clear()
        events, listener.pending = listener.pending, []
        return [event for event in events if event.sequence > seen]

    async def _look(self) -> None:
        """For as long as anybody listens."""
        outage = Outage("run events", log)
        while self._feeds and not self._closing:
            events: list[RunEvent] = []
            wait_s = self._look_again_s
            try:
                events = await run_in_threadpool(self._read, {r: f.last for r, f in self._feeds.items()})
                outage.is_over()
            except StoreUnavailable as error:
                wait_s = max(wait_s, outage.goes_on(error))
            except Exception:  # nobody would be told anything any more
                log.exception("run events cannot be read")
            for event in events:
                self._hand_out(event)
            await asyncio.sleep(wait_s)
        self._looking = None

    def _hand_out(self, event: RunEvent) -> None:
        feed = self._feeds.get(event.run_id)
        if feed is None:
            return
        feed.last = event.sequence
        for listener in feed.listeners:
            if len(listener.pending) >= PENDING_MAX:
                listener.is_behind, listener.pending = True, []
            listener.pending.append(event)
            listener.woken.set()

    def _read(self, seen: Mapping[str, int]) -> list[RunEvent]:
        with self._store.reading() as work:
            return work.runs.events.after(seen)


def as_server_sent(event: RunEvent) -> str:
    data = json.dumps({"run": event.run_id, "at": event.at.isoformat(), **event.data}, separators=(",", ":"))
    return f"id: {event.sequence}\nevent: {event.kind}\ndata: {data}\n\n"
