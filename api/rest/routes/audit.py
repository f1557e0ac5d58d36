"""The audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.rest.dependencies import PAGE_SIZE, Before, Limit, StoreDep, problems
from api.rest.paging import page
from api.rest.schemas.audit import AuditEntryOut
from api.rest.schemas.common import Instant, Page
from planner.service.audit import AuditFilter, audit_entries

router = APIRouter(tags=["audit"])

Name = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/audit", responses=problems())
def list_audit_entries(
    store: StoreDep,
    actor: Name = None,
    action: Name = None,
    subject: Name = None,
    since: Annotated[Instant | None, Query(description="Only from this instant on.")] = None,
    until: Annotated[Instant | None, Query(description="Only before this instant.")] = None,
    limit: Limit = PAGE_SIZE,
    before: Before = None,
) -> Page[AuditEntryOut]:
    """Who changed what in the fleet, when, from where and why; the newest first."""
    wanted = AuditFilter(actor, action, subject, since, until, before)
    found = audit_entries(store, wanted, limit=limit + 1)
    return page(Page[AuditEntryOut], found, limit, lambda each: each.id)
