"""Repository of runs: a durable queue whose entries are leased, never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.orm import Session

from planner.store.records import RunRecord, RunState
from planner.store.tables import RunRow

ATTEMPTS_MAX = 3  # a run whose server died this often is given up


class RunRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, run: RunRecord) -> None:
        values = {name: getattr(run, name) for name in RunRecord.__slots__}
        self._session.add(RunRow(**values | {"state": run.state.value, "fleet": self._fleet}))
        self._session.flush()

    def get(self, run_id: str) -> RunRecord | None:
        query = self._own().where(RunRow.id == run_id)
        row = self._session.scalars(query).one_or_none()
        return None if row is None else _record(row)

    def newest(self, *, limit: int) -> list[RunRecord]:
        """Newest first."""
        query = self._own().order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
        return [_record(row) for row in self._session.scalars(query)]

    def claim(self, owner: str, lease: timedelta) -> RunRecord | None:
        """
        Lease the oldest run, of any fleet, that waits, or whose server stopped renewing its lease.

        A run given up by too many servers fails instead. Two servers never get the same run.
        """
        self._give_up_exhausted()
        abandoned = and_(RunRow.state == RunState.RUNNING, RunRow.lease_expires_at < self._now)
        query = (
            select(RunRow)
            .where(or_(RunRow.state == RunState.QUEUED, abandoned))
            .order_by(RunRow.created_at, RunRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._session.scalars(query).one_or_none()
        if row is None:
            return None
        row.state = RunState.RUNNING.value
        row.lease_owner = owner
        row.lease_expires_at = self._now + lease
        row.started_at = row.started_at or self._now
        row.attempts += 1
        row.progress = {"stage": "starting"}
        self._session.flush()
        return _record(row)

    def _give_up_exhausted(self) -> None:
        exhausted = (RunRow.state == RunState.RUNNING, RunRow.lease_expires_at < self._now)
        error = {"code": "run-abandoned", "message": f"its server stopped {ATTEMPTS_MAX} times while it ran"}
        values = _ended(RunState.FAILED, self._now) | {"error": error}
        self._session.execute(
            update(RunRow).where(*exhausted, RunRow.attempts >= ATTEMPTS_MAX).values(**values)
        )

    def renew(self, run_id: str, owner: str, lease: timedelta) -> bool:
        """Extend the lease; False when the run is no longer ``owner``'s or is to be cancelled."""
        query = (
            update(RunRow)
            .where(RunRow.id == run_id, *_leased(owner), RunRow.cancel_requested.is_(False))
            .values(lease_expires_at=self._now + lease)
            .returning(RunRow.id)
        )
        return self._session.execute(query).scalar_one_or_none() is not None

    def report(self, run_id: str, owner: str, progress: dict[str, Any]) -> bool:
        """Record progress; False when the run is no longer ``owner``'s."""
        query = update(RunRow).where(RunRow.id == run_id, *_leased(owner)).values(progress=progress)
        return self._session.execute(query.returning(RunRow.id)).scalar_one_or_none() is not None

    def succeed(self, run_id: str, owner: str, plan_version: int, progress: dict[str, Any]) -> bool:
        """The run's end with a plan; False when the run is no longer ``owner``'s."""
        values = _ended(RunState.SUCCEEDED, self._now) | {"plan_version": plan_version, "progress": progress}
        return self._end(run_id, owner, values)

    def fail(self, run_id: str, owner: str, error: dict[str, Any]) -> bool:
        """The run's end without a plan; False when the run is no longer ``owner``'s."""
        return self._end(run_id, owner, _ended(RunState.FAILED, self._now) | {"error": error})

    def release(self, run_id: str, owner: str) -> bool:
        """Put the run back into the queue: its server stops in good order, so the attempt does not count."""
        row = self._session.scalars(select(RunRow).where(RunRow.id == run_id, *_leased(owner))).one_or_none()
        if row is None:
            return False
        row.state, row.lease_owner, row.lease_expires_at = RunState.QUEUED.value, None, None
        row.attempts -= 1
        row.progress = {"stage": "queued"}
        return True

    def request_cancel(self, run_id: str) -> RunRecord | None:
        """A waiting run is cancelled at once; of a running one, the server is asked. None: no such run."""
        query = self._own().where(RunRow.id == run_id).with_for_update()
        row = self._session.scalars(query).one_or_none()
        if row is None:
            return None
        if row.state == RunState.QUEUED:
            row.state, row.finished_at = RunState.CANCELLED.value, self._now
        if not RunState(row.state).is_final:
            row.cancel_requested = True
        self._session.flush()
        return _record(row)

    def cancelled(self, run_id: str, owner: str) -> bool:
        """The running run was stopped because it was asked for."""
        return self._end(run_id, owner, _ended(RunState.CANCELLED, self._now))

    def _own(self) -> Select[RunRow]:
        return select(RunRow).where(RunRow.fleet == self._fleet)

    def _end(self, run_id: str, owner: str, values: dict[str, Any]) -> bool:
        query = (
            update(RunRow).where(RunRow.id == run_id, *_leased(owner)).values(**values).returning(RunRow.id)
        )
        return self._session.execute(query).scalar_one_or_none() is not None


def _leased(owner: str) -> tuple[Any, ...]:
    return RunRow.state == RunState.RUNNING, RunRow.lease_owner == owner


def _ended(state: RunState, now: datetime) -> dict[str, Any]:
    return {"state": state.value, "finished_at": now, "lease_owner": None, "lease_expires_at": None}


def _record(row: RunRow) -> RunRecord:
    values = {name: getattr(row, name) for name in RunRecord.__slots__}
    return RunRecord(**values | {"state": RunState(row.state)})
