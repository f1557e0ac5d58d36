"""The dispatcher process: a door, the scheduler and its workers in one event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
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
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.contract.tls_files import TlsFiles
from dispatcher.core.advance import advance
from dispatcher.core.scheduler import ModelSpec, Scheduler
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.frontend.tls import ServerTls, TlsInvalid
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.doors import Doors
from dispatcher.runtime.event_log import EventRecorder
from dispatcher.runtime.files import write_atomically
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.load_reporter import LoadReporter
from dispatcher.runtime.plan_view import PlanView
from dispatcher.runtime.router_socket import RouterSocket
from dispatcher.runtime.serving import Serving, log_of_plan
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
    """
    Where the dispatcher listens and writes; port 0 takes any that is free.

    ``say_alive`` is called once a second.
    """

    host: str = "127.0.0.1"
    http_port: int = 0
    worker_endpoint: str = "tcp://127.0.0.1:0"
    ready_file: Path | None = None
    event_log: Path | None = None
    say_alive: Callable[[], None] | None = None
    grpc_port: int = 0
    native_endpoint: str | None = None
    """ZeroMQ address of the native door; None for no such door."""
    trace_endpoint: str | None = None
    """Where sampled traces go, OTLP over HTTP; None for nowhere."""
    trace_share: float = 0.01
    tls: TlsFiles | None = None
    """What the HTTP and gRPC doors prove their name with; None for doors without TLS."""


class Announcement(msgspec.Struct, frozen=True):
    """
    Where a dispatcher can be reached, and which plan it serves.

    ``plan_refused`` says why the specification it was last told to change to is not served.
    """

    http_url: str
    worker_endpoint: str
    pid: int
    plan_version: int = 0
    plan_refused: str | None = None
    grpc_address: str = ""
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
    spec: SubClusterSpec,
    options: DispatcherOptions,
    announce: Callable[[Announcement], None],
    reread: Callable[[], SubClusterSpec] | None = None,
) -> None:
    """
    Serve until SIGTERM or SIGINT, then drain.

    ``announce`` is called when all addresses are bound, and after each SIGHUP, upon which the
    specification that ``reread`` returns takes over. Raises ``DaemonFailed``.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(spec, options, announce, reread or (lambda: spec)))


async def _serve(
    spec: SubClusterSpec,
    options: DispatcherOptions,
    announce: Callable[[Announcement], None],
    reread: Callable[[], SubClusterSpec],
) -> None:
    loop = asyncio.get_running_loop()
    stop, changed = _heed_signals(loop)
    if not are_compiled([advance]):
        _log.info("compiling", note=COMPILING)
    _warm(spec)
    recorder = _recorder(spec, options.event_log)
    link = _link(spec, options.worker_endpoint, loop)
    meter = LoadMeter([model.id for model in spec.models], now_us(), time.time())
    live = LiveSubCluster(spec, scheduler_for(spec), link, meter, loop, recorder)
    told = spec.reporting
    reporter = LoadReporter(told.url, fleet=told.fleet) if told is not None else None
    doors = _doors(live, spec, options, loop)
    traces = _trace(live, spec, options)

    def on_switch(spec: SubClusterSpec) -> None:
        traces.follow(live)
        doors.serve(PlanView(live, spec))

    serving = Serving(
        spec,
        live,
        link,
        meter,
        recorder,
        reporter=reporter,
        make_scheduler=scheduler_for,
        warm=_warm,
        record=lambda spec: _recorder(spec, options.event_log and log_of_plan(options.event_log, spec)),
        on_switch=on_switch,
    )
    live.start()
    _collect_garbage_rarely()  # before the doors are open: it takes some hundred milliseconds
    await doors.start()

    def tell(refused: str | None = None) -> None:
        _tell(_announcement(doors, link, serving.spec.plan_version, refused), options, announce)

    tell()
    try:
        chores = [_change(serving, changed, reread, tell), _say_alive(options.say_alive)]
        ends = await _until_drained(serving, live, reporter, stop, chores)
        live.abandon()
        await doors.stop()
        if reporter is not None:
            reporter.offer(serving.take_report())
            await reporter.finish(LAST_REPORT_S_MAX)
    finally:
        live.close()
        doors.close()
        await asyncio.to_thread(traces.close)
        serving.close()
    _require_orderly(ends, live)
    _log.info("dispatcher_ended")


def _heed_signals(loop: asyncio.AbstractEventLoop) -> tuple[asyncio.Event, asyncio.Event]:
    """Set when the process is told to stop, and when to read its specification again."""
    stop, changed = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, changed.set)
    return stop, changed


def _announcement(doors: Doors, link: WorkerLink, plan_version: int, refused: str | None) -> Announcement:
    return Announcement(
        doors.http_url,
        link.endpoint,
        os.getpid(),
        plan_version,
        refused,
        doors.grpc_address,
        doors.native_endpoint,
    )


def _require_orderly(ends: Sequence[object], live: LiveSubCluster) -> None:
    """Raises ``DaemonFailed`` when something else than a signal ended the process."""
    for end in ends:
        if isinstance(end, Exception):
            raise DaemonFailed(f"a chore of the dispatcher ended: {end!r}") from end
    if live.bug.done():
        raise DaemonFailed(f"the scheduler cannot go on: {live.bug.result()!r}")


def _tell(
    announcement: Announcement, options: DispatcherOptions, announce: Callable[[Announcement], None]
) -> None:
    if options.ready_file is not None:
        try:
            write_atomically(options.ready_file, msgspec.json.encode(announcement) + b"\n")
        except OSError as error:  # it serves all the same
            _log.error("ready_file_not_written", path=str(options.ready_file), error=str(error))
    announce(announcement)
    _log.info("dispatcher_ready", **msgspec.to_builtins(announcement))


def _warm(spec: SubClusterSpec) -> None:
    """What the specification's rules and tenants need of the core is compiled."""
    warm_up(scheduler_for(spec), spec)


async def _change(
    serving: Serving,
    changed: asyncio.Event,
    reread: Callable[[], SubClusterSpec],
    tell: Callable[[str | None], None],
) -> None:
    """One change of plan after the other, whenever told to."""
    while True:
        await changed.wait()
        changed.clear()
        tell(await serving.change_to(reread))


async def _until_drained(
    serving: Serving,
    live: LiveSubCluster,
    reporter: LoadReporter | None,
    stop: asyncio.Event,
    others: Sequence[Coroutine[Any, Any, None]],
) -> list[object]:
    """Until told to stop or a bug shows; then drain. Returns what ended the chores, mostly cancellation."""
    chores = [asyncio.create_task(_watch(live)), *map(asyncio.create_task, others)]
    if reporter is not None and serving.spec.reporting is not None:
        chores.append(asyncio.create_task(reporter.run()))
        chores.append(asyncio.create_task(_report(serving, reporter, serving.spec.reporting.interval_s)))
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


async def _say_alive(say: Callable[[], None] | None) -> None:
    while True:
        if say is not None:
            say()
        await asyncio.sleep(1.0)


async def _watch(live: LiveSubCluster) -> None:
    while True:
        await asyncio.sleep(wire.PING_INTERVAL_S)
        live.watch()


async def _report(serving: Serving, reporter: LoadReporter, interval_s: float) -> None:
    loop = asyncio.get_running_loop()
    due_s = loop.time() + interval_s
    while True:
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        due_s += interval_s
        reporter.offer(serving.take_report())


def _link(spec: SubClusterSpec, endpoint: str, loop: asyncio.AbstractEventLoop) -> WorkerLink:
    welcome = wire.Welcome(wire.CONTRACT_VERSION, spec.id, spec.plan_version, spec.models)
    try:
        return WorkerLink(RouterSocket(endpoint, loop), welcome, spec.gpus)
    except zmq.ZMQError as error:
        raise DaemonFailed(f"worker endpoint: cannot bind {endpoint}: {error}") from error


def _doors(
    live: LiveSubCluster, spec: SubClusterSpec, options: DispatcherOptions, loop: asyncio.AbstractEventLoop
) -> Doors:
    view = PlanView(live, spec)
    ports = (options.http_port, options.grpc_port, options.native_endpoint)
    try:
        return Doors(view, options.host, *ports, loop, ServerTls(options.tls) if options.tls else None)
    except (OSError, TlsInvalid) as error:
        live.close()
        raise DaemonFailed(str(error)) from error


class _Traces:
    """Sampled traces of what a sub-cluster executes; none where none were asked for."""

    def __init__(self, exporting: tuple[Any, Any] | None, share: float) -> None:
        self._exporting = exporting
        self._share = share

    def follow(self, live: LiveSubCluster) -> None:
        """Tell of the batches of the plan that ``live`` serves now."""
        if self._exporting is not None:
            models = [model.id for model in live.spec.models]
            traces = BatchTraces(self._exporting[0], models, self._share)
            live.ledger.measures.on_batch = traces.batch_executed

    def close(self) -> None:
        """Send what is left."""
        if self._exporting is not None:
            self._exporting[1].shutdown()


def _trace(live: LiveSubCluster, spec: SubClusterSpec, options: DispatcherOptions) -> _Traces:
    try:
        exporting = options.trace_endpoint and exporting_tracer(options.trace_endpoint, spec.id)
    except TracingMissing as error:
        live.close()
        raise DaemonFailed(str(error)) from error
    traces = _Traces(exporting or None, options.trace_share)
    traces.follow(live)
    return traces


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
    gc.set_threshold(5_000, 20, 50)
