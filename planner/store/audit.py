"""Repository of the audit log: rows are added, never changed, and chained by their digests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from planner.store.audit_chain import START, ChainedEntry, ChainHead, entry_digest
from planner.store.origin import current_origin
from planner.store.records import AuditEntry
from planner.store.tables import AuditHeadRow, AuditRow
from planner.store.upserts import insert_once

ROWS_AT_A_TIME = 1_000


class AuditRepository:
    """
    Entries are kept until the unit of work ends (``write``) and then added all at once: the chain's head is
    the last row that a transaction locks, so that it is held for an instant and no two can wait in a ring.
    """

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet
        self._pending: list[dict[str, Any]] = []

    def add(
        self, *, actor: str, action: str, subject: str, reason: str | None = None, **details: Any
    ) -> None:
        """Where it comes from is read from ``planner.store.origin``; ``details`` must be JSON."""
        origin = current_origin()
        self._pending.append(
            {
                "fleet": self._fleet,
                "at": self._now,
                "actor": actor,
                "action": action,
                "subject": subject,
                "reason": reason,
                "client_address": origin.client_address,
                "request_id": origin.request_id,
                "details": json.loads(json.dumps(details, allow_nan=False)),
            }
        )

    def write(self) -> None:
        """Append what was added since the last time to the fleet's chain."""
        if not self._pending:
            return
        head = self._locked_head()
        for facts in self._pending:
            facts |= {"number": head.number + 1, "digest_before": head.digest}
            digest = entry_digest(**facts)
            self._session.add(AuditRow(**facts, digest=digest))
            head.number, head.digest = head.number + 1, digest
        self._pending.clear()
        self._session.flush()

    def entries(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int,
    ) -> list[AuditEntry]:
        """Newest first, those in [since, until); ``before`` continues below that id."""
        self.write()
        query = select(AuditRow).where(AuditRow.fleet == self._fleet).order_by(AuditRow.id.desc())
        for column, value in (
            (AuditRow.actor, actor),
            (AuditRow.action, action),
            (AuditRow.subject, subject),
        ):
            if value is not None:
                query = query.where(column == value)
        if since is not None:
            query = query.where(AuditRow.at >= since)
        if until is not None:
            query = query.where(AuditRow.at < until)
        if before is not None:
            query = query.where(AuditRow.id < before)
        return [_entry(row) for row in self._session.scalars(query.limit(limit))]

    def newest(self, *, limit: int) -> list[AuditEntry]:
        """Newest first."""
        return self.entries(limit=limit)

    # -- the chain, of all fleets

    def fleets(self) -> list[str]:
        """Those that have a chain, or the head of one."""
        found = {*self._session.scalars(select(AuditRow.fleet).distinct())}
        return sorted(found | {*self._session.scalars(select(AuditHeadRow.fleet))})

    def last_number(self, fleet: str) -> int:
        return self._session.scalar(select(func.max(AuditRow.number)).where(AuditRow.fleet == fleet)) or 0

    def chain(self, fleet: str, *, until: int) -> Iterator[ChainedEntry]:
        """Every row of one fleet's chain by its number, up to ``until``, a thousand at a time."""
        last = 0
        while True:
            query = select(AuditRow).where(
                AuditRow.fleet == fleet, AuditRow.number > last, AuditRow.number <= until
            )
            rows = self._session.scalars(query.order_by(AuditRow.number).limit(ROWS_AT_A_TIME)).all()
            yield from (_chained(row) for row in rows)
            if not rows:
                return
            last = rows[-1].number
            self._session.expunge_all()  # a log of years need not fit into memory

    def head(self, fleet: str) -> ChainHead | None:
        query = (
            select(AuditHeadRow).where(AuditHeadRow.fleet == fleet).execution_options(populate_existing=True)
        )
        row = self._session.scalars(query).one_or_none()
        return None if row is None else ChainHead(row.fleet, row.number, row.digest)

    def _locked_head(self) -> AuditHeadRow:
        insert_once(
            self._session, AuditHeadRow, {"fleet": self._fleet, "number": 0, "digest": START}, ["fleet"]
        )
        query = select(AuditHeadRow).where(AuditHeadRow.fleet == self._fleet).with_for_update()
        return self._session.scalars(query.execution_options(populate_existing=True)).one()


def _entry(row: AuditRow) -> AuditEntry:
    values = {name: getattr(row, name) for name in AuditEntry.__slots__}
    return AuditEntry(**values | {"details": dict(row.details)})


def _chained(row: AuditRow) -> ChainedEntry:
    return ChainedEntry(**{name: getattr(row, name) for name in ChainedEntry.__slots__})
