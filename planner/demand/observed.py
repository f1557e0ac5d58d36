"""What dispatchers measured, put together from their load reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from dispatcher.contract.load_report import LoadReport, ModelLoad
from planner.demand.forecast import Forecast


@dataclass(frozen=True, slots=True)
class MeasuredLatency:
    """Mean execution time of ``batches`` batches of one size, in milliseconds."""

    batch_size: int
    batches: int
    latency_ms_mean: float


@dataclass(frozen=True, slots=True)
class ObservedModel:
    """
    One model over all reports that name it.

    Parameters
    ----------
    observed_s
        How long the model's whole traffic was observed, in seconds: the time that reports cover,
        where a sub-cluster takes part of the traffic counted in that proportion.
    rate_rps
        ``arrived / observed_s``, summed over the sub-clusters that share the model.
    arrival_cv
        Coefficient of variation of inter-arrival times, weighted by arrivals; None when no report knew it.
    bad_rate
        Share of arrivals late, dropped or rejected; None without arrivals.
    """

    model: str
    observed_s: float
    arrived: int
    served_in_time: int
    late: int
    dropped: int
    rejected: int
    rate_rps: float
    arrival_cv: float | None
    bad_rate: float | None
    batches: int
    batch_size_mean: float | None
    busy_s: float
    latencies: tuple[MeasuredLatency, ...]


@dataclass(frozen=True, slots=True)
class ObservedLoad:
    """All models of some reports, by id; ``since`` and ``until`` are the ends of what was covered."""

    report_count: int
    since: datetime | None
    until: datetime | None
    models: dict[str, ObservedModel]


TrafficShare: TypeAlias = Callable[[LoadReport, str], float | None]
"""The part of a model's traffic that the report's sub-cluster takes by its plan; None where no plan says."""


def _no_plan(report: LoadReport, model: str) -> float | None:
    return None


def observe(reports: Sequence[LoadReport], traffic_share: TrafficShare = _no_plan) -> ObservedLoad:
    """
    Put reports together, one entry for each model.

    A sub-cluster that takes a third of a model's traffic for a minute shows the whole for twenty
    seconds. Where no plan tells the part, two sub-clusters that report at once are taken to share
    the model between them, and one that reports alone to take all of it. Reports are counted as given:
    idempotence by (sub-cluster, interval start) is the store's part.
    """
    by_model: dict[str, list[tuple[LoadReport, ModelLoad]]] = defaultdict(list)
    for report in reports:
        for load in report.models:
            by_model[load.model].append((report, load))
    spans = [_span(report) for report in reports]
    return ObservedLoad(
        report_count=len(reports),
        since=min((start for start, _ in spans), default=None),
        until=max((end for _, end in spans), default=None),
        models={model: _observed(model, pairs, traffic_share) for model, pairs in sorted(by_model.items())},
    )


def observe_by_epoch(
    reports: Iterable[LoadReport], forecast: Forecast, traffic_share: TrafficShare = _no_plan
) -> dict[int, ObservedLoad]:
    """The same for each epoch of ``forecast`` (``Forecast.epoch_at``); reports of no epoch are left out."""
    by_epoch: dict[int, list[LoadReport]] = defaultdict(list)
    for report in reports:
        epoch = forecast.epoch_at(datetime.fromisoformat(report.interval_start))
        if epoch is not None:
            by_epoch[epoch].append(report)
    return {epoch: observe(group, traffic_share) for epoch, group in sorted(by_epoch.items())}


Pairs = Sequence[tuple[LoadReport, ModelLoad]]


def _observed(model: str, pairs: Pairs, traffic_share: TrafficShare) -> ObservedModel:
    loads = [load for _, load in pairs]
    arrived = sum(load.arrived for load in loads)
    bad = sum(load.late + load.dropped + load.rejected for load in loads)
    batches = sum(load.batches for load in loads)
    observed_s = _observed_s(model, [report for report, _ in pairs], traffic_share)
    return ObservedModel(
        model=model,
        observed_s=observed_s,
        arrived=arrived,
        served_in_time=sum(load.served_in_time for load in loads),
        late=sum(load.late for load in loads),
        dropped=sum(load.dropped for load in loads),
        rejected=sum(load.rejected for load in loads),
        rate_rps=arrived / observed_s if observed_s else 0.0,
        arrival_cv=_mean((load.arrival_cv, load.arrived) for load in loads if load.arrival_cv is not None),
        bad_rate=min(1.0, bad / arrived) if arrived else None,
        batches=batches,
        batch_size_mean=_mean((load.batch_size_mean, load.batches) for load in loads),
        busy_s=sum(load.busy_s for load in loads),
        latencies=_latencies(loads),
    )


def _observed_s(model: str, reports: Sequence[LoadReport], traffic_share: TrafficShare) -> float:
    """Each sub-cluster's time by its part of the traffic; the joined time of those whose part is unknown."""
    known: dict[tuple[str, float], list[LoadReport]] = defaultdict(list)
    unknown: list[LoadReport] = []
    for report in reports:
        share = traffic_share(report, model)
        if share is None:
            unknown.append(report)
        else:
            known[report.sub_cluster, share].append(report)
    in_part = (share * _covered_s(map(_span, group)) for (_, share), group in known.items())
    return sum(in_part) + _covered_s(map(_span, unknown))


def _latencies(loads: Iterable[ModelLoad]) -> tuple[MeasuredLatency, ...]:
    by_size: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for load in loads:
        for batch_size, batches, latency_ms in load.latency_ms_by_batch:
            by_size[batch_size].append((latency_ms, batches))
    return tuple(
        MeasuredLatency(batch_size, sum(count for _, count in measured), mean)
        for batch_size, measured in sorted(by_size.items())
        if (mean := _mean(measured)) is not None
    )


def _mean(weighted: Iterable[tuple[float, float]]) -> float | None:
    """Weighted mean of (value, weight) pairs; None without weight."""
    pairs = list(weighted)
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else None


def _span(report: LoadReport) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(report.interval_start)
    return start, start + timedelta(seconds=report.interval_s)


def _covered_s(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """Length of the union of the spans, in seconds."""
    covered = timedelta()
    reached: datetime | None = None
    for start, end in sorted(spans):
        if reached is None or start > reached:
            covered, reached = covered + (end - start), end
        elif end > reached:
            covered, reached = covered + (end - reached), end
    return covered.total_seconds()
