r"""
Observed load as columns: one row for each model of a report, or for each interval of a roll-up.

Every sum is a whole number (counts, microseconds), so that rows may be added in any order and any grouping
and give the same. The one exception is the variation of inter-arrival times, pooled over the reports i that
know it:

.. math:: \bar c_v^2 = \sum_i n_i c_{v,i}^2 / \sum_i n_i

n_i arrivals, c_v their coefficient of variation within report i: variances relative to each interval's own
mean are what is averaged, so that a rate that rises in the course of the day does not count as burstiness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.load_report import LoadReport, ModelLoad

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

SECOND_US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SUMS = (
    "reports",
    "covered_us",
    "planned_us",
    "unplanned_us",
    "arrived",
    "served_in_time",
    "late",
    "dropped",
    "rejected",
    "batches",
    "batched_requests",
    "busy_us",
    "cv_arrivals",
    "cancelled",
)
"""
The columns of ``LoadFrame.sums``. ``planned_us`` is time covered by reports whose sub-cluster takes a known
part of the model's traffic, times that part; ``unplanned_us`` is the time of the others. ``cv_arrivals`` are
the arrivals of reports that know their variation. New columns come last: stored roll-ups lack them.
"""

COLUMN = {name: index for index, name in enumerate(SUMS)}


class Source(NamedTuple):
    """One model as one sub-cluster of one plan version served it."""

    model: str
    sub_cluster: str
    plan_version: int


class Latencies(NamedTuple):
    """Measured batches, one entry for each row and batch size: int64 arrays of one length."""

    row: Ints
    batch_size: Ints
    batches: Ints
    execution_us: Ints


TrafficShare: TypeAlias = Callable[[Source, int], float | None]
"""
The part of a model's traffic that a source takes by its plan, at an instant in microseconds since 1970; None
where no plan says.
"""

NO_LATENCIES = Latencies(*(np.zeros(0, dtype=np.int64) for _ in range(4)))


@dataclass(frozen=True, slots=True)
class LoadFrame:
    """
    Rows of observed load; n of them.

    Parameters
    ----------
    sources
        What ``source`` counts in.
    source
        (n,) index into ``sources``.
    start_us, length_us
        (n,) the row's interval: a report's own, or that of a roll-up (then ``length_us`` is its resolution);
        microseconds since 1970.
    begin_us, end_us
        (n,) first and last instant that reports cover. A report counts to the interval that it starts in, so
        that ``end_us`` may lie a little beyond the interval's end.
    sums
        (n, len(SUMS)) int64.
    cv_squares
        (n,) the sum of n_i times squared variation (module docstring).
    """

    sources: tuple[Source, ...]
    source: Ints
    start_us: Ints
    length_us: Ints
    begin_us: Ints
    end_us: Ints
    sums: Ints
    cv_squares: Floats
    latencies: Latencies = NO_LATENCIES

    def __len__(self) -> int:
        return len(self.source)

    def column(self, name: str) -> Ints:
        """One of ``SUMS``, (n,)."""
        found: Ints = self.sums[:, COLUMN[name]]
        return found

    def where(self, keep: NDArray[np.bool_]) -> LoadFrame:
        """The rows that ``keep`` (n,) names."""
        new_row = np.cumsum(keep) - 1
        kept = keep[self.latencies.row]
        row, *others = (values[kept] for values in self.latencies)
        return replace(
            self,
            source=self.source[keep],
            start_us=self.start_us[keep],
            length_us=self.length_us[keep],
            begin_us=self.begin_us[keep],
            end_us=self.end_us[keep],
            sums=self.sums[keep],
            cv_squares=self.cv_squares[keep],
            latencies=Latencies(new_row[row].astype(np.int64), *others),
        )

    def part(self, begin: int, end: int) -> LoadFrame:
        """Rows [begin, end) of a frame whose latencies come in the order of its rows."""
        first, last = np.searchsorted(self.latencies.row, (begin, end))
        row, *others = (values[first:last] for values in self.latencies)
        rows = slice(begin, end)
        return replace(
            self,
            source=self.source[rows],
            start_us=self.start_us[rows],
            length_us=self.length_us[rows],
            begin_us=self.begin_us[rows],
            end_us=self.end_us[rows],
            sums=self.sums[rows],
            cv_squares=self.cv_squares[rows],
            latencies=Latencies(row - begin, *others),
        )


def instant_us(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant_at(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(us))


def no_plan(source: Source, start_us: int) -> float | None:
    return None


def frame_of(reports: Sequence[LoadReport], traffic_share: TrafficShare = no_plan) -> LoadFrame:
    """Reports as they came: a row for each of their models."""
    indices: dict[Source, int] = {}
    rows: list[tuple[int, int, int]] = []
    sums: list[tuple[int, ...]] = []
    squares: list[float] = []
    latencies: list[tuple[int, int, int, int]] = []
    for report in reports:
        start_us = instant_us(datetime.fromisoformat(report.interval_start))
        length_us = max(1, round(report.interval_s * SECOND_US))
        for load in report.models:
            source = Source(load.model, report.sub_cluster, report.plan_version)
            row = len(rows)
            rows.append((indices.setdefault(source, len(indices)), start_us, length_us))
            sums.append(sums_of(load, length_us, traffic_share(source, start_us)))
            squares.append(load.arrived * load.arrival_cv**2 if load.arrival_cv is not None else 0.0)
            latencies += latencies_of(row, load.latency_ms_by_batch)
    return framed(tuple(indices), rows, sums, squares, latencies)


def sums_of(load: ModelLoad, length_us: int, share: float | None) -> tuple[int, ...]:
    """``SUMS`` of one model of one report."""
    return (
        1,
        length_us,
        0 if share is None else round(share * length_us),
        length_us if share is None else 0,
        load.arrived,
        load.served_in_time,
        load.late,
        load.dropped,
        load.rejected,
        load.batches,
        round(load.batches * load.batch_size_mean),
        round(load.busy_s * SECOND_US),
        0 if load.arrival_cv is None else load.arrived,
        load.cancelled,
    )


def latencies_of(row: int, latency_ms_by_batch: Iterable[Sequence[float]]) -> list[tuple[int, int, int, int]]:
    """Triples (batch size, batches, mean ms) as (row, batch size, batches, microseconds in all)."""
    return [
        (row, int(size), int(count), round(count * ms * 1_000)) for size, count, ms in latency_ms_by_batch
    ]


def framed(
    sources: tuple[Source, ...],
    rows: Sequence[tuple[int, int, int]],
    sums: Sequence[tuple[int, ...]],
    squares: Sequence[float],
    latencies: Sequence[tuple[int, int, int, int]],
) -> LoadFrame:
    """Rows of reports (source, start, length in microseconds), with their sums, as a frame."""
    source, start_us, length_us = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    measured = np.array(latencies, dtype=np.int64).reshape(-1, 4).T
    return LoadFrame(
        sources,
        source,
        start_us,
        length_us,
        start_us,
        start_us + length_us,
        np.array(sums, dtype=np.int64).reshape(-1, len(SUMS)),
        np.array(squares, dtype=np.float64),
        Latencies(*measured),
    )


def joined(frames: Sequence[LoadFrame]) -> LoadFrame:
    """All rows of all frames, their sources numbered anew."""
    indices: dict[Source, int] = {}
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return frame_of([])
    numbers = [
        np.array([indices.setdefault(s, len(indices)) for s in frame.sources], dtype=np.int64)
        for frame in frames
    ]
    offsets = np.cumsum([0, *(len(frame) for frame in frames)])
    rows = np.concatenate([f.latencies.row + offset for f, offset in zip(frames, offsets, strict=False)])
    others = [np.concatenate([f.latencies[i] for f in frames]) for i in range(1, 4)]
    return LoadFrame(
        tuple(indices),
        np.concatenate([number[f.source] for f, number in zip(frames, numbers, strict=True)]),
        np.concatenate([f.start_us for f in frames]),
        np.concatenate([f.length_us for f in frames]),
        np.concatenate([f.begin_us for f in frames]),
        np.concatenate([f.end_us for f in frames]),
        np.concatenate([f.sums for f in frames]),
        np.concatenate([f.cv_squares for f in frames]),
        Latencies(rows, *others),
    )


def rolled_up(frame: LoadFrame, length_us: int) -> LoadFrame:
    """
    The same load by intervals of ``length_us``, aligned to 1970, one row for each source and interval.

    A row counts whole to the interval that it starts in. Rows come by source, then time; their latencies by
    row, then batch size.
    """
    if not len(frame):
        return frame
    interval = frame.start_us // length_us
    _, first, group = np.unique(
        np.column_stack([frame.source, interval]), axis=0, return_index=True, return_inverse=True
    )
    group = group.reshape(-1)
    count = len(first)
    sums = np.zeros((count, len(SUMS)), dtype=np.int64)
    np.add.at(sums, group, frame.sums)
    begin_us = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(begin_us, group, frame.begin_us)
    end_us = np.full(count, np.iinfo(np.int64).min)
    np.maximum.at(end_us, group, frame.end_us)
    return LoadFrame(
        frame.sources,
        frame.source[first],
        interval[first] * length_us,
        np.full(count, length_us, dtype=np.int64),
        begin_us,
        end_us,
        sums,
        binned(group, frame.cv_squares, count),
        _added(group[frame.latencies.row], frame.latencies),
    )


def binned(group: Ints, values: Ints | Floats, count: int) -> Floats:
    """(count,) sums of ``values`` by group."""
    return np.bincount(group, weights=values, minlength=count).astype(np.float64)


def _added(row: Ints, latencies: Latencies) -> Latencies:
    """Entries of the same row and batch size become one."""
    if not len(row):
        return NO_LATENCIES
    keys, group = np.unique(np.column_stack([row, latencies.batch_size]), axis=0, return_inverse=True)
    group = group.reshape(-1)
    batches, execution_us = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    np.add.at(batches, group, latencies.batches)
    np.add.at(execution_us, group, latencies.execution_us)
    return Latencies(keys[:, 0], keys[:, 1], batches, execution_us)
