"""What was served: counted once, told twice, to the planner by interval and to Prometheus in total."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dispatcher.contract.load_report import LoadReport, ModelLoad
from dispatcher.frontend.service import Outcome


@dataclass(slots=True)
class Gaps:
    """Mean and variation of inter-arrival times, in one pass (Welford 1962)."""

    last_us: int | None = None
    count: int = 0
    mean_us: float = 0.0
    squares: float = 0.0

    def arrived(self, at_us: int, count: int = 1) -> None:
        """``count`` requests at one instant: the gap before the first, then gaps of nothing."""
        if self.last_us is not None:
            self._add(at_us - self.last_us)
        self.last_us = at_us
        if count > 1:
            self._add_zeros(count - 1)

    def _add(self, gap_us: int) -> None:
        self.count += 1
        off = gap_us - self.mean_us
        self.mean_us += off / self.count
        self.squares += off * (gap_us - self.mean_us)

    def _add_zeros(self, count: int) -> None:
        """Two sets of gaps made one (Chan, Golub, LeVeque 1983), the second all zero."""
        total = self.count + count
        self.squares += self.mean_us**2 * self.count * count / total
        self.mean_us *= self.count / total
        self.count = total

    @property
    def cv(self) -> float | None:
        """Coefficient of variation; None below two gaps, or when all arrived at once."""
        if self.count < 2 or self.mean_us <= 0:
            return None
        return math.sqrt(max(0.0, self.squares) / (self.count - 1)) / self.mean_us


@dataclass(slots=True)
class Tally:
    """Counts of one model."""

    arrived: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    batches: int = 0
    batched_requests: int = 0
    busy_us: int = 0
    batches_by_size: Counter[int] = field(default_factory=Counter)
    busy_us_by_size: Counter[int] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        """All requests that ended, however they did."""
        return self.outcomes.total()

    def batch_executed(self, batch_size: int, execution_us: int) -> None:
        self.batches += 1
        self.batched_requests += batch_size
        self.busy_us += execution_us
        self.batches_by_size[batch_size] += 1
        self.busy_us_by_size[batch_size] += execution_us

    def add(self, other: Tally) -> None:
        self.arrived += other.arrived
        self.outcomes.update(other.outcomes)
        self.batches += other.batches
        self.batched_requests += other.batched_requests
        self.busy_us += other.busy_us
        self.batches_by_size.update(other.batches_by_size)
        self.busy_us_by_size.update(other.busy_us_by_size)


class LoadMeter:
    """
    Counts of every model of one sub-cluster, since the start and in the running interval.

    A batch and its time belong to the interval in which it ended, a request to the one in
    which it was answered. Instants are microseconds of one monotonic clock.
    ``tenant_outcomes`` counts answers since the start by (tenant's index, outcome).
    """

    def __init__(self, model_ids: Sequence[str], now_us: int, wall_s: float) -> None:
        self._model_ids = tuple(model_ids)
        self._before = [Tally() for _ in model_ids]
        self._now = [Tally() for _ in model_ids]
        self._gaps = [Gaps() for _ in model_ids]
        self.tenant_outcomes: Counter[tuple[int, Outcome]] = Counter()
        self._started_us = now_us
        self._started_wall_s = wall_s

    def arrived(self, model_index: int, at_us: int, count: int = 1) -> None:
        self._now[model_index].arrived += count
        self._gaps[model_index].arrived(at_us, count)

    def answered(
        self, model_index: int, outcome: Outcome, tenant_index: int | None = None, count: int = 1
    ) -> None:
        """``tenant_index`` is None for a request that never got as far as a tenant's."""
        self._now[model_index].outcomes[outcome] += count
        if tenant_index is not None:
            self.tenant_outcomes[tenant_index, outcome] += count

    def batch_executed(self, model_index: int, batch_size: int, execution_us: int) -> None:
        self._now[model_index].batch_executed(batch_size, execution_us)

    def totals(self) -> list[Tally]:
        """Counts since the start, one for each model."""
        totals = []
        for before, now in zip(self._before, self._now, strict=True):
            total = Tally()
            total.add(before)
            total.add(now)
            totals.append(total)
        return totals

    def successor(self, model_ids: Sequence[str], now_us: int, wall_s: float) -> LoadMeter:
        """A meter for the next plan: models that stay keep their counts since the start."""
        meter = LoadMeter(model_ids, now_us, wall_s)
        totals = dict(zip(self._model_ids, self.totals(), strict=True))
        meter._before = [totals.get(model_id, Tally()) for model_id in model_ids]
        meter.tenant_outcomes = self.tenant_outcomes
        return meter

    def take_report(
        self, now_us: int, wall_s: float, *, sub_cluster: str, plan_version: int, gpus: int
    ) -> LoadReport:
        """The interval since the last report; a new one begins at ``now_us``, wall clock ``wall_s``."""
        interval_s = max(now_us - self._started_us, 1) / 1e6
        busy_s = sum(tally.busy_us for tally in self._now) / 1e6
        report = LoadReport(
            sub_cluster=sub_cluster,
            plan_version=plan_version,
            interval_start=datetime.fromtimestamp(self._started_wall_s, UTC).isoformat(),
            interval_s=interval_s,
            gpus=gpus,
            gpu_busy_share=min(1.0, busy_s / (gpus * interval_s)),  # a batch may have begun before
            models=tuple(map(_model_load, self._model_ids, self._now, self._gaps)),
        )
        for index, tally in enumerate(self._now):
            self._before[index].add(tally)
            self._now[index] = Tally()
            self._gaps[index] = Gaps(last_us=self._gaps[index].last_us)
        self._started_us, self._started_wall_s = now_us, wall_s
        return report


def _model_load(model_id: str, tally: Tally, gaps: Gaps) -> ModelLoad:
    outcomes = tally.outcomes
    return ModelLoad(
        model=model_id,
        arrived=tally.arrived,
        served_in_time=outcomes[Outcome.IN_TIME],
        late=outcomes[Outcome.LATE],
        dropped=outcomes[Outcome.DROPPED] + outcomes[Outcome.FAILED],
        rejected=outcomes[Outcome.REJECTED],
        cancelled=outcomes[Outcome.CANCELLED],
        arrival_cv=gaps.cv,
        batches=tally.batches,
        batch_size_mean=tally.batched_requests / tally.batches if tally.batches else 0.0,
        busy_s=tally.busy_us / 1e6,
        latency_ms_by_batch=tuple(
            (size, count, tally.busy_us_by_size[size] / count / 1e3)
            for size, count in sorted(tally.batches_by_size.items())
        ),
    )
