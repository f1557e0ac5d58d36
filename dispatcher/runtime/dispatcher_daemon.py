"""The dispatcher process: a door, the scheduler and its workers in one event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import structlog
import uvloop
import zmq

from dispatcher.compilation import COMPILING, are_compiled
from dispatcher.contract import wire
from dispatcher.contract.load_report import LoadReport
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.advance import advance
from dispatcher.core.scheduler import ModelSpec, Scheduler
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.frontend.http_door import HttpDoor
from dispatcher.frontend.http_server import HttpServer
from dispatcher.frontend.native_door import NativeDoor
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.event_log import EventRecorder
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.load_reporter import LoadReporter
from dispatcher.runtime.tracing import BatchTraces, TracingMissing, exporting_tracer
from dispatcher.runtime.warm_up import warm_up
from dispatcher.runtime.worker_link import WorkerLink

DRAIN_S_MAX = 30.0
LAST_REPORT_S_MAX = 5.0

_log = structlog.get_logger()


class DaemonFailed(RuntimeError):
    """The process cannot start or go on; the text says why."""


@dataclass(frozen=True, slots=True)
class DispatcherOptions:
    """Where the dispatcher listens and writes; port 0 takes any that is free."""

    host: str = "127.0.0.1"
    http_port: int = 0
    worker_endpoint: str = "tcp://127.0.0.1:0"
    ready_file: Path | None = None
    event_log: Path | None = None
    native_endpoint: str | None = None
    """ZeroMQ address of the native door; None for no such door."""
    trace_endpoint: str | None = None
    """Where sampled traces go, OTLP over HTTP; None for nowhere."""
    trace_share: float = 0.01


class Announcement(msgspec.Struct, frozen=True):
    """Where a dispatcher can be reached."""

    http_url: str
    worker_endpoint: str
    pid: int
    native_endpoint: str | None = None


def scheduler_for(spec: SubClusterSpec) -> Scheduler:
    """A fresh scheduler of the sub-cluster."""
    models = [
        ModelSpec(model.id, model.slo_us, np.array(model.latency_us, dtype=np.int64), model.queue_max)
        for model in spec.models
    ]
    tenants = [TenantSpec(tenant.id, tenant.weight, tenant.priority) for tenant in spec.tenants]
    return Scheduler(models, spec.gpus, delays=spec.delays, rules=spec.rules, tenants=tenants or EVERYONE)


def run_dispatcher(
    spec: SubClusterSpec, options: DispatcherOptions, announce: Callable[[Announcement], None]
) -> None:
    """
    Serve until SIGTERM or SIGINT, then drain.

    ``announce`` is called once, when both addresses are bound. Raises ``DaemonFailed``.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(spec, options, announce))


async def _serve(
    spec: SubClusterSpec, options: DispatcherOptions, announce: Callable[[Announcement], None]
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not are_compiled([advance]):
        _log.info("compiling", note=COMPILING)
    warm_up(scheduler_for(spec), spec)
    recorder = _recorder(spec, options.event_log)
    link = _link(spec, options.worker_endpoint, loop)
    meter = LoadMeter([model.id for model in spec.models], now_us(), time.time())
    live = LiveSubCluster(spec, scheduler_for(spec), link, meter, loop, recorder)
    reporter = LoadReporter(spec.reporting.url) if spec.reporting is not None else None
    server = _server(live, options)
    native_door = _native_door(live, options, loop)
    traces = _trace(live, spec, options)
    live.start()
    await server.start()
    if native_door is not None:
        native_door.start()
    _collect_garbage_rarely()
    native_endpoint = native_door.endpoint if native_door is not None else None
    announcement = Announcement(server.url, link.endpoint, os.getpid(), native_endpoint)
    if options.ready_file is not None:
        write_atomically(options.ready_file, msgspec.json.encode(announcement) + b"\n")
    announce(announcement)
    _log.info("dispatcher_ready", **msgspec.to_builtins(announcement))
    try:
        ends = await _until_drained(spec, live, meter, reporter, stop)
        live.abandon()
        await server.stop()
        if reporter is not None:
            reporter.offer(_take_report(spec, meter))
            await reporter.finish(LAST_REPORT_S_MAX)
    finally:
        live.close()
        if native_door is not None:
            native_door.close()
        if traces is not None:
            await asyncio.to_thread(traces.shutdown)
        if recorder is not None:
            recorder.close()
    for end in ends:
        if isinstance(end, Exception):
            raise DaemonFailed(f"a chore of the dispatcher ended: {end!r}") from end
    if live.bug.done():
        raise DaemonFailed(f"the scheduler cannot go on: {live.bug.result()!r}")
    _log.info("dispatcher_ended")


async def _until_drained(
    spec: SubClusterSpec,
    live: LiveSubCluster,
    meter: LoadMeter,
    reporter: LoadReporter | None,
    stop: asyncio.Event,
) -> list[object]:
    """Until told to stop or a bug shows; then drain. Returns what ended the chores, mostly cancellation."""
    chores = [asyncio.create_task(_watch(live))]
    if reporter is not None and spec.reporting is not None:
        chores.append(asyncio.create_task(reporter.run()))
        chores.append(asyncio.create_task(_report(spec, meter, reporter, spec.reporting.interval_s)))
    stopped = asyncio.create_task(stop.wait())
    ending: list[asyncio.Future[Any]] = [stopped, live.bug, *chores]
    await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
    if not live.bug.done():
        _log.info("draining")
        if not await live.drain(DRAIN_S_MAX):
            _log.error("drain_timed_out", after_s=DRAIN_S_MAX)
    for task in (*chores, stopped):
        task.cancel()
    return list(await asyncio.gather(*chores, stopped, return_exceptions=True))


async def _watch(live: LiveSubCluster) -> None:
    while True:
        await asyncio.sleep(wire.PING_INTERVAL_S)
        live.watch()


async def _report(spec: SubClusterSpec, meter: LoadMeter, reporter: LoadReporter, interval_s: float) -> None:
    loop = asyncio.get_running_loop()
    due_s = loop.time() + interval_s
    while True:
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        due_s += interval_s
        reporter.offer(_take_report(spec, meter))


def _take_report(spec: SubClusterSpec, meter: LoadMeter) -> LoadReport:
    return meter.take_report(
        now_us(), time.time(), sub_cluster=spec.id, plan_version=spec.plan_version, gpus=spec.gpus
    )


def _link(spec: SubClusterSpec, endpoint: str, loop: asyncio.AbstractEventLoop) -> WorkerLink:
    welcome = wire.Welcome(wire.CONTRACT_VERSION, spec.id, spec.plan_version, spec.models)
    try:
        return WorkerLink(endpoint, welcome, spec.gpus, loop)
    except zmq.ZMQError as error:
        raise DaemonFailed(f"worker endpoint: cannot bind {endpoint}: {error}") from error


def _server(live: LiveSubCluster, options: DispatcherOptions) -> HttpServer:
    try:
        return HttpServer(HttpDoor(live), options.host, options.http_port)
    except OSError as error:
        live.close()
        raise DaemonFailed(
            f"HTTP address: cannot bind {options.host}:{options.http_port}: {error}"
        ) from error


def _trace(live: LiveSubCluster, spec: SubClusterSpec, options: DispatcherOptions) -> Any:
    """The provider that exports traces, to be shut down; None where none were asked for."""
    if options.trace_endpoint is None:
        return None
    try:
        tracer, provider = exporting_tracer(options.trace_endpoint, spec.id)
    except TracingMissing as error:
        live.close()
        raise DaemonFailed(str(error)) from error
    traces = BatchTraces(tracer, [model.id for model in spec.models], options.trace_share)
    live.measures.on_batch = traces.batch_executed
    return provider


def _native_door(
    live: LiveSubCluster, options: DispatcherOptions, loop: asyncio.AbstractEventLoop
) -> NativeDoor | None:
    if options.native_endpoint is None:
        return None
    try:
        return NativeDoor(live, options.native_endpoint, loop)
    except zmq.ZMQError as error:
        live.close()
        raise DaemonFailed(f"native door: cannot bind {options.native_endpoint}: {error}") from error


def _recorder(spec: SubClusterSpec, path: Path | None) -> EventRecorder | None:
    if path is None:
        return None
    try:
        return EventRecorder(path.open("wb"), spec)
    except OSError as error:
        raise DaemonFailed(f"event log: cannot write {path}: {error}") from error


def _collect_garbage_rarely() -> None:
    """What was built at the start stays for good: a collection need not walk it in mid-batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def write_atomically(path: Path, content: bytes) -> None:
    """A reader sees the whole file or none."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
    os.replace(file.name, path)
