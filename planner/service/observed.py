"""Take load reports; look at what was measured, all at once or in the course of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.contract.load_report import LoadReport
from planner.demand.forecast import Forecast
from planner.demand.load_frame import SECOND_US, LoadFrame, instant_us
from planner.demand.observed import ObservedLoad, observe, observe_by_epoch
from planner.demand.observed_series import ObservedSeries
from planner.demand.reported_spans import Standing
from planner.service.submission import Submission
from planner.store.records import Reporter
from planner.store.store import Store, UnitOfWork
from profiles.faults import Fault, InputInvalid

ROWS_MAX = 500_000
"""
Stored rows that one look takes in: all of a fleet of a thousand models of more than half a year, or an hour
of it as reported.
"""

POINTS_MAX = 20_000
"""Points of one answer with series: two weeks of a model by the minute."""

LOOK_BACK = timedelta(days=14)
"""How far a look goes that names no beginning, from the newest load there is."""

RESOLUTIONS_S = (10, 60, 600, 3_600, 86_400)


def submit_load_reports(store: Store, submission: Submission[LoadReport]) -> Counter[Standing]:
    """Store reports; returns how many stood how (``Standing``). Raises ``InputInvalid``."""
    entries = submission.accepted({})
    with store.writing() as work:
        return work.observed.take(entries)


def observed_load(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    plan_version: int | None = None,
) -> ObservedLoad:
    """
    What was measured in intervals that start in [since, until), all models together.

    Raises ``InputInvalid`` for a look at more than ``ROWS_MAX`` rows.
    """
    with store.reading() as work:
        _require_size(work.observed.size(since=since, until=until, plan_version=plan_version))
        frame = work.observed.frame(since=since, until=until, plan_version=plan_version, latencies=True)
        return observe(frame)


def observed_by_epoch(store: Store, forecast: Forecast) -> dict[int, ObservedLoad]:
    """What was measured of late in each epoch of ``forecast`` (see ``recent``, ``Forecast.epoch_at``)."""
    with store.reading() as work:
        return observe_by_epoch(recent(work), forecast)


def recent(work: UnitOfWork, since: datetime | None = None, until: datetime | None = None) -> LoadFrame:
    """
    Load of all models in [since, until); without ``since``, from 14 days before ``until`` or else before
    the newest there is.
    """
    if since is None:
        end = until or work.observed.newest()
        since = end - LOOK_BACK if end is not None else None
    return work.observed.frame(since=since, until=until)


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """``resolution_s`` None: the finest of ``RESOLUTIONS_S`` that keeps within ``POINTS_MAX``."""

    models: Sequence[str]
    since: datetime
    until: datetime
    resolution_s: int | None = None


def observed_series(store: Store, request: SeriesRequest) -> ObservedSeries:
    """
    Observed load by intervals, NaN at gaps.

    Raises ``InputInvalid`` where ``until`` is not after ``since``, or there would be more than ``POINTS_MAX``
    points.
    """
    span_us = instant_us(request.until) - instant_us(request.since)
    if span_us <= 0:
        limit = f"must be after since, {request.since.isoformat()}"
        raise InputInvalid("request", [Fault("until", repr(request.until.isoformat()), limit)])
    resolution_s = request.resolution_s or next(
        (s for s in RESOLUTIONS_S if _points(request, span_us, s) <= POINTS_MAX), RESOLUTIONS_S[-1]
    )
    points = _points(request, span_us, resolution_s)
    if points > POINTS_MAX:
        limit = f"must be so long that there are at most {POINTS_MAX} points, not {points}"
        raise InputInvalid("request", [Fault("resolution", str(resolution_s), limit)])
    with store.reading() as work:
        models = set(request.models)
        _require_size(work.observed.size(models=models, since=request.since, until=request.until))
        return work.observed.series(request.models, request.since, request.until, resolution_s)


def reporters(store: Store, *, limit: int) -> list[Reporter]:
    """Who reports, those heard of last first."""
    with store.reading() as work:
        return work.observed.reporters(limit=limit)


def _points(request: SeriesRequest, span_us: int, resolution_s: int) -> int:
    return len(request.models) * -(-span_us // (resolution_s * SECOND_US))


def _require_size(rows: int) -> None:
    if rows > ROWS_MAX:
        limit = f"must leave at most {ROWS_MAX} stored rows to look at, not {rows}; name since and until"
        raise InputInvalid("request", [Fault("since", "this look", limit)])
