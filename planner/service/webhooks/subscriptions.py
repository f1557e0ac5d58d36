"""Webhooks of a fleet: create, look at, try, remove."""

from __future__ import annotations

import secrets
from dataclasses import replace

from planner.problem.names import nearest
from planner.service.errors import WebhookNotFound
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.webhooks.addresses import AllowedAddresses
from planner.service.webhooks.events import EVENTS, enqueue
from planner.service.webhooks.signature import new_secret
from planner.store.store import Store
from planner.store.webhooks import Delivery, Webhook
from profiles.faults import Fault, InputInvalid

WEBHOOKS_MAX = 50  # of a fleet


def subscribe(store: Store, url: str, events: list[str], *, allowed: AllowedAddresses, actor: str) -> Webhook:
    """
    Tell ``url`` of the events from now on; the secret in the answer signs every delivery.

    Raises ``InputInvalid`` with every fault of address and events.
    """
    faults = [*allowed.faults(url), *_event_faults(events)]
    with store.writing() as work:
        if len(work.webhooks.all()) >= WEBHOOKS_MAX:
            faults.append(Fault("(whole)", "one more", f"a fleet may have at most {WEBHOOKS_MAX} webhooks"))
        if faults:
            raise InputInvalid("webhook", faults)
        webhook = Webhook(
            id=secrets.token_hex(8),
            fleet=work.fleet,
            url=url,
            events=tuple(dict.fromkeys(events)),
            secret=new_secret(),
            actor=actor,
            created_at=work.now,
        )
        work.webhooks.add(webhook)
        work.audit.add(actor=actor, action="webhook.created", subject=webhook.id, url=url)
    return webhook


def webhooks(store: Store) -> list[Webhook]:
    """The oldest first."""
    with store.reading() as work:
        return work.webhooks.all()


def webhook(store: Store, webhook_id: str) -> Webhook:
    with store.reading() as work:
        found = work.webhooks.get(webhook_id)
    if found is None:
        raise WebhookNotFound(webhook_id)
    return found


def without_secret(found: Webhook) -> Webhook:
    """As it is shown, and as preconditions compare it."""
    return replace(found, secret="")


def unsubscribe(store: Store, webhook_id: str, *, actor: str, given: Precondition = NO_PRECONDITION) -> None:
    """Remove it with all of its deliveries. Raises ``WebhookNotFound``, ``PreconditionFailed``."""
    with store.writing() as work:
        found = work.webhooks.get(webhook_id, for_update=True)
        if found is None:
            raise WebhookNotFound(webhook_id)
        given.check(f"webhook {webhook_id!r}", without_secret(found))
        work.webhooks.remove(webhook_id)
        work.audit.add(actor=actor, action="webhook.removed", subject=webhook_id)


def deliveries(store: Store, webhook_id: str, *, limit: int, before: int | None = None) -> list[Delivery]:
    """Newest first; ``before`` continues below that number. Raises ``WebhookNotFound``."""
    webhook(store, webhook_id)
    with store.reading() as work:
        return work.webhooks.deliveries(webhook_id, limit=limit, before=before)


def send_test(store: Store, webhook_id: str, *, actor: str) -> Delivery:
    """Have one delivery made, whatever events it asked for. Raises ``WebhookNotFound``."""
    with store.writing() as work:
        found = work.webhooks.get(webhook_id)
        if found is None:
            raise WebhookNotFound(webhook_id)
        enqueue(work, "webhook.tested", {"asked_by": actor}, [found])
        work.audit.add(actor=actor, action="webhook.tested", subject=webhook_id)
        return work.webhooks.deliveries(webhook_id, limit=1)[0]


def _event_faults(events: list[str]) -> list[Fault]:
    if not events:
        return [Fault("events", "none", f"must name at least one of {', '.join(EVENTS)}")]
    return [
        Fault(f"events[{index}]", repr(event), f"must be an event{nearest(event, EVENTS)}")
        for index, event in enumerate(events)
        if event not in EVENTS
    ]
