"""Repository of runs: a durable queue whose entries are leased, never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, or_, select, tuple_, update
from sqlalchemy.orm import Session

from planner.store.filters import filtered
from planner.store.records import Lease, RunRecord, RunState
from planner.store.run_events import RunEventRepository
from planner.store.tables import RunRow, table_of

RUNS = table_of(RunRow)
ATTEMPTS_MAX = 5  # a run whose server or process was killed this often is given up


class RunRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet
        self.events = RunEventRepository(session, now)

    def add(self, run: RunRecord) -> None:
        values = {name: getattr(run, name) for name in RunRecord.__slots__}
        own = {"state": run.state.value, "fleet": self._fleet, "event_count": 0}
        self._session.add(RunRow(**values | own))
        self._session.flush()
        self.events.add(run.id, "state", {"state": run.state.value})

    def get(self, run_id: str) -> RunRecord | None:
        query = self._looked_at().where(RUNS.c.id == run_id)
        row = self._session.execute(query).one_or_none()
        return None if row is None else _record(row)

    def newest(
        self,
        *,
        limit: int,
        before: str | None = None,
        state: str | None = None,
        forecast_id: int | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[RunRecord]:
        """Newest first; ``before`` continues below the run of that id (nothing, if there is none)."""
        own, place = RUNS.c, (RUNS.c.created_at, RUNS.c.id)
        query = self._looked_at().order_by(own.created_at.desc(), own.id.desc()).limit(limit)
        if before is not None:
            last = self._looked_at().with_only_columns(*place).where(own.id == before)
            query = query.where(tuple_(*place) < last.scalar_subquery())
        wanted = {own.state: state, own.forecast_id: forecast_id, own.actor: actor}
        query = filtered(query, wanted, own.created_at, since, until)
        return [_record(row) for row in self._session.execute(query)]

    def claim(self, owner: str, lease: timedelta) -> RunRecord | None:
        """
        Lease the oldest run, of any fleet, that waits, or whose server stopped renewing its lease.

        A run given up by too many servers fails instead. Two servers never get the same run, and each
        claim has a number of its own: what an earlier one still writes is refused.
        """
        self._give_up_exhausted()
        query = (
            select(RunRow)
            .where(or_(RunRow.state == RunState.QUEUED, self._abandoned()))
            .order_by(RunRow.created_at, RunRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._session.scalars(query).one_or_none()
        if row is None:
            return None
        row.state = RunState.RUNNING.value
        row.lease_owner = owner
        row.lease_number += 1
        row.lease_expires_at = self._now + lease
        row.started_at = row.started_at or self._now
        row.attempts += 1
        row.progress = {"stage": "starting"}
        self._session.flush()
        self.events.add(row.id, "state", {"state": RunState.RUNNING.value, "attempt": row.attempts})
        self._session.refresh(row)
        return _record(row)

    def any_claimable(self) -> bool:
        """Whether ``claim`` would find something: asked often, and takes no lock."""
        query = select(RunRow.id).where(or_(RunRow.state == RunState.QUEUED, self._abandoned()))
        return self._session.scalar(query.limit(1)) is not None

    def _abandoned(self) -> Any:
        return and_(RunRow.state == RunState.RUNNING, RunRow.lease_expires_at < self._now)

    def _give_up_exhausted(self) -> None:
        query = select(RunRow).where(self._abandoned(), RunRow.attempts >= ATTEMPTS_MAX)
        for row in self._session.scalars(query.with_for_update(skip_locked=True)):
            error = {
                "code": "run-abandoned",
                "message": f"its server stopped {row.attempts} times while it ran",
            }
            lease = Lease(row.id, row.lease_owner or "", row.lease_number)
            self._end(lease, RunState.FAILED, {"error": error}, error=error)

    def holds(self, lease: Lease) -> bool:
        """Whether the run is still leased so; nobody else may change it until this unit of work ends."""
        query = select(RunRow.id).where(*_leased(lease)).with_for_update()
        return self._session.scalar(query) is not None

    def renew(self, lease: Lease, duration: timedelta) -> bool:
        """Extend the lease; False when it no longer holds."""
        query = update(RunRow).where(*_leased(lease)).values(lease_expires_at=self._now + duration)
        return self._session.execute(query.returning(RunRow.id)).scalar_one_or_none() is not None

    def report(self, lease: Lease, progress: dict[str, Any]) -> bool:
        """Record progress, as an event too; False when the lease no longer holds."""
        query = update(RunRow).where(*_leased(lease)).values(progress=progress).returning(RunRow.id)
        if self._session.execute(query).scalar_one_or_none() is None:
            return False
        self.events.add(lease.run_id, "progress", progress)
        return True

    def succeed(self, lease: Lease, plan_version: int, progress: dict[str, Any]) -> bool:
        """The run's end with a plan; False when the lease no longer holds."""
        values = {"plan_version": plan_version, "progress": progress}
        return self._end(lease, RunState.SUCCEEDED, values, plan_version=plan_version)

    def fail(self, lease: Lease, error: dict[str, Any]) -> bool:
        """The run's end without a plan; False when the lease no longer holds."""
        return self._end(lease, RunState.FAILED, {"error": error}, error=error)

    def release(self, lease: Lease, *, attempt_counts: bool = False) -> bool:
        """
        Put the run back into the queue, to be gone on with from its checkpoint.

        The attempt counts if the run's process died, and not if its server stops in good order.
        """
        row = self._session.scalars(select(RunRow).where(*_leased(lease)).with_for_update()).one_or_none()
        if row is None:
            return False
        row.state, row.lease_owner, row.lease_expires_at = RunState.QUEUED.value, None, None
        row.attempts -= 0 if attempt_counts else 1
        row.progress = {"stage": "queued"}
        self._session.flush()
        self.events.add(lease.run_id, "state", {"state": RunState.QUEUED.value})
        return True

    def cancel(self, run_id: str) -> RunRecord | None:
        """
        The run is cancelled, waiting or running; one that has ended stays as it is. None: no such run.

        What runs finds its lease gone: nothing that it still writes counts.
        """
        query = self._own().where(RunRow.id == run_id).with_for_update()
        row = self._session.scalars(query).one_or_none()
        if row is None:
            return None
        if not RunState(row.state).is_final:
            for name, value in _ended(RunState.CANCELLED, self._now).items():
                setattr(row, name, value)
            row.cancel_requested = True
            self._session.flush()
            self._said_its_end(run_id, RunState.CANCELLED)
            self._session.refresh(row)
        return _record(row)

    def _end(self, lease: Lease, state: RunState, values: dict[str, Any], **said: Any) -> bool:
        query = update(RunRow).where(*_leased(lease)).values(**_ended(state, self._now) | values)
        if self._session.execute(query.returning(RunRow.id)).scalar_one_or_none() is None:
            return False
        self._said_its_end(lease.run_id, state, **said)
        return True

    def _looked_at(self) -> Select[Any]:
        return select(RUNS).where(RUNS.c.fleet == self._fleet)

    def _own(self) -> Select[RunRow]:
        return select(RunRow).where(RunRow.fleet == self._fleet)

    def _said_its_end(self, run_id: str, state: RunState, **said: Any) -> None:
        self.events.add(run_id, "state", {"state": state.value, **said})
        self.events.forget_checkpoint(run_id)


def _leased(lease: Lease) -> tuple[Any, ...]:
    return (
        RunRow.id == lease.run_id,
        RunRow.state == RunState.RUNNING,
        RunRow.lease_owner == lease.owner,
        RunRow.lease_number == lease.number,
    )


def _ended(state: RunState, now: datetime) -> dict[str, Any]:
    return {"state": state.value, "finished_at": now, "lease_owner": None, "lease_expires_at": None}


def _record(row: RunRow | Row[Any]) -> RunRecord:
    values = {name: getattr(row, name) for name in RunRecord.__slots__}
    return RunRecord(**values | {"state": RunState(row.state)})
