"""What dispatchers measured, put together by model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from planner.demand.forecast import Forecast
from planner.demand.load_frame import (
    COLUMN,
    SECOND_US,
    SUMS,
    Floats,
    Ints,
    LoadFrame,
    binned,
    instant_at,
)


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
    arrived
        All that was offered: those count too whose clients left before the answer was due (``cancelled``).
    rate_rps
        ``arrived / observed_s``, summed over the sub-clusters that share the model.
    arrival_cv
        Coefficient of variation of inter-arrival times, pooled (``load_frame``); None when no report knew it.
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
    cancelled: int
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


def observe(frame: LoadFrame) -> ObservedLoad:
    """
    Put rows together, one entry for each model.

    A sub-cluster that takes a third of a model's traffic for a minute shows the whole for twenty
    seconds. Where no plan tells the part, two sub-clusters that report at once are taken to share
    the model between them, and one that reports alone to take all of it. Rows are counted as given:
    that no report counts twice is the store's part.
    """
    names = sorted({source.model for source in frame.sources})
    number = {name: index for index, name in enumerate(names)}
    model_of = np.array([number[source.model] for source in frame.sources], dtype=np.int64)
    model = model_of[frame.source] if len(frame) else np.zeros(0, dtype=np.int64)
    sums = np.zeros((len(names), len(SUMS)), dtype=np.int64)
    np.add.at(sums, model, frame.sums)
    squares = binned(model, frame.cv_squares, len(names))
    observed_us = _observed_us(frame, model, len(names))
    latencies = _latencies(frame, model)
    seen = np.unique(model)
    return ObservedLoad(
        report_count=_report_count(frame),
        since=instant_at(frame.begin_us.min()) if len(frame) else None,
        until=instant_at(frame.end_us.max()) if len(frame) else None,
        models={
            names[i]: _observed(
                names[i], sums[i], float(squares[i]), observed_us[i] / SECOND_US, latencies.get(i, ())
            )
            for i in seen
        },
    )


def observe_by_epoch(frame: LoadFrame, forecast: Forecast) -> dict[int, ObservedLoad]:
    """The same for each epoch of ``forecast`` (``Forecast.epoch_at``); rows of no epoch are left out."""
    starts, group = np.unique(frame.start_us, return_inverse=True)
    epochs = [forecast.epoch_at(instant_at(start)) for start in starts]
    epoch = np.array([-1 if e is None else e for e in epochs], dtype=np.int64)[group.reshape(-1)]
    found = (int(e) for e in np.unique(epoch) if e >= 0)
    return {e: observe(frame.where(epoch == e)) for e in found}


def joined_times_us(
    group: Ints, begin_us: NDArray[np.number], end_us: NDArray[np.number], covered_us: Floats, count: int
) -> Floats:
    r"""
    For each of ``count`` groups: how long at least one of its rows reported.

    Each row reports for a time (``covered_us``) within its span:

    .. math:: \sum_g U_g \, \frac{\sum_{i \in g} c_i}{\sum_{i \in g} L_i}

    over runs g of spans that overlap: U their union, L their lengths, c the time covered. Exact where spans
    are without gaps, and where gaps are the same for all or for none.
    """
    if not len(group):
        return np.zeros(count)
    order = np.lexsort((begin_us, group))
    group, begins, ends, covered = group[order], begin_us[order], end_us[order], covered_us[order]
    instants, rank = np.unique(np.concatenate([begins, ends]), return_inverse=True)
    begin_rank, end_rank = rank.reshape(2, -1) + group * len(instants)  # so that no group reaches the next
    reached = np.maximum.accumulate(end_rank)
    firsts = np.concatenate([[0], np.flatnonzero(begin_rank[1:] > reached[:-1]) + 1])
    union_us = np.maximum.reduceat(ends, firsts) - begins[firsts]
    lengths = np.add.reduceat(ends - begins, firsts)
    return binned(group[firsts], union_us * np.add.reduceat(covered, firsts) / lengths, count)


def _observed_us(frame: LoadFrame, model: Ints, count: int) -> Floats:
    """Each sub-cluster's time by its part of the traffic; the joined time of those whose part is unknown."""
    total = binned(model, frame.column("planned_us"), count)
    unplanned_us = frame.column("unplanned_us")
    unknown = np.flatnonzero(unplanned_us)
    total += joined_times_us(
        model[unknown],
        frame.begin_us[unknown],
        frame.end_us[unknown],
        unplanned_us[unknown].astype(np.float64),
        count,
    )
    return total


def _report_count(frame: LoadFrame) -> int:
    """Every model of a sub-cluster is in each of its reports: the most that any of them counts."""
    keys: dict[tuple[str, int], int] = {}
    cluster_of = [keys.setdefault((s.sub_cluster, s.plan_version), len(keys)) for s in frame.sources]
    cluster = np.array(cluster_of, dtype=np.int64)[frame.source] if len(frame) else frame.source
    group = cluster
    for column in (frame.start_us, frame.length_us):  # number by number: several times as fast as by rows
        values, place = np.unique(column, return_inverse=True)
        group = np.unique(group * len(values) + place.reshape(-1), return_inverse=True)[1].reshape(-1)
    most = np.zeros(len(frame), dtype=np.int64)
    np.maximum.at(most, group, frame.column("reports"))
    return int(most.sum())


def _observed(
    model: str, sums: Ints, squares: float, observed_s: float, latencies: tuple[MeasuredLatency, ...]
) -> ObservedModel:
    def total(name: str) -> int:
        return int(sums[COLUMN[name]])

    arrived, batches, known = total("arrived"), total("batches"), total("cv_arrivals")
    bad = total("late") + total("dropped") + total("rejected")
    return ObservedModel(
        model=model,
        observed_s=observed_s,
        arrived=arrived,
        served_in_time=total("served_in_time"),
        late=total("late"),
        dropped=total("dropped"),
        rejected=total("rejected"),
        cancelled=total("cancelled"),
        rate_rps=arrived / observed_s if observed_s else 0.0,
        arrival_cv=float(np.sqrt(squares / known)) if known else None,
        bad_rate=min(1.0, bad / arrived) if arrived else None,
        batches=batches,
        batch_size_mean=total("batched_requests") / batches if batches else None,
        busy_s=total("busy_us") / SECOND_US,
        latencies=latencies,
    )


def _latencies(frame: LoadFrame, model: Ints) -> dict[int, tuple[MeasuredLatency, ...]]:
    """By model's number; batch sizes without a batch are left out."""
    found = frame.latencies
    if not len(found.row):
        return {}
    keys, group = np.unique(
        np.column_stack([model[found.row], found.batch_size]), axis=0, return_inverse=True
    )
    sums = np.zeros((len(keys), 2), dtype=np.int64)
    np.add.at(sums, group.reshape(-1), np.column_stack([found.batches, found.execution_us]))
    by_model: dict[int, list[MeasuredLatency]] = {}
    for (number, size), (batches, execution_us) in zip(keys.tolist(), sums.tolist(), strict=True):
        if batches:
            entry = MeasuredLatency(size, batches, execution_us / batches / 1_000)
            by_model.setdefault(number, []).append(entry)
    return {number: tuple(entries) for number, entries in by_model.items()}
