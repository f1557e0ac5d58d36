"""
The scheduler of one sub-cluster: events in, commands out.

It reads no clock, opens no socket, logs nothing and draws no random number: given the
same events at the same instants it gives the same commands, live or simulated.

How it works
------------
Requests wait in one queue for each model, ordered by (deadline, id) (``queues``). From the
queue the scheduler forms a *candidate* (``candidate``): the largest batch that would still
be in time for its oldest request, after heads that stand in the way of a batch of the
target size (``rates``) have been dropped. A candidate has a window: from *frontrun* on
one more request would make its head late, after *latest* the batch itself is late. The
policy (``policies``) says when it is due: eager at once, deferred at frontrun, adaptive in
between. That is all there is to deferral: an idle GPU may stay idle while a batch grows.

A due candidate is taken by the idle GPU of the lowest id; where none is idle, by the
first to become free, early enough for the transfer of the inputs to overlap what
it still executes (``matching``, ``gpus``). Of several due candidates the one whose window ends first
goes first. Candidates are formed as though a GPU were idle, and again for the very GPU
that takes them.

GPUs may differ in speed: a window counts on the slowest GPU that would do, and a GPU that is
slower than counted on takes a smaller batch. In overload tenants get their shares of the
GPUs, and what no GPU can do in time is refused as it arrives (``admission``).

A candidate is formed anew when requests of its model arrive, when a GPU has taken
one, and when its window has ended: it is smaller then, or its head is dropped. Nothing
else changes it, so an event costs a few heap operations (``heaps``) whatever the number of
models and GPUs.

The policies ``clockwork``, ``nexus`` and ``shepherd`` decide otherwise at one place or another;
each has its module.

Where execution times vary the table by which all this is reckoned follows the measured ones (``pace``).

The kernels change a few arrays in place (``state``) and write commands into others
(``outbox``); the class below translates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.advance import (
    ADDED,
    ARRIVAL_INVALID,
    DONE,
    FINISHED,
    LOST,
    OUTBOX_FULL,
    PROGRESS,
    RETIRED,
    SIGNAL,
    Happenings,
    advance,
)
from dispatcher.core.catching_up import catching_up_us
from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropReason,
    DropRequest,
    Event,
    GpuAdded,
    GpuLost,
    GpuRetired,
    InvalidEvent,
    PreemptBatch,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.observation import Observation, take_observation
from dispatcher.core.outbox import (
    DEADLINE_UNREACHABLE,
    GPUS_BUSY,
    OVER_SHARE,
    QUEUE_FULL,
    WINDOW,
    empty,
    new_outbox,
)
from dispatcher.core.rules import Rules
from dispatcher.core.state import (
    NEVER,
    SPEED_OF_ADDED_GPUS,
    distinct_speeds,
    hold_factor,
    new_state,
    with_gpus,
)
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.core.validation import check_state

__all__ = ["ModelSpec", "Scheduler"]

DROP_REASONS = {
    DEADLINE_UNREACHABLE: DropReason.DEADLINE_UNREACHABLE,
    WINDOW: DropReason.WINDOW,
    QUEUE_FULL: DropReason.QUEUE_FULL,
    GPUS_BUSY: DropReason.GPUS_BUSY,
    OVER_SHARE: DropReason.OVER_SHARE,
}

SIGNAL_NAMES = {FINISHED: "BatchFinished", LOST: "GpuLost", ADDED: "GpuAdded", RETIRED: "GpuRetired"}
SIGNAL_KINDS: dict[type[Event], int] = {GpuLost: LOST, GpuAdded: ADDED, GpuRetired: RETIRED}

GpuEvent: TypeAlias = BatchFinished | GpuLost | GpuAdded | GpuRetired

_NO_REQUESTS = RequestsArrived(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))


class Scheduler:
    """
    Models that share GPUs.

    Parameters
    ----------
    models
        At least one; a request names its model by the position here.
    gpu_count
        GPUs 0 to gpu_count - 1 are there from the start, idle.
    gpu_speeds
        One positive number for each GPU, 1 where it is left out: execution takes
        ``latency_us / speed``, rounded up. GPUs added later have speed 1.
    tenants
        Those who share the GPUs, at least one; a request names its tenant by the position here.
    """

    def __init__(
        self,
        models: Sequence[ModelSpec],
        gpu_count: int,
        *,
        delays: Delays = Delays(),  # noqa: B008 (frozen)
        rules: Rules = Rules(),  # noqa: B008 (frozen)
        gpu_speeds: Sequence[float] | None = None,
        tenants: Sequence[TenantSpec] = EVERYONE,
    ) -> None:
        speeds = [1.0] * gpu_count if gpu_speeds is None else list(gpu_speeds)
        if not tenants:
            raise ValueError("a scheduler needs at least one tenant.")
        if not models:
            raise ValueError("a scheduler needs at least one model.")
        if len(speeds) != gpu_count or not all(np.isfinite(speed) and speed > 0 for speed in speeds):
            raise ValueError(f"need a positive speed for each of {gpu_count} GPUs, got {speeds}.")
        self._state = new_state(models, speeds, delays, rules, tenants)
        self._outbox = new_outbox(models)
        self._added_speed_row = distinct_speeds(speeds).index(SPEED_OF_ADDED_GPUS)
        self._now_us: int | None = None
        self._take_in(0, [GpuAdded(gpu_id) for gpu_id in range(gpu_count)], _NO_REQUESTS)
        self.take_observation()

    @property
    def hold_factor(self) -> float:
        """Share of the deferral that candidates wait for, from 0 (eager) to 1 (deferred)."""
        return hold_factor(self._state)

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        """
        Take what happened at ``now_us``; return what is to be done.

        Events of GPUs are taken in before requests, each kind in its order. A ``SetTimer``, if
        there is one, comes last. After ``InvalidEvent`` the scheduler must not be used again.
        """
        if self._now_us is not None and now_us < self._now_us:
            raise InvalidEvent(f"time went back from {self._now_us} to {now_us} us.")
        self._now_us = now_us
        signals: list[GpuEvent] = []
        arrivals: list[RequestsArrived] = []
        for event in events:
            if isinstance(event, RequestsArrived):
                arrivals.append(event)
            elif not isinstance(event, WakeUp):
                signals.append(event)
        return self._take_in(now_us, signals, _joined(arrivals))

    def take_observation(self) -> Observation:
        """What was seen since the last call, for the advice on the number of GPUs."""
        return take_observation(self._state, self._now_us or 0)

    def catching_up_us(self, model_index: int, now_us: int) -> int | None:
        """How long until a request of the model would be in time; None where no GPU is here."""
        return catching_up_us(self._state, model_index, now_us)

    def validate(self) -> None:
        """Assert the invariants of the state between two steps."""
        check_state(self._state, self._now_us)

    def _take_in(self, now_us: int, events: Sequence[GpuEvent], arrivals: RequestsArrived) -> list[Command]:
        self._make_room_for(events)
        happenings = Happenings(
            signal=np.array([_signal(event) for event in events], dtype=SIGNAL),
            model_index=arrivals.model_index,
            request_id=arrivals.request_id,
            deadline_us=arrivals.deadline_us,
            tenant_index=_tenants_of(arrivals),
            progress=np.zeros(1, dtype=PROGRESS),
        )
        commands: list[Command] = []
        while True:
            status = advance(self._state, now_us, happenings, self._outbox)
            commands.extend(self._carried_out())
            if status == DONE:
                break
            if status != OUTBOX_FULL:
                raise InvalidEvent(self._story(status, happenings))
        at_us = int(happenings.progress[0]["next_us"])
        if at_us != NEVER:
            commands.append(SetTimer(at_us))
        return commands

    def _make_room_for(self, events: Sequence[GpuEvent]) -> None:
        for event in events:
            if isinstance(event, GpuAdded) and event.gpu_id == self._state.totals["gpus"][0]:
                self._state = with_gpus(self._state, [self._added_speed_row])

    def _carried_out(self) -> Iterator[Command]:
        """The outbox's commands; the outbox is empty afterwards."""
        outbox, counts = self._outbox, self._outbox.counts[0]
        for gpu, batch, *_ in outbox.preempt[: counts["preempts"]].tolist():
            yield PreemptBatch(gpu, batch)
        for request_id, reason in outbox.drop[: counts["drops"]].tolist():
            yield DropRequest(request_id, DROP_REASONS[reason])
        for gpu, batch, model, first, size, start_us, finish_us in outbox.start[: counts["starts"]].tolist():
            request_ids = outbox.request_id[first : first + size].copy()
            yield StartBatch(gpu, batch, model, request_ids, start_us, finish_us)
        empty(outbox)

    def _story(self, status: int, happenings: Happenings) -> str:
        """What the driver said that cannot be, and what was known."""
        progress = happenings.progress[0]
        if status == ARRIVAL_INVALID:
            index = int(happenings.model_index[progress["arrivals"]])
            request_id = int(happenings.request_id[progress["arrivals"]])
            if not 0 <= index < len(self._state.model):
                most = len(self._state.model) - 1
                return f"request {request_id}: model_index must be in 0..{most}, got {index}."
            tenant = int(happenings.tenant_index[progress["arrivals"]])
            most = len(self._state.tenant) - 1
            return f"request {request_id}: tenant_index must be in 0..{most}, got {tenant}."
        kind, gpu_id, batch = happenings.signal[progress["signals"]].tolist()
        known = int(self._state.totals["gpus"][0])
        if not 0 <= gpu_id < known:
            return f"{SIGNAL_NAMES[kind]}: gpu_id must be in 0..{known - 1}, got {gpu_id}."
        gpu = self._state.gpu[gpu_id]
        if kind == ADDED:
            return f"GpuAdded: GPU {gpu_id} is here already."
        if kind == RETIRED:
            return f"GpuRetired: GPU {gpu_id} is not here."
        holds = f"its oldest batch is {gpu['batch']}" if gpu["batches"] else "it holds no batch"
        return f"BatchFinished: batch {batch} is not what GPU {gpu_id} executes; {holds}."


def _signal(event: GpuEvent) -> tuple[int, int, int]:
    if isinstance(event, BatchFinished):
        return FINISHED, event.gpu_id, event.batch_id
    return SIGNAL_KINDS[type(event)], event.gpu_id, NEVER


def _tenants_of(arrivals: RequestsArrived) -> NDArray[np.int32]:
    if arrivals.tenant_index is None:
        return np.zeros(len(arrivals.request_id), np.int32)
    return arrivals.tenant_index


def _joined(arrivals: Sequence[RequestsArrived]) -> RequestsArrived:
    if len(arrivals) == 1:
        return arrivals[0]
    if not arrivals:
        return _NO_REQUESTS
    return RequestsArrived(
        np.concatenate([each.model_index for each in arrivals]),
        np.concatenate([each.request_id for each in arrivals]),
        np.concatenate([each.deadline_us for each in arrivals]),
        np.concatenate([_tenants_of(each) for each in arrivals]),
    )
