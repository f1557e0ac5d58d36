"""Every path of the scheduler once, before the first request: its kernels compile when first used."""

from __future__ import annotations

import numpy as np

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.events import (
    BatchFinished,
    Command,
    Event,
    GpuAdded,
    GpuLost,
    RequestsArrived,
    SetTimer,
    StartBatch,
    WakeUp,
)
from dispatcher.runtime.driver import SteppedScheduler

REQUESTS = 3


def warm_up(scheduler: SteppedScheduler, spec: SubClusterSpec) -> None:
    """Take a scheduler that is not used afterwards through arrival, start, finish, drop, loss and return."""
    now_us = 1
    for gpu in range(spec.gpus):
        scheduler.step(now_us, [GpuLost(gpu)])
    scheduler.step(now_us, [GpuAdded(0)])
    for last in (False, True):
        started = _until_started(scheduler, spec, now_us)
        now_us += 4 * spec.models[0].slo_us
        if started is not None:
            event: Event = GpuLost(0) if last else BatchFinished(started.gpu_id, started.batch_id)
            scheduler.step(now_us, [event])
    scheduler.step(now_us, [_arrivals(spec, now_us, first_id=100)])
    scheduler.step(now_us + 4 * spec.models[0].slo_us, [WakeUp()])


def _until_started(scheduler: SteppedScheduler, spec: SubClusterSpec, now_us: int) -> StartBatch | None:
    """Requests for the first model, and its alarms until a batch starts."""
    commands = scheduler.step(now_us, [_arrivals(spec, now_us, first_id=now_us)])
    while True:
        started = next((each for each in commands if isinstance(each, StartBatch)), None)
        alarm = next((each for each in commands if isinstance(each, SetTimer)), None)
        if started is not None or alarm is None:
            return started
        commands = _wake_up(scheduler, int(alarm.at_us))


def _wake_up(scheduler: SteppedScheduler, at_us: int) -> list[Command]:
    return scheduler.step(at_us, [WakeUp()])


def _arrivals(spec: SubClusterSpec, now_us: int, first_id: int) -> RequestsArrived:
    deadline_us = now_us + spec.models[0].slo_us - spec.delays.resp_us
    return RequestsArrived(
        np.zeros(REQUESTS, dtype=np.int32),
        np.arange(first_id, first_id + REQUESTS, dtype=np.int64),
        np.full(REQUESTS, deadline_us, dtype=np.int64),
    )
