"""
Observed load on its way from one resolution to the next.

A step is one transaction that takes rows of a finer resolution away and adds their sums to coarser ones. So
every report is in exactly one place at any time, whoever dies when; steps may be repeated, and any number of
servers may take them, one after the other. What comes late finds its way with the next steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from planner.demand.load_frame import SECOND_US, LoadFrame, Source, instant_at, instant_us, joined, rolled_up
from planner.demand.retention import LEVELS, Level, Retention
from planner.store.locks import lock_roll_ups
from planner.store.observed_intake import Reporter, add_spans, lock, span_of
from planner.store.observed_packing import pack, unpack
from planner.store.observed_reading import Look, reported_frame
from planner.store.tables import LoadReportRow, ObservedLoadRow, ObservedRollupRow

REPORTS_IN_STEP_MAX = 2_000
ROWS_IN_STEP_MAX = 1_000
LENGTH_SLACK = 1.1  # a dispatcher that reports every minute does so every 60.01 s


@dataclass(frozen=True, slots=True)
class RollUp:
    """
    What one step, or many, did: reports taken up, stored rows taken up, rows written, rows deleted for good.
    """

    reports: int = 0
    rows: int = 0
    written: int = 0
    expired: int = 0

    def __add__(self, other: RollUp) -> RollUp:
        return RollUp(
            self.reports + other.reports,
            self.rows + other.rows,
            self.written + other.written,
            self.expired + other.expired,
        )

    @property
    def moved(self) -> bool:
        return bool(self.reports or self.rows or self.expired)


def step(session: Session, now: datetime, retention: Retention) -> RollUp:
    """The next piece of what is due at ``now``, of any fleet; nothing moved: nothing is due."""
    lock_roll_ups(session)
    now_s = instant_us(now) / SECOND_US
    due_s = retention.due_s(now_s)
    done = _reports(session, now, due_s)
    if not done.moved:
        done = _rows(session, LEVELS[0], due_s)
    if not done.moved:
        done = _rows(session, LEVELS[1], due_s)
    return done if done.moved else _expired(session, retention.expired_s(now_s))


def _reports(session: Session, now: datetime, due_s: Sequence[int]) -> RollUp:
    """Reports of one reporter that belong to one row of their level."""
    own = LoadReportRow
    first = session.execute(
        select(own.fleet, own.sub_cluster, own.plan_version, own.interval_start)
        .where(own.interval_start < instant_at(due_s[0] * SECOND_US))
        .order_by(own.interval_start)
        .limit(1)
    ).one_or_none()
    if first is None:
        return RollUp()
    reporter = Reporter(first.sub_cluster, first.plan_version)
    lock(session, first.fleet, reporter, now)
    level = _level(instant_us(first.interval_start) // SECOND_US, due_s)
    period_s = LEVELS[level].period_s
    end_s = min(instant_us(first.interval_start) // SECOND_US // period_s * period_s + period_s, due_s[level])
    found = session.execute(
        select(own.id, own.interval_start, own.interval_s)
        .where(
            own.fleet == first.fleet,
            own.sub_cluster == reporter.sub_cluster,
            own.plan_version == reporter.plan_version,
            own.interval_start >= first.interval_start,
            own.interval_start < instant_at(end_s * SECOND_US),
        )
        .order_by(own.interval_start)
        .limit(REPORTS_IN_STEP_MAX)
    ).all()
    reports = {row.id: (*reporter, instant_us(row.interval_start), row.interval_s) for row in found}
    frame = reported_frame(session, reports, Look(), latencies=True)
    written = _add(session, first.fleet, frame, level)
    add_spans(session, first.fleet, reporter, [span_of(row.interval_start, row.interval_s) for row in found])
    ids = [row.id for row in found]
    session.execute(delete(ObservedLoadRow).where(ObservedLoadRow.report_id.in_(ids)))
    session.execute(delete(own).where(own.id.in_(ids)))
    return RollUp(reports=len(ids), written=written)


def _rows(session: Session, level: Level, due_s: Sequence[int]) -> RollUp:
    """Stored rows of ``level`` that belong into the next."""
    target = LEVELS.index(level) + 1
    own = ObservedRollupRow
    found = session.execute(
        select(own)
        .where(own.resolution_s == level.resolution_s, own.period_start_s < due_s[target])
        .order_by(own.fleet, own.model, own.sub_cluster, own.plan_version, own.period_start_s)
        .limit(ROWS_IN_STEP_MAX)
    ).scalars()
    by_fleet: dict[str, list[ObservedRollupRow]] = defaultdict(list)
    for row in found:
        by_fleet[row.fleet].append(row)
    done = RollUp()
    for fleet, rows in by_fleet.items():
        frame = unpack([_stored(row) for row in rows])
        for row in rows:
            session.delete(row)
        session.flush()
        done += RollUp(rows=len(rows), written=_add(session, fleet, frame, target))
    return done


def _expired(session: Session, before_s: int) -> RollUp:
    own = ObservedRollupRow
    which = (own.resolution_s == LEVELS[-1].resolution_s, own.period_start_s < before_s)
    deleted = session.execute(delete(own).where(*which)).rowcount  # type: ignore[attr-defined]
    return RollUp(expired=deleted)


def _level(start_s: int, due_s: Sequence[int]) -> int:
    """The coarsest level that load of that time is due for."""
    return max(index for index in range(len(LEVELS)) if index == 0 or start_s < due_s[index])


def _add(session: Session, fleet: str, frame: LoadFrame, least: int) -> int:
    """Add rows to the level ``least``, or to a coarser one where they are longer than its intervals."""
    written = 0
    remaining = np.ones(len(frame), dtype=np.bool_)
    for level in LEVELS[least:]:
        fits = frame.length_us <= LENGTH_SLACK * level.resolution_s * SECOND_US
        if level is LEVELS[-1]:
            fits = np.ones_like(fits)
        part = frame.where(remaining & fits)
        remaining &= ~fits
        if len(part):
            written += _add_to(session, fleet, part, level)
    return written


def _add_to(session: Session, fleet: str, frame: LoadFrame, level: Level) -> int:
    resolution_us, period_us = level.resolution_s * SECOND_US, level.period_s * SECOND_US
    frame = rolled_up(frame, resolution_us)
    period = frame.start_us // period_us
    changes = (np.diff(frame.source) != 0) | (np.diff(period) != 0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(frame)]
    new: list[dict[str, Any]] = []
    for begin, end in pairwise(edges):
        part = frame.part(begin, end)
        source, start = int(frame.source[begin]), int(period[begin])
        key = {
            "fleet": fleet,
            **frame.sources[source]._asdict(),
            "resolution_s": level.resolution_s,
            "period_start_s": start * level.period_s,
        }
        row = session.execute(
            select(ObservedRollupRow)
            .where(*(getattr(ObservedRollupRow, name) == value for name, value in key.items()))
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if row is not None:
            part = rolled_up(joined([unpack([_stored(row)]), part]), resolution_us)
        counts, latencies = pack(part, start * period_us)
        if row is None:
            new.append({**key, "counts": counts, "latencies": latencies})
        else:
            session.execute(
                update(ObservedRollupRow)
                .where(*(getattr(ObservedRollupRow, name) == value for name, value in key.items()))
                .values(counts=counts, latencies=latencies)
            )
    if new:
        session.execute(insert(ObservedRollupRow), new)
    return len(edges) - 1


def _stored(row: ObservedRollupRow) -> tuple[Source, int, int, bytes, bytes]:
    source = Source(row.model, row.sub_cluster, row.plan_version)
    return source, row.resolution_s * SECOND_US, row.period_start_s * SECOND_US, row.counts, row.latencies
