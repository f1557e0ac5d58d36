"""
The event log: all that the scheduler was told, and all that it answered.

JSON lines. The first names the format and holds the sub-cluster's specification; each
further line is one step: ``{"now_us", "events", "commands"}``. The same events given to a
fresh scheduler give the same commands, so a log is a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropReason,
    DropRequest,
    Event,
    GpuAdded,
    GpuLost,
    GpuRetired,
    PreemptBatch,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)

FORMAT = "fermata-event-log"
VERSION = 2

_KINDS: dict[str, type[Any]] = {
    "requests_arrived": RequestsArrived,
    "batch_finished": BatchFinished,
    "gpu_lost": GpuLost,
    "gpu_added": GpuAdded,
    "gpu_retired": GpuRetired,
    "wake_up": WakeUp,
    "start_batch": StartBatch,
    "preempt_batch": PreemptBatch,
    "drop_request": DropRequest,
    "set_timer": SetTimer,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_FIELDS = {kind: tuple(kind.__dataclass_fields__) for kind in _KINDS.values()}
_ARRAYS = {
    "model_index": np.int32,
    "request_id": np.int64,
    "deadline_us": np.int64,
    "tenant_index": np.int32,
    "request_ids": np.int64,
}


class EventLogInvalid(ValueError):
    """The file is not an event log of this version."""


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One call of ``Scheduler.step`` and what it returned."""

    now_us: int
    events: tuple[Event, ...]
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first step at which a replay answered otherwise; texts are JSON."""

    step: int
    recorded: str
    replayed: str


class EventRecorder:
    """Writes one log; buffered, so that a step costs microseconds."""

    def __init__(self, file: BufferedWriter, spec: SubClusterSpec) -> None:
        self._file = file
        self._encode = msgspec.json.Encoder().encode
        self._write({"format": FORMAT, "version": VERSION, "spec": spec})

    def record(self, now_us: int, events: Sequence[Event], commands: Sequence[Command]) -> None:
        self._write({"now_us": now_us, "events": _plain(events), "commands": _plain(commands)})

    def close(self) -> None:
        self._file.close()

    def _write(self, content: object) -> None:
        self._file.write(self._encode(content) + b"\n")


def read_event_log(path: Path) -> tuple[SubClusterSpec, Iterator[RecordedStep]]:
    """
    The specification, and the steps in order.

    A last line cut short by a crash is left out. Raises ``EventLogInvalid``.
    """
    lines = path.read_bytes().split(b"\n")[:-1]
    try:
        head = msgspec.json.decode(lines[0])
        if (head["format"], head["version"]) != (FORMAT, VERSION):
            raise EventLogInvalid(
                f"{path}: must be {FORMAT} version {VERSION}, got {head['format']} {head['version']}"
            )
        spec = msgspec.convert(head["spec"], SubClusterSpec)
    except (IndexError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise EventLogInvalid(f"{path}: first line must name format, version and spec: {error}") from error
    return spec, (_step(path, number, line) for number, line in enumerate(lines[1:], start=2))


def replay(
    steps: Iterator[RecordedStep], step: Callable[[int, Sequence[Event]], Sequence[Command]]
) -> Divergence | None:
    """Give every recorded step to ``step``; the first difference, or None when there is none."""
    for number, recorded in enumerate(steps):
        before = msgspec.json.encode(_plain(recorded.commands))
        after = msgspec.json.encode(_plain(step(recorded.now_us, recorded.events)))
        if before != after:
            return Divergence(number, before.decode(), after.decode())
    return None


def _plain(messages: Sequence[Event] | Sequence[Command]) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = []
    for message in messages:
        content: dict[str, Any] = {"type": _NAMES[type(message)]}
        for field in _FIELDS[type(message)]:
            value = getattr(message, field)
            content[field] = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        plain.append(content)
    return plain


def _step(path: Path, number: int, line: bytes) -> RecordedStep:
    try:
        content = msgspec.json.decode(line)
        events = tuple(_message(each) for each in content["events"])
        commands = tuple(_message(each) for each in content["commands"])
        return RecordedStep(content["now_us"], events, commands)
    except (KeyError, TypeError, ValueError) as error:
        raise EventLogInvalid(f"{path}, line {number}: not a step: {error!r}") from error


def _message(content: dict[str, Any]) -> Any:
    kind = _KINDS[content.pop("type")]
    for field, dtype in _ARRAYS.items():
        if isinstance(content.get(field), list):
            content[field] = np.array(content[field], dtype=dtype)
    if "reason" in content:
        content["reason"] = DropReason(content["reason"])
    return kind(**content)
