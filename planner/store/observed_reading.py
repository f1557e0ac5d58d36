"""
Observed load as a frame, from wherever it lies: every report is in exactly one place, as it came or rolled
up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from planner.demand.load_frame import (
    SECOND_US,
    Latencies,
    LoadFrame,
    Source,
    framed,
    instant_at,
    instant_us,
    joined,
    latencies_of,
)
from planner.demand.retention import DAY_S
from planner.store.locks import keep_roll_ups_still
from planner.store.observed_packing import unpack
from planner.store.tables import LoadReportRow, ObservedLoadRow, ObservedRollupRow

MODELS_IN_QUERY_MAX = 200
IDS_IN_QUERY_MAX = 5_000
TIME_US_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Look:
    """
    Which part of the observed load is asked for.

    Parameters
    ----------
    models, plan_version
        Only these; None: all.
    since_us, until_us
        Rows that start in [since, until), microseconds since 1970.
    """

    models: Collection[str] | None = None
    since_us: int = -TIME_US_MAX
    until_us: int = TIME_US_MAX
    plan_version: int | None = None


def frame(session: Session, fleet: str, look: Look, *, latencies: bool) -> LoadFrame:
    """All rows of ``look`` at one instant of the database, those as reported first."""
    keep_roll_ups_still(session)
    found = joined(
        [_as_reported(session, fleet, look, latencies), _rolled_up(session, fleet, look, latencies)]
    )
    return found.where((found.start_us >= look.since_us) & (found.start_us < look.until_us))


def size(session: Session, fleet: str, look: Look) -> int:
    """How many rows of tables ``frame`` would read."""
    reported = (
        select(func.count())
        .select_from(ObservedLoadRow)
        .join(LoadReportRow, LoadReportRow.id == ObservedLoadRow.report_id)
        .where(*_of_reports(fleet, look), *_of_models(ObservedLoadRow.model, look))
    )
    rolled = select(func.count()).select_from(ObservedRollupRow).where(*_of_rollups(fleet, look))
    return int(session.scalar(reported) or 0) + int(session.scalar(rolled) or 0)


def _as_reported(session: Session, fleet: str, look: Look, latencies: bool) -> LoadFrame:
    query = select(
        LoadReportRow.id,
        LoadReportRow.sub_cluster,
        LoadReportRow.plan_version,
        LoadReportRow.interval_start,
        LoadReportRow.interval_s,
    ).where(*_of_reports(fleet, look))
    few = _of_models(ObservedLoadRow.model, look)
    if few:
        query = query.join(ObservedLoadRow, ObservedLoadRow.report_id == LoadReportRow.id).where(*few)
    reports = {
        row.id: (row.sub_cluster, row.plan_version, instant_us(row.interval_start), row.interval_s)
        for row in session.execute(query)
    }
    if not reports:
        return framed((), [], [], [], [])
    return reported_frame(session, reports, look, latencies=latencies)


def reported_frame(
    session: Session,
    reports: dict[int, tuple[str, int, int, float]],
    look: Look,
    *,
    latencies: bool,
) -> LoadFrame:
    """
    The rows of reports as they came, in the order in which they came.

    ``reports`` maps an id to sub-cluster, plan version, start in microseconds, length in seconds.
    """
    own = ObservedLoadRow
    columns = [
        own.report_id,
        own.model,
        own.traffic_share,
        own.arrived,
        own.served_in_time,
        own.late,
        own.dropped,
        own.rejected,
        own.arrival_cv,
        own.batches,
        own.batch_size_mean,
        own.busy_s,
        own.cancelled,
    ]
    if latencies:
        columns.append(own.latency_ms_by_batch)
    query = (
        select(*columns)
        .where(_among(own.report_id, reports), *_of_models(own.model, look))
        .order_by(own.report_id)
    )
    wanted = None if look.models is None else frozenset(look.models)
    loads = [
        load
        for load in session.execute(query)
        if load.report_id in reports and (wanted is None or load.model in wanted)
    ]
    return _framed(loads, reports, latencies=latencies)


def _framed(
    loads: Sequence[Any], reports: dict[int, tuple[str, int, int, float]], *, latencies: bool
) -> LoadFrame:
    """Rows of ``observed_load`` column by column: there may be a million of them."""
    if not loads:
        return framed((), [], [], [], [])
    columns = list(zip(*loads, strict=True))
    of_report = [reports[report_id] for report_id in columns[0]]
    indices: dict[tuple[str, str, int], int] = {}
    source = [
        indices.setdefault((model, report[0], report[1]), len(indices))
        for model, report in zip(columns[1], of_report, strict=True)
    ]
    start_us = np.array([report[2] for report in of_report], dtype=np.int64)
    length_us = np.maximum(1, np.rint(np.array([r[3] for r in of_report]) * SECOND_US)).astype(np.int64)
    share, variation = (np.array(columns[i], dtype=np.float64) for i in (2, 8))
    arrived, batches = (np.array(columns[i], dtype=np.int64) for i in (3, 9))
    planned, known = ~np.isnan(share), ~np.isnan(variation)
    sums = [
        np.ones_like(arrived),
        length_us,
        np.rint(np.where(planned, share, 0.0) * length_us).astype(np.int64),
        np.where(planned, 0, length_us),
        arrived,
        *(np.array(columns[i], dtype=np.int64) for i in range(4, 8)),
        batches,
        np.rint(batches * np.array(columns[10], dtype=np.float64)).astype(np.int64),
        np.rint(np.array(columns[11], dtype=np.float64) * SECOND_US).astype(np.int64),
        np.where(known, arrived, 0),
        np.array(columns[12], dtype=np.int64),
    ]
    measured = [
        entry
        for row, told in enumerate(columns[13] if latencies else ())
        for entry in latencies_of(row, told)
    ]
    return LoadFrame(
        tuple(Source(*key) for key in indices),
        np.array(source, dtype=np.int64),
        start_us,
        length_us,
        start_us,
        start_us + length_us,
        np.column_stack(sums),
        np.where(known, arrived * np.nan_to_num(variation) ** 2, 0.0),
        Latencies(*np.array(measured, dtype=np.int64).reshape(-1, 4).T),
    )


def _among(column: Any, ids: Collection[int]) -> Any:
    """Those ids, and if they are many all between them."""
    return column.in_(list(ids)) if len(ids) <= IDS_IN_QUERY_MAX else column.between(min(ids), max(ids))


def _rolled_up(session: Session, fleet: str, look: Look, latencies: bool) -> LoadFrame:
    own = ObservedRollupRow
    columns: list[Any] = [
        own.model,
        own.sub_cluster,
        own.plan_version,
        own.resolution_s,
        own.period_start_s,
        own.counts,
    ]
    if latencies:
        columns.append(own.latencies)
    wanted = None if look.models is None else frozenset(look.models)
    rows = session.execute(select(*columns).where(*_of_rollups(fleet, look))).all()
    return unpack(
        [
            (
                Source(row.model, row.sub_cluster, row.plan_version),
                row.resolution_s * SECOND_US,
                row.period_start_s * SECOND_US,
                row.counts,
                row.latencies if latencies else None,
            )
            for row in rows
            if wanted is None or row.model in wanted
        ]
    )


def _of_reports(fleet: str, look: Look) -> list[Any]:
    conditions: list[Any] = [LoadReportRow.fleet == fleet]
    if look.since_us > -TIME_US_MAX:
        conditions.append(LoadReportRow.interval_start >= instant_at(look.since_us))
    if look.until_us < TIME_US_MAX:
        conditions.append(LoadReportRow.interval_start < instant_at(look.until_us))
    if look.plan_version is not None:
        conditions.append(LoadReportRow.plan_version == look.plan_version)
    return conditions


def _of_rollups(fleet: str, look: Look) -> list[Any]:
    own = ObservedRollupRow
    conditions: list[Any] = [own.fleet == fleet, *_of_models(own.model, look)]
    if look.since_us > -TIME_US_MAX:  # no row holds more than a day
        conditions.append(own.period_start_s > look.since_us // SECOND_US - DAY_S)
    if look.until_us < TIME_US_MAX:
        conditions.append(own.period_start_s < -(-look.until_us // SECOND_US))
    if look.plan_version is not None:
        conditions.append(own.plan_version == look.plan_version)
    return conditions


def _of_models(column: Any, look: Look) -> list[Any]:
    """Few models are looked up one by one; for many, reading all is quicker."""
    if look.models is None or len(look.models) > MODELS_IN_QUERY_MAX:
        return []
    return [column.in_(sorted(look.models))]
