"""Repository of webhooks and their deliveries: an outbox, written along with what it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from planner.store.tables import DeliveryRow, WebhookRow


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told of which events; ``secret`` signs what it is told."""

    id: str
    fleet: str
    url: str
    events: tuple[str, ...]
    secret: str
    actor: str
    created_at: datetime
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_because: str | None = None


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook; ``number`` is for paging, ``id`` what the receiver sees."""

    number: int
    id: str
    webhook_id: str
    event: str
    body: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime
    finished_at: datetime | None
    last_status: int | None
    last_error: str | None


class WebhookRepository:
    """Of the fleet that the unit of work is bound to, unless a method says otherwise."""

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def add(self, webhook: Webhook) -> None:
        values = {name: getattr(webhook, name) for name in Webhook.__slots__}
        self._session.add(WebhookRow(**values | {"events": list(webhook.events)}))
        self._session.flush()

    def get(self, webhook_id: str, *, for_update: bool = False) -> Webhook | None:
        row = self._row(webhook_id, for_update=for_update)
        return None if row is None else _webhook(row)

    def all(self) -> list[Webhook]:
        """The oldest first."""
        query = select(WebhookRow).where(WebhookRow.fleet == self._fleet)
        rows = self._session.scalars(query.order_by(WebhookRow.created_at, WebhookRow.id))
        return [_webhook(row) for row in rows]

    def remove(self, webhook_id: str) -> bool:
        """With its deliveries; False where there is none."""
        if self._row(webhook_id) is None:
            return False
        self._session.execute(delete(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id))
        self._session.execute(delete(WebhookRow).where(WebhookRow.id == webhook_id))
        return True

    def listening_to(self, event: str) -> list[Webhook]:
        """Those not disabled that asked for the event."""
        return [hook for hook in self.all() if hook.disabled_at is None and event in hook.events]

    def enqueue(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            values = {name: getattr(delivery, name) for name in Delivery.__slots__ if name != "number"}
            self._session.add(DeliveryRow(**values | {"state": delivery.state.value}))
        self._session.flush()

    def deliveries(self, webhook_id: str, *, limit: int, before: int | None = None) -> list[Delivery]:
        """Newest first; ``before`` continues below that number."""
        query = select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id)
        if before is not None:
            query = query.where(DeliveryRow.number < before)
        rows = self._session.scalars(query.order_by(DeliveryRow.number.desc()).limit(limit))
        return [_delivery(row) for row in rows]

    # -- of all fleets, for whoever delivers

    def any_due(self) -> bool:
        """Whether ``claim_due`` would find something: asked often, and takes no lock."""
        query = select(DeliveryRow.number).where(*self._due()).limit(1)
        joined = query.join(WebhookRow, WebhookRow.id == DeliveryRow.webhook_id)
        return self._session.scalar(joined) is not None

    def claim_due(self, *, limit: int, lost_after: timedelta) -> list[tuple[Delivery, Webhook]]:
        """
        Deliveries to be attempted now; whoever else looks gets others.

        One that is claimed and never reported is due again after ``lost_after``.
        """
        query = (
            select(DeliveryRow, WebhookRow)
            .join(WebhookRow, WebhookRow.id == DeliveryRow.webhook_id)
            .where(*self._due())
            .order_by(DeliveryRow.next_at, DeliveryRow.number)
            .limit(limit)
            .with_for_update(skip_locked=True, of=DeliveryRow)
        )
        claimed = []
        for delivery, webhook in self._session.execute(query):
            delivery.next_at = self._now + lost_after
            delivery.attempts += 1
            claimed.append((_delivery(delivery), _webhook(webhook)))
        self._session.flush()
        return claimed

    def delivered(self, claimed: Delivery, status: int) -> None:
        row = self._claimed(claimed)
        if row is not None:
            row.state, row.finished_at = DeliveryState.DELIVERED.value, self._now
            row.last_status, row.last_error = status, None
        webhook = self._session.get(WebhookRow, claimed.webhook_id)
        if webhook is not None:
            webhook.failing_since = None

    def attempt_failed(
        self, claimed: Delivery, *, status: int | None, error: str | None, again_at: datetime | None
    ) -> Webhook | None:
        """Try again then, or never; the webhook as it is now, None where it is gone."""
        row = self._claimed(claimed)
        if row is not None:
            row.last_status, row.last_error = status, error
            if again_at is None:
                row.state, row.finished_at = DeliveryState.FAILED.value, self._now
            else:
                row.next_at = again_at
        webhook = self._session.get(WebhookRow, claimed.webhook_id)
        if webhook is None:
            return None
        webhook.failing_since = webhook.failing_since or self._now
        self._session.flush()
        return _webhook(webhook)

    def disable(self, webhook_id: str, because: str) -> None:
        """It is told nothing more, and what waits for it has failed."""
        webhook = self._session.get(WebhookRow, webhook_id)
        if webhook is not None and webhook.disabled_at is None:
            webhook.disabled_at, webhook.disabled_because = self._now, because
            pending = select(DeliveryRow).where(
                DeliveryRow.webhook_id == webhook_id, DeliveryRow.state == DeliveryState.PENDING
            )
            for row in self._session.scalars(pending):
                row.state, row.finished_at = DeliveryState.FAILED.value, self._now
            self._session.flush()

    def _due(self) -> tuple[Any, ...]:
        return (
            DeliveryRow.state == DeliveryState.PENDING,
            DeliveryRow.next_at <= self._now,
            WebhookRow.disabled_at.is_(None),
        )

    def _row(self, webhook_id: str, *, for_update: bool = False) -> WebhookRow | None:
        query = select(WebhookRow).where(WebhookRow.id == webhook_id, WebhookRow.fleet == self._fleet)
        return self._session.scalars(query.with_for_update() if for_update else query).one_or_none()

    def _claimed(self, claimed: Delivery) -> DeliveryRow | None:
        """None where the attempt counted as lost and another was begun."""
        query = select(DeliveryRow).where(
            DeliveryRow.id == claimed.id,
            DeliveryRow.attempts == claimed.attempts,
            DeliveryRow.state == DeliveryState.PENDING,
        )
        return self._session.scalars(query.with_for_update()).one_or_none()


def _webhook(row: WebhookRow) -> Webhook:
    values = {name: getattr(row, name) for name in Webhook.__slots__}
    return Webhook(**values | {"events": tuple(row.events)})


def _delivery(row: DeliveryRow) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__slots__}
    return Delivery(**values | {"state": DeliveryState(row.state)})
