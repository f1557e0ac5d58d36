"""The audit log: read it, and find out whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from planner.store.audit import AuditRepository
from planner.store.audit_chain import ChainedEntry, ChainFault, chain_faults
from planner.store.records import AuditEntry
from planner.store.store import Store


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is None does not matter; entries in [since, until), below the id ``before``."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One fleet's chain: how many entries were read, the digest of its end, and every fault found."""

    fleet: str
    entries: int
    head: str | None
    faults: tuple[ChainFault, ...]


def audit_entries(store: Store, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
    """Of the store's fleet, the newest first."""
    with store.reading() as work:
        return work.audit.entries(
            actor=wanted.actor,
            action=wanted.action,
            subject=wanted.subject,
            since=wanted.since,
            until=wanted.until,
            before=wanted.before,
            limit=limit,
        )


def verify_audit(store: Store) -> list[ChainReport]:
    """Every fleet's chain, read from its start; entries may be added meanwhile."""
    with store.reading() as work:
        return [_verified(work.audit, fleet) for fleet in work.audit.fleets()]


def _verified(audit: AuditRepository, fleet: str) -> ChainReport:
    """In this order, entries that are added meanwhile do no harm: the head is never behind what was seen."""
    last = audit.last_number(fleet)
    head = audit.head(fleet)
    until = max(last, head.number if head else 0)
    count = 0

    def entries() -> Iterator[ChainedEntry]:
        nonlocal count
        for entry in audit.chain(fleet, until=until):
            count += 1
            yield entry

    faults = tuple(chain_faults(entries(), head, fleet))
    return ChainReport(fleet, count, head.digest if head else None, faults)
