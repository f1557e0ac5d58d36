"""
Deliveries on their way: attempted, tried again ever later for a day, given up.

An attempt that is claimed and never reported (its server died) counts as lost and is made again, so a
receiver may be told twice and never not at all; ``webhook-id`` tells it which it knows already.
"""

from __future__ import annotations

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from planner.service.webhooks.addresses import AllowedAddresses
from planner.service.webhooks.sending import ATTEMPT_S_MAX, Attempt, send
from planner.service.webhooks.signature import sign
from planner.store.store import Store
from planner.store.webhooks import Delivery, Webhook

AT_ONCE = 8
LOST_AFTER = timedelta(seconds=6 * ATTEMPT_S_MAX)
RETRY_S_FIRST = 5.0
RETRY_FACTOR = 3.0
RETRY_S_MOST = 6 * 3_600.0
TRIED_FOR = timedelta(days=1)
DISABLED_AFTER = timedelta(days=3)

log = logging.getLogger(__name__)


class Deliverer:
    """
    Makes due deliveries of all fleets; many servers may have one each.

    Parameters
    ----------
    retry_s_first
        Seconds until the second attempt; each further wait is three times as long, six hours at most, and
        jitter takes up to half of it off.
    """

    def __init__(
        self,
        store: Store,
        allowed: AllowedAddresses,
        *,
        retry_s_first: float = RETRY_S_FIRST,
        seed: int | None = None,
    ) -> None:
        self._store = store
        self._allowed = allowed
        self._retry_s_first = retry_s_first
        self._random = random.Random(seed)

    def deliver_due(self) -> int:
        """One attempt at each of a few deliveries that are due; returns how many those were."""
        with self._store.reading() as work:
            if not work.webhooks.any_due():
                return 0
        with self._store.writing() as work:
            claimed = work.webhooks.claim_due(limit=AT_ONCE, lost_after=LOST_AFTER)
            now = work.now
        if claimed:
            with ThreadPoolExecutor(len(claimed), thread_name_prefix="webhook") as pool:
                attempts = list(pool.map(lambda one: self._attempt(one[0], one[1], now), claimed))
            for (delivery, webhook), attempt in zip(claimed, attempts, strict=True):
                self._record(delivery, webhook, attempt)
        return len(claimed)

    def _attempt(self, delivery: Delivery, webhook: Webhook, now: datetime) -> Attempt:
        body, timestamp_s = delivery.body.encode(), int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "fermata-webhooks",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": sign(webhook.secret, delivery.id, timestamp_s, body),
        }
        return send(webhook.url, body, headers, self._allowed)

    def _record(self, delivery: Delivery, webhook: Webhook, attempt: Attempt) -> None:
        with self._store.of_fleet(webhook.fleet).writing() as work:
            if attempt.status is not None and attempt.succeeded:
                work.webhooks.delivered(delivery, attempt.status)
                return
            again_at = self._again_at(delivery, work.now)
            after = work.webhooks.attempt_failed(
                delivery, status=attempt.status, error=attempt.error, again_at=again_at
            )
            because = self._why_disable(after, attempt, work.now)
            if because:
                work.webhooks.disable(webhook.id, because)
                work.audit.add(
                    actor="webhooks", action="webhook.disabled", subject=webhook.id, because=because
                )
        log.warning(
            "delivery %s to webhook %s failed, attempt %d: %s",
            *(delivery.id, webhook.id, delivery.attempts),
            attempt.error or f"status {attempt.status}",
        )

    def _again_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        wait_s = min(self._retry_s_first * RETRY_FACTOR ** (delivery.attempts - 1), RETRY_S_MOST)
        again_at = now + timedelta(seconds=wait_s * self._random.uniform(0.5, 1.0))
        return again_at if again_at <= delivery.created_at + TRIED_FOR else None

    def _why_disable(self, webhook: Webhook | None, attempt: Attempt, now: datetime) -> str | None:
        if webhook is None or webhook.disabled_at is not None:
            return None
        if attempt.is_gone:
            return "the receiver answered 410: it wants to be told no more"
        if webhook.failing_since is not None and now - webhook.failing_since >= DISABLED_AFTER:
            return f"nothing could be delivered for {DISABLED_AFTER.days} days"
        return None
