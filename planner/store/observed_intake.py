"""
Load reports on their way in: each interval of each reporter counts once, whatever comes again, late or
across.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from dispatcher.contract.load_report import LoadReport
from planner.demand.load_frame import SECOND_US, Source, instant_at, instant_us
from planner.demand.reported_spans import Ledger, Span, Standing, merged
from planner.demand.retention import DAY_S
from planner.store.planned_traffic import traffic_share
from planner.store.tables import LoadReportRow, ObservedLoadRow, ReportedSpansRow, ReporterRow
from planner.store.upserts import insert_once

DAY_US = DAY_S * SECOND_US
INTERVAL_S_MAX = 3_600
"""No report may cover more: the coarsest roll-up is an hour."""


class Reporter(NamedTuple):
    """Who reports: the dispatcher of one sub-cluster of one plan version."""

    sub_cluster: str
    plan_version: int


def take(session: Session, fleet: str, now: datetime, reports: Sequence[LoadReport]) -> Counter[Standing]:
    """Store what is new; returns how many reports stood how."""
    by_reporter: dict[Reporter, list[LoadReport]] = defaultdict(list)
    for report in reports:
        by_reporter[Reporter(report.sub_cluster, report.plan_version)].append(report)
    standings: Counter[Standing] = Counter()
    for reporter in sorted(by_reporter):  # one order for all: no two of them wait for each other
        standings.update(_take(session, fleet, now, reporter, by_reporter[reporter]))
    return standings


def lock(session: Session, fleet: str, reporter: Reporter, now: datetime) -> None:
    """Until this transaction ends nobody else takes or rolls up reports of ``reporter``."""
    key = {"fleet": fleet, **reporter._asdict()}
    insert_once(session, ReporterRow, {**key, "heard_at": now, **dict.fromkeys(_COUNTED, 0)}, list(key))
    session.execute(select(ReporterRow.fleet).where(*_is(ReporterRow, fleet, reporter)).with_for_update())


_COUNTED = tuple(str(standing) for standing in Standing)


def _take(
    session: Session, fleet: str, now: datetime, reporter: Reporter, reports: Sequence[LoadReport]
) -> Counter[Standing]:
    lock(session, fleet, reporter, now)
    spans = [_span(report) for report in reports]
    ledger = _ledger(session, fleet, reporter, min(spans)[0], max(end for _, end in spans))
    standings: Counter[Standing] = Counter()
    new: list[tuple[LoadReport, Span, str]] = []
    for report, span in zip(reports, spans, strict=True):
        digest = _digest(report)
        standing = ledger.take(span, digest)
        standings[standing] += 1
        if standing is Standing.NEW:
            new.append((report, span, digest))
    _insert(session, fleet, now, new)
    counted = {str(s): getattr(ReporterRow, str(s)) + count for s, count in standings.items()}
    session.execute(
        update(ReporterRow).where(*_is(ReporterRow, fleet, reporter)).values(heard_at=now, **counted)
    )
    return standings


def _ledger(session: Session, fleet: str, reporter: Reporter, since_us: int, until_us: int) -> Ledger:
    reach = timedelta(seconds=INTERVAL_S_MAX)
    rows = session.execute(
        select(LoadReportRow.interval_start, LoadReportRow.interval_s, LoadReportRow.digest).where(
            *_is(LoadReportRow, fleet, reporter),
            LoadReportRow.interval_start >= instant_at(since_us) - reach,
            LoadReportRow.interval_start < instant_at(until_us),
        )
    )
    kept = {span_of(start, seconds): digest for start, seconds, digest in rows}
    days = range(since_us // DAY_US - 1, until_us // DAY_US + 1)
    return Ledger(kept, spans_of(session, fleet, reporter, days).values_joined())


class DaySpans(dict[int, list[Span]]):
    """Reported time by day, counted from 1970."""

    def values_joined(self) -> list[Span]:
        return [span for spans in self.values() for span in spans]


def spans_of(session: Session, fleet: str, reporter: Reporter, days: range) -> DaySpans:
    """The time of ``reporter`` that was rolled up, in those days."""
    rows = session.execute(
        select(ReportedSpansRow.day, ReportedSpansRow.spans).where(
            *_is(ReportedSpansRow, fleet, reporter),
            ReportedSpansRow.day >= days.start,
            ReportedSpansRow.day < days.stop,
        )
    )
    return DaySpans({day: _read_spans(day, data) for day, data in rows})


def add_spans(session: Session, fleet: str, reporter: Reporter, spans: Iterable[Span]) -> None:
    """Add to the time that was rolled up; ``reporter`` must be locked."""
    by_day: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        by_day[span[0] // DAY_US].append(span)
    for day, added in sorted(by_day.items()):
        known = spans_of(session, fleet, reporter, range(day, day + 1))
        data = _written_spans(day, merged([*known.get(day, []), *added]))
        key = {"fleet": fleet, **reporter._asdict(), "day": day}
        if day in known:
            session.execute(
                update(ReportedSpansRow)
                .where(*_is(ReportedSpansRow, fleet, reporter), ReportedSpansRow.day == day)
                .values(spans=data)
            )
        else:
            session.execute(insert(ReportedSpansRow).values(**key, spans=data))


def span_of(start: datetime, seconds: float) -> Span:
    begin = instant_us(start)
    return begin, begin + max(1, round(seconds * SECOND_US))


def _span(report: LoadReport) -> Span:
    return span_of(datetime.fromisoformat(report.interval_start), report.interval_s)


def _digest(report: LoadReport) -> str:
    return blake2b(msgspec.msgpack.encode(report), digest_size=8).hexdigest()


def _insert(session: Session, fleet: str, now: datetime, new: Sequence[tuple[LoadReport, Span, str]]) -> None:
    if not new:
        return
    rows = [
        {
            "fleet": fleet,
            "sub_cluster": report.sub_cluster,
            "plan_version": report.plan_version,
            "interval_start": instant_at(begin),
            "interval_s": report.interval_s,
            "gpus": report.gpus,
            "gpu_busy_share": report.gpu_busy_share,
            "received_at": now,
            "digest": digest,
        }
        for report, (begin, _), digest in new
    ]
    ids = session.scalars(
        insert(LoadReportRow).returning(LoadReportRow.id, sort_by_parameter_order=True), rows
    )
    loads: list[dict[str, Any]] = []
    for report_id, (report, (begin, _), _) in zip(ids, new, strict=True):
        for load in report.models:
            source = Source(load.model, report.sub_cluster, report.plan_version)
            share = traffic_share(session, fleet, source, begin)
            loads.append({"report_id": report_id, "traffic_share": share, **msgspec.to_builtins(load)})
    if loads:
        session.execute(insert(ObservedLoadRow), loads)


def _is(table: Any, fleet: str, reporter: Reporter) -> tuple[Any, ...]:
    return (
        table.fleet == fleet,
        table.sub_cluster == reporter.sub_cluster,
        table.plan_version == reporter.plan_version,
    )


def _read_spans(day: int, data: bytes) -> list[Span]:
    values = np.frombuffer(data, dtype="<i8").reshape(-1, 2) + day * DAY_US
    return [(int(begin), int(end)) for begin, end in values]


def _written_spans(day: int, spans: Sequence[Span]) -> bytes:
    return (np.array(spans, dtype="<i8") - day * DAY_US).tobytes()
