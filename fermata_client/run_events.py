"""
A run's events as they come: server-sent events, read on from where a connection broke.

Each time the server is asked with ``Last-Event-ID``, the last event that was handed out; so every event
comes once, however often the connection breaks. Comments, which the server sends when nothing happens, show
that it lives.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from fermata_client.generated.models import RunEventOut, RunState

SILENCE_S_MAX = 45.0
"""Three of the server's signs of life left out: the connection is taken for dead."""
PAUSE_S = 1.0  # before asking again; the server may say another
NOTHING: dict[str, Any] = {
    name: None for name in RunEventOut.__annotations__ if name != "additional_properties"
}
"""What an event leaves out is None, as everywhere else in the API."""
CUT = "the stream of events ended before the run"
ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})

Kwargs = Callable[[int], dict[str, Any]]
"""The request, for the last event that was seen."""
Check = Callable[[httpx.Response], object]
"""Raises what an answer without events says, if that is an error."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """``kind`` is ``state`` or ``progress``; ``id`` ascends and is what ``last_event_id`` takes."""

    id: int
    kind: str
    data: RunEventOut

    @property
    def is_last(self) -> bool:
        """The run has ended."""
        return self.kind == "state" and self.data.state in ENDED


class EventReader:
    """Lines of a stream in, events out."""

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self.pause_s = PAUSE_S
        self.heard = False
        self._fields: dict[str, str] = {}

    def begin(self) -> None:
        """A new connection: what an earlier one had begun to say is dropped."""
        self._fields, self.heard = {}, False

    def read(self, line: str) -> RunEvent | None:
        self.heard = self.heard or line.startswith(":")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "retry" and value.isdigit():
            self.pause_s = int(value) / 1_000
        elif name in ("id", "event"):
            self._fields[name] = value
        elif name == "data":
            self._fields["data"] = "\n".join(filter(None, (self._fields.get("data"), value)))
        elif not line:
            return self._finished()
        return None

    def _finished(self) -> RunEvent | None:
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None
        self.heard = True
        self.last_id = int(fields.get("id", self.last_id))
        data = RunEventOut.from_dict(NOTHING | json.loads(fields["data"]))
        return RunEvent(self.last_id, fields.get("event", "message"), data)


def run_events(
    http: httpx.Client, kwargs: Kwargs, check: Check, last_id: int, tries_max: int
) -> Iterator[RunEvent]:
    """
    Events beyond ``last_id`` until the run has ended.

    Raises what ``check`` raises, and ``httpx.TransportError`` once ``tries_max`` connections in a row gave
    nothing.
    """
    reader, tries = EventReader(last_id), 0
    while True:
        reader.begin()
        broken: httpx.TransportError = httpx.RemoteProtocolError(CUT)
        try:
            with http.stream(**kwargs(reader.last_id), timeout=_patient(http.timeout)) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    check(response)
                    return
                for line in response.iter_lines():
                    event = reader.read(line)
                    if event is not None:
                        yield event
                        if event.is_last:
                            return
        except httpx.TransportError as error:
            broken = error
        tries = 1 if reader.heard else tries + 1
        if tries >= tries_max:
            raise broken
        time.sleep(reader.pause_s)


async def async_run_events(
    http: httpx.AsyncClient, kwargs: Kwargs, check: Check, last_id: int, tries_max: int
) -> AsyncIterator[RunEvent]:
    """``run_events``, awaited."""
    reader, tries = EventReader(last_id), 0
    while True:
        reader.begin()
        broken: httpx.TransportError = httpx.RemoteProtocolError(CUT)
        try:
            async with http.stream(**kwargs(reader.last_id), timeout=_patient(http.timeout)) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    check(response)
                    return
                async for line in response.aiter_lines():
                    event = reader.read(line)
                    if event is not None:
                        yield event
                        if event.is_last:
                            return
        except httpx.TransportError as error:
            broken = error
        tries = 1 if reader.heard else tries + 1
        if tries >= tries_max:
            raise broken
        await asyncio.sleep(reader.pause_s)


def _patient(timeout: httpx.Timeout) -> httpx.Timeout:
    """A stream is silent for longer than an answer may take."""
    return httpx.Timeout(connect=timeout.connect, read=SILENCE_S_MAX, write=timeout.write, pool=timeout.pool)
