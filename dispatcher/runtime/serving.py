"""What a dispatcher process serves at this moment, and its way to the next plan."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from dispatcher.contract.load_report import LoadReport
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.scheduler import Scheduler
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.event_log import EventRecorder
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.load_reporter import LoadReporter
from dispatcher.runtime.plan_change import PlanRefused, change_plan
from dispatcher.runtime.worker_link import WorkerLink
from profiles.faults import InputInvalid

_log = structlog.get_logger()


class Serving:
    """
    The specification served, with the meter of its load.

    ``make_scheduler`` gives a fresh scheduler, ``warm`` has all it needs compiled, ``on_switch`` is called
    with the specification whose models doors are to offer from then on, ``record`` opens its
    event log.
    """

    def __init__(
        self,
        spec: SubClusterSpec,
        live: LiveSubCluster,
        link: WorkerLink,
        meter: LoadMeter,
        recorder: EventRecorder | None,
        *,
        reporter: LoadReporter | None,
        make_scheduler: Callable[[SubClusterSpec], Scheduler],
        warm: Callable[[SubClusterSpec], None],
        record: Callable[[SubClusterSpec], EventRecorder | None],
        on_switch: Callable[[SubClusterSpec], None],
    ) -> None:
        self.spec = spec
        self.meter = meter
        self._live = live
        self._link = link
        self._recorder = recorder
        self._reporter = reporter
        self._make_scheduler = make_scheduler
        self._warm = warm
        self._record = record
        self._on_switch = on_switch

    async def change_to(self, read: Callable[[], SubClusterSpec]) -> str | None:
        """Serve what ``read`` returns from now on; why not, in words, when that cannot be."""
        try:
            after = read()
            if after == self.spec:
                return None
            _log.info("plan_change", before=self.spec.plan_version, after=after.plan_version)
            await asyncio.to_thread(self._warm, after)
            await change_plan(self.spec, after, self._link, self._live, self._switch)
        except InputInvalid as error:
            reason = "; ".join(str(fault) for fault in error.faults)
        except (PlanRefused, OSError) as error:
            reason = str(error)
        else:
            _log.info("plan_changed", plan_version=after.plan_version)
            return None
        _log.error("plan_refused", serving=self.spec.plan_version, reason=reason)
        return reason

    def take_report(self) -> LoadReport:
        """The load since the last report."""
        spec = self.spec
        return self.meter.take_report(
            now_us(), time.time(), sub_cluster=spec.id, plan_version=spec.plan_version, gpus=spec.gpus
        )

    def close(self) -> None:
        if self._recorder is not None:
            self._recorder.close()

    def _switch(self, spec: SubClusterSpec, offered: SubClusterSpec) -> None:
        if self._reporter is not None:
            self._reporter.offer(self.take_report())
        self.close()
        self._recorder = self._record(spec)
        self.meter = self.meter.successor([model.id for model in spec.models], now_us(), time.time())
        self._live.switch(spec, self._make_scheduler(spec), self.meter, self._recorder)
        self.spec = spec
        self._on_switch(offered)


def log_of_plan(path: Path, spec: SubClusterSpec) -> Path:
    """Where the events of a later plan go: ``events.jsonl`` becomes ``events.plan-7.jsonl``."""
    return path.with_name(f"{path.stem}.plan-{spec.plan_version}{path.suffix}")
