"""
What a dispatcher measures of itself beyond the load: times, reasons, GPUs.

Told once a batch, not once a request, wherever that is possible. Counts are since the start;
what is a share or a rate is of the last whole interval of ``INTERVAL_US``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.frontend.service import Outcome, Reason
from dispatcher.runtime.load_meter import Tally

INTERVAL_US = 5_000_000

TIME_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper ends of the buckets of every time, in seconds; SLOs of serving lie between 5 ms and a second."""

_BOUNDS_US = [round(bound * 1e6) for bound in TIME_BOUNDS_S]

NO_LOAD = tuple(outcome for outcome in Outcome if outcome in ("invalid", "cancelled"))
"""Outcomes that say nothing of how well the load was served."""


@dataclass(slots=True)
class TimeHistogram:
    """Counts by bucket of ``TIME_BOUNDS_S``, the last for all beyond, and the sum in microseconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(TIME_BOUNDS_S) + 1))
    sum_us: int = 0

    def add(self, time_us: int, count: int = 1) -> None:
        self.counts[bisect_left(_BOUNDS_US, time_us)] += count
        self.sum_us += time_us * count

    def add_all(self, times_us: NDArray[np.int64]) -> None:
        found = np.bincount(np.searchsorted(_BOUNDS_US, times_us), minlength=len(self.counts))
        for bucket, count in enumerate(found.tolist()):
            self.counts[bucket] += count
        self.sum_us += int(times_us.sum())


@dataclass(slots=True)
class ModelMeasures:
    """Of one model, since the start."""

    queue: TimeHistogram = field(default_factory=TimeHistogram)
    execution: TimeHistogram = field(default_factory=TimeHistogram)
    profiled_us: int = 0  # what the profile says of the batches executed
    refusals: Counter[Reason] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ModelInterval:
    """Of one model in the last interval; a share is None where there was nothing to divide by."""

    goodput_rps: float = 0.0
    bad_rate: float | None = None
    drift: float | None = None  # measured over profiled execution time


@dataclass(frozen=True, slots=True)
class Interval:
    """The last whole interval."""

    models: tuple[ModelInterval, ...]
    gpu_busy_share: float = 0.0
    gpus_idle_tail: int = 0  # at the end of the list, without a batch


OnBatch: TypeAlias = Callable[[int, int, int, Sequence[tuple[int, int]]], None]
"""Told of a batch just executed, as ``Measures.batch_executed`` is."""


class Measures:
    """Of every model and GPU of one sub-cluster. Instants are microseconds of one monotonic clock."""

    def __init__(self, models: Sequence[ServedModel], gpus: int, now_us: int) -> None:
        self._index = {model.id: index for index, model in enumerate(models)}
        self._latency_us = [model.latency_us for model in models]
        self.models = [ModelMeasures() for _ in models]
        self.gpu_busy_us = [0] * gpus
        self.interval = Interval(tuple(ModelInterval() for _ in models), 0.0, gpus)
        self.on_batch: OnBatch | None = None
        self._began_us = now_us
        self._before: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * len(models)
        self._gpu_before_us = [0] * gpus

    def successor(self, models: Sequence[ServedModel], gpus: int) -> Measures:
        """Measures for the next plan; models and GPUs that stay keep their counts."""
        after = Measures(models, gpus, self._began_us)
        of_models = list(after.interval.models)
        for index, model in enumerate(models):
            at = self._index.get(model.id)
            if at is not None:
                after.models[index] = self.models[at]
                after._before[index] = self._before[at]
                of_models[index] = self.interval.models[at]
        stay = min(gpus, len(self.gpu_busy_us))
        after.gpu_busy_us[:stay] = self.gpu_busy_us[:stay]
        after._gpu_before_us[:stay] = self._gpu_before_us[:stay]
        idle_tail = gpus if stay == 0 else max(0, self.interval.gpus_idle_tail + gpus - len(self.gpu_busy_us))
        after.interval = Interval(tuple(of_models), self.interval.gpu_busy_share, idle_tail)
        return after

    def batch_executed(
        self, gpu: int, model_index: int, execution_us: int, queued: Sequence[tuple[int, int]]
    ) -> None:
        """``queued`` holds (microseconds from arrival to execution, requests that waited so long)."""
        model = self.models[model_index]
        size = sum(count for _, count in queued)
        latency_us = self._latency_us[model_index]
        model.execution.add(execution_us)
        model.profiled_us += latency_us[min(size, len(latency_us) - 1)]
        if gpu < len(self.gpu_busy_us):  # not one that the plan before had
            self.gpu_busy_us[gpu] += execution_us
        if len(queued) > SINGLY_MAX:
            times_us = np.array([us for us, _ in queued], dtype=np.int64)
            model.queue.add_all(np.repeat(times_us, [count for _, count in queued]))
        else:
            for time_us, count in queued:
                model.queue.add(time_us, count)
        if self.on_batch is not None:
            self.on_batch(gpu, model_index, execution_us, queued)

    def refused(self, model_index: int, reason: Reason, count: int = 1) -> None:
        self.models[model_index].refusals[reason] += count

    def tick(self, now_us: int, totals: Callable[[], Sequence[Tally]]) -> None:
        """Close the interval when it is over; ``totals`` tells the counts since the start."""
        passed_us = now_us - self._began_us
        if passed_us < INTERVAL_US:
            return
        counts = [_counts(tally, measures) for tally, measures in zip(totals(), self.models, strict=True)]
        models = tuple(
            _interval(now, before, passed_us / 1e6) for now, before in zip(counts, self._before, strict=True)
        )
        busy_us = np.array(self.gpu_busy_us) - np.array(self._gpu_before_us)
        used = np.flatnonzero(busy_us)
        idle_tail = len(busy_us) - (int(used[-1]) + 1 if len(used) else 0)
        share = min(1.0, float(busy_us.sum()) / (len(busy_us) * passed_us))  # a batch may have begun before
        self.interval = Interval(models, share, idle_tail)
        self._began_us, self._before, self._gpu_before_us = now_us, counts, list(self.gpu_busy_us)


SINGLY_MAX = 12
"""Up to so many times are put into their buckets one by one: numpy has its own fixed cost."""


def _counts(tally: Tally, measures: ModelMeasures) -> tuple[int, int, int, int]:
    """Requests in time, requests that count, measured and profiled microseconds."""
    counted = sum(count for outcome, count in tally.outcomes.items() if outcome not in NO_LOAD)
    return tally.outcomes[Outcome.IN_TIME], counted, measures.execution.sum_us, measures.profiled_us


def _interval(
    now: tuple[int, int, int, int], before: tuple[int, int, int, int], seconds: float
) -> ModelInterval:
    in_time, counted, measured_us, profiled_us = (a - b for a, b in zip(now, before, strict=True))
    return ModelInterval(
        goodput_rps=in_time / seconds,
        bad_rate=1 - in_time / counted if counted else None,
        drift=measured_us / profiled_us if profiled_us else None,
    )
