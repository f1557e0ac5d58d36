"""The audit log as it is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from api.rest.schemas.common import Out

AUDIT_EXAMPLE: dict[str, Any] = {
    "id": 42,
    "number": 17,
    "at": "2026-11-23T07:05:00Z",
    "actor": "ann",
    "action": "plan.approved",
    "subject": "3",
    "reason": "cheaper, and nothing moves that matters",
    "client_address": "10.0.0.7",
    "request_id": "5f0c2a9d1b7e4c3f",
    "details": {"plan_id": "7c41d0aa" * 8},
    "digest_before": "1b2c3d4e" * 8,
    "digest": "9f8e7d6c" * 8,
}


class AuditEntryOut(Out):
    """Who changed what, when, from where and why; `digest` chains it to the entry before it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [AUDIT_EXAMPLE]})

    id: int
    number: int = Field(description="Within the fleet's log, without gaps.")
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    client_address: str | None
    request_id: str | None
    details: dict[str, Any]
    digest_before: str
    digest: str = Field(description="SHA-256 of the entry and of the digest before it.")
