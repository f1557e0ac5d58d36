"""What webhooks can be told, and the telling: written in the transaction that makes the event true."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from planner.store.store import UnitOfWork
from planner.store.webhooks import Delivery, DeliveryState, Webhook

EVENTS = {
    "replan.waiting": "a scheduled run made a plan that a person must look at; `reasons` say why",
    "replan.activated": "a scheduled run made a plan that the fleet's policy let go live",
    "replan.failed": "a scheduled run ended without a plan, or could not be started",
    "plan.activated": "a plan became the active one, whoever had it so; `active_before` is the one before",
    "plan.rolled_back": "a plan that was active before, or its repetition (`repeats`), became active again",
    "webhook.tested": "somebody asked for a delivery to see whether it arrives; sent to any webhook",
}


def tell(work: UnitOfWork, event: str, data: Mapping[str, Any]) -> int:
    """Tell every webhook of the fleet that asked for it; returns how many those are."""
    return enqueue(work, event, data, work.webhooks.listening_to(event))


def enqueue(work: UnitOfWork, event: str, data: Mapping[str, Any], webhooks: Iterable[Webhook]) -> int:
    told = list(webhooks)
    facts = {"type": event, "timestamp": work.now.isoformat(), "data": {"fleet": work.fleet, **data}}
    body = json.dumps(facts, separators=(",", ":"))
    work.webhooks.enqueue(
        [
            Delivery(
                number=0,  # the store's to give
                id=f"msg_{secrets.token_hex(12)}",
                webhook_id=webhook.id,
                event=event,
                body=body,
                state=DeliveryState.PENDING,
                attempts=0,
                created_at=work.now,
                next_at=work.now,
                finished_at=None,
                last_status=None,
                last_error=None,
            )
            for webhook in told
        ]
    )
    return len(told)
