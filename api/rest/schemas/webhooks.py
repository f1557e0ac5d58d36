"""Webhooks and deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry
from api.rest.schemas.common import Out, example
from planner.service.webhooks.events import EVENTS
from planner.store.webhooks import DeliveryState

WEBHOOK_EXAMPLE: dict[str, Any] = {"url": "https://hooks.example.com/fermata", "events": ["replan.waiting"]}
WEBHOOK_OUT_EXAMPLE: dict[str, Any] = {
    "id": "6d0f1c5a9be27743",
    "url": "https://hooks.example.com/fermata",
    "events": ["replan.waiting"],
    "actor": "anonymous",
    "created_at": "2026-11-23T07:00:00Z",
    "failing_since": None,
    "disabled_at": None,
    "disabled_because": None,
}
DELIVERY_EXAMPLE: dict[str, Any] = {
    "number": 7,
    "id": "msg_5f0c2a9d1b7e4c3f00112233",
    "event": "replan.waiting",
    "body": '{"type":"replan.waiting","timestamp":"2026-11-24T01:41:07+00:00","data":{"fleet":"default"}}',
    "state": "pending",
    "attempts": 2,
    "created_at": "2026-11-24T01:41:07Z",
    "next_at": "2026-11-24T01:41:35Z",
    "finished_at": None,
    "last_status": 503,
    "last_error": None,
}


class WebhookBody(Entry[tuple[str, list[str]]]):
    """Whom to tell of what."""

    model_config = example(WEBHOOK_EXAMPLE)
    subject: ClassVar[str] = "webhook"

    url: str = Field(
        min_length=1, max_length=2_000, description="Its host must be one that the operator allows."
    )
    events: list[str] = Field(max_length=100, description=f"Of {', '.join(EVENTS)}.")

    def to_record(self) -> tuple[str, list[str]]:
        return self.url, list(self.events)


class WebhookOut(Out):
    """Who is told of what; disabled once nothing could be delivered for days."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [WEBHOOK_OUT_EXAMPLE]})

    id: str
    url: str
    events: list[str]
    actor: str
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None


class NewWebhookOut(WebhookOut):
    """As it is created: the one time that its secret is shown."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [WEBHOOK_OUT_EXAMPLE | {"secret": "whsec_bm90IGEgcmVhbCBzZWNyZXQsIGFuIGV4YW1wbGU="}]
        },
    )

    secret: str = Field(description="Signs every delivery; keep it now, it is not shown again.")


class DeliveryOut(Out):
    """One event on its way to one webhook."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [DELIVERY_EXAMPLE]})

    number: int
    id: str = Field(description="The same at every attempt, as in the header webhook-id.")
    event: str
    body: str = Field(description="What is sent and signed.")
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime = Field(description="When it is attempted again, while pending.")
    finished_at: datetime | None
    last_status: int | None
    last_error: str | None
