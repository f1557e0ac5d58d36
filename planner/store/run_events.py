"""Repository of what runs say as they go, and of the checkpoints that they are gone on with from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from planner.store.records import Lease, RunCheckpoint, RunEvent
from planner.store.tables import RunCheckpointRow, RunEventRow, RunRow
from planner.store.upserts import upsert

PROGRESS_EVENTS_KEPT = 2_000  # of one run, the newest; what happened to its state is all kept
RUNS_PER_QUERY = 200
EVENTS_PER_QUERY = 1_000


class RunEventRepository:
    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(self, run_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """The run's next event; its row is locked from here to the end of the unit of work."""
        count = update(RunRow).where(RunRow.id == run_id).values(event_count=RunRow.event_count + 1)
        sequence = self._session.execute(count.returning(RunRow.event_count)).scalar_one()
        self._session.add(
            RunEventRow(run_id=run_id, sequence=sequence, at=self._now, kind=kind, data=dict(data))
        )
        self._session.flush()
        if kind == "progress" and sequence > PROGRESS_EVENTS_KEPT:
            old = and_(RunEventRow.run_id == run_id, RunEventRow.sequence <= sequence - PROGRESS_EVENTS_KEPT)
            self._session.execute(delete(RunEventRow).where(old, RunEventRow.kind == "progress"))

    def after(self, seen: Mapping[str, int], *, limit: int = EVENTS_PER_QUERY) -> list[RunEvent]:
        """Events of several runs, each beyond the sequence seen of it; in order, at most ``limit`` in all."""
        found: list[RunEvent] = []
        runs = sorted(seen.items())
        for start in range(0, len(runs), RUNS_PER_QUERY):
            part = runs[start : start + RUNS_PER_QUERY]
            wanted = or_(
                *(and_(RunEventRow.run_id == run, RunEventRow.sequence > last) for run, last in part)
            )
            query = select(RunEventRow).where(wanted).order_by(RunEventRow.run_id, RunEventRow.sequence)
            found += [_event(row) for row in self._session.scalars(query.limit(limit))]
        return found

    # -- checkpoints

    def put_checkpoint(self, lease: Lease, checkpoint: RunCheckpoint) -> None:
        """In place of the one before. The caller has made sure that the lease holds."""
        values = {name: getattr(checkpoint, name) for name in RunCheckpoint.__slots__}
        upsert(self._session, RunCheckpointRow, [values | {"lease_number": lease.number, "at": self._now}])

    def checkpoint(self, run_id: str) -> RunCheckpoint | None:
        row = self._session.get(RunCheckpointRow, run_id)
        if row is None:
            return None
        return RunCheckpoint(**{name: getattr(row, name) for name in RunCheckpoint.__slots__})

    def forget_checkpoint(self, run_id: str) -> None:
        self._session.execute(delete(RunCheckpointRow).where(RunCheckpointRow.run_id == run_id))


def _event(row: RunEventRow) -> RunEvent:
    return RunEvent(row.run_id, row.sequence, row.at, row.kind, dict(row.data))
