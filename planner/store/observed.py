"""Repository of observed load: reports in, frames and series out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.contract.load_report import LoadReport
from planner.demand.load_frame import SECOND_US, LoadFrame, Source, instant_at, instant_us
from planner.demand.observed_series import ObservedSeries, series
from planner.demand.reported_spans import Standing
from planner.demand.retention import Retention
from planner.store import observed_reading, observed_rollup
from planner.store.observed_intake import take
from planner.store.observed_reading import TIME_US_MAX, Look
from planner.store.observed_rollup import RollUp
from planner.store.planned_traffic import planned_shares
from planner.store.records import Reporter
from planner.store.tables import LoadReportRow, ObservedRollupRow, ReporterRow

HOUR_US = 3_600 * SECOND_US


class ObservedLoadRepository:
    """
    What dispatchers measured, of one fleet.

    All who look at observed load do so through ``frame`` and ``series``: they read every resolution there is,
    and each report is in exactly one.
    """

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def take(self, reports: Sequence[LoadReport]) -> Counter[Standing]:
        """Store what is new (``Ledger`` says what is); returns how many reports stood how."""
        return take(self._session, self._fleet, self._now, reports)

    def frame(
        self,
        *,
        models: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        plan_version: int | None = None,
        latencies: bool = False,
    ) -> LoadFrame:
        """
        Everything that starts in [since, until), in the best resolution there is; ``models`` None: all.

        ``latencies``: whether measured latencies by batch size come along.
        """
        look = _look(models, since, until, plan_version)
        return observed_reading.frame(self._session, self._fleet, look, latencies=latencies)

    def size(
        self,
        *,
        models: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        plan_version: int | None = None,
    ) -> int:
        """How many stored rows ``frame`` would take in."""
        return observed_reading.size(self._session, self._fleet, _look(models, since, until, plan_version))

    def series(
        self, models: Sequence[str], since: datetime, until: datetime, resolution_s: int
    ) -> ObservedSeries:
        """
        What was observed of ``models`` in [since, until), by intervals of ``resolution_s`` aligned to 1970.

        Arrays are (models, intervals) with NaN where nothing was reported and 0 where it was reported that
        nothing came; see ``ObservedSeries``. Sums are exact where ``resolution_s`` is a multiple of what is
        stored (an hour at most); where only a coarser roll-up is left it is spread evenly, and
        ``source_resolution_s`` says so. The first and last interval are whole ones.
        """
        step_us = resolution_s * SECOND_US
        since_us = instant_us(since) // step_us * step_us
        until_us = -(-instant_us(until) // step_us) * step_us
        look = Look(frozenset(models), since_us - HOUR_US, until_us)
        found = observed_reading.frame(self._session, self._fleet, look, latencies=False)
        return series(found, models, since_us, until_us, resolution_s)

    def newest(self) -> datetime | None:
        """Start of the newest interval that anybody reported, or of the time into which it was rolled up."""
        own = LoadReportRow
        found: datetime | None = self._session.scalar(
            select(func.max(own.interval_start)).where(own.fleet == self._fleet)
        )
        if found is None:
            rolled = select(func.max(ObservedRollupRow.period_start_s))
            start_s = self._session.scalar(rolled.where(ObservedRollupRow.fleet == self._fleet))
            found = None if start_s is None else instant_at(start_s * SECOND_US)
        return found

    def gpu_type(self, source: Source) -> str | None:
        """Of the GPUs of the source's sub-cluster, by its plan; None where no plan says."""
        planned = planned_shares(self._session, self._fleet, source.plan_version)
        return None if planned is None else planned.gpu_types.get(source.sub_cluster)

    def reporters(self, *, limit: int) -> list[Reporter]:
        """Who reports, those heard of last first."""
        own = ReporterRow
        rows = self._session.scalars(
            select(own)
            .where(own.fleet == self._fleet)
            .order_by(own.heard_at.desc(), own.sub_cluster, own.plan_version.desc())
            .limit(limit)
        )
        return [Reporter(**{name: getattr(row, name) for name in Reporter.__slots__}) for row in rows]

    def roll_up(self, retention: Retention) -> RollUp:
        """
        The next piece of what is due, of any fleet; to be called, a unit of work each, until nothing moves.
        """
        return observed_rollup.step(self._session, self._now, retention)


def _look(
    models: Collection[str] | None, since: datetime | None, until: datetime | None, plan_version: int | None
) -> Look:
    return Look(
        models,
        -TIME_US_MAX if since is None else instant_us(since),
        TIME_US_MAX if until is None else instant_us(until),
        plan_version,
    )
