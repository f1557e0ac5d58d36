"""Deliveries: signed, tried again, shared between servers, given up in the end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from planner.service.webhooks import events
from planner.service.webhooks.addresses import AllowedAddresses
from planner.service.webhooks.delivering import DISABLED_AFTER, TRIED_FOR, Deliverer
from planner.service.webhooks.signature import is_signed
from planner.service.webhooks.subscriptions import deliveries, subscribe, webhook
from planner.store.store import Store
from planner.store.webhooks import DeliveryState
from tests.integration.test_store_runs import Clock
from tests.receiver import Receiver, receiver

LOOPBACK = AllowedAddresses(loopback=True)
__all__ = ["receiver"]  # a fixture


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(migrated_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(migrated_url, clock=clock)
    yield opened
    opened.close()


def tell(store: Store) -> None:
    with store.writing() as work:
        events.tell(work, "replan.failed", {"run": None})


def test_a_receiver_that_fails_first_is_told_again_under_the_same_id(
    store: Store, clock: Clock, receiver: Receiver
) -> None:
    hook = subscribe(store, receiver.url, ["replan.failed"], allowed=LOOPBACK, actor="ann")
    deliverer = Deliverer(store, LOOPBACK, seed=1)
    receiver.statuses = [500, 302]
    tell(store)
    for attempt in range(1, 4):
        assert deliverer.deliver_due() == 1
        assert deliverer.deliver_due() == 0  # not before its time
        (delivery,) = deliveries(store, hook.id, limit=5)
        assert delivery.attempts == attempt
        if attempt < 3:
            assert delivery.state is DeliveryState.PENDING
            assert delivery.last_status == (500, 302)[attempt - 1]
            wait_s = (delivery.next_at - clock.now).total_seconds()
            assert 2.5 * 3 ** (attempt - 1) <= wait_s <= 5.0 * 3 ** (attempt - 1)
            clock.now = delivery.next_at
    assert delivery.state is DeliveryState.DELIVERED
    assert len({told["headers"]["webhook-id"] for told in receiver.received}) == 1
    for told in receiver.received:
        headers = told["headers"]
        assert is_signed(
            hook.secret,
            headers["webhook-id"],
            headers["webhook-timestamp"],
            headers["webhook-signature"],
            told["raw"],
            now_s=clock.now.timestamp(),
        )
    assert webhook(store, hook.id).failing_since is None


def test_deliveries_are_given_up_after_a_day_and_their_webhook_after_days(
    store: Store, clock: Clock, receiver: Receiver
) -> None:
    hook = subscribe(store, receiver.url, ["replan.failed"], allowed=LOOPBACK, actor="ann")
    deliverer = Deliverer(store, LOOPBACK, seed=2)
    receiver.statuses = [503] * 1_000
    began = clock.now
    tell(store)
    while (delivery := deliveries(store, hook.id, limit=1)[0]).state is DeliveryState.PENDING:
        clock.now = max(clock.now, delivery.next_at)
        assert deliverer.deliver_due() == 1
    assert delivery.state is DeliveryState.FAILED
    assert timedelta(hours=17) < clock.now - began <= TRIED_FOR
    assert 10 <= delivery.attempts <= 20
    assert webhook(store, hook.id).disabled_at is None
    clock.now = began + DISABLED_AFTER
    tell(store)
    deliverer.deliver_due()
    assert webhook(store, hook.id).disabled_at == clock.now
    tell(store)
    assert len(deliveries(store, hook.id, limit=9)) == 2


def test_a_receiver_that_is_gone_is_told_nothing_more(store: Store, clock: Clock, receiver: Receiver) -> None:
    hook = subscribe(store, receiver.url, ["replan.failed"], allowed=LOOPBACK, actor="ann")
    receiver.statuses = [410]
    tell(store)
    Deliverer(store, LOOPBACK).deliver_due()
    assert "410" in str(webhook(store, hook.id).disabled_because)


def test_an_address_no_longer_allowed_is_not_asked(store: Store, clock: Clock, receiver: Receiver) -> None:
    hook = subscribe(store, receiver.url, ["replan.failed"], allowed=LOOPBACK, actor="ann")
    tell(store)
    assert Deliverer(store, AllowedAddresses()).deliver_due() == 1
    assert receiver.received == []
    (delivery,) = deliveries(store, hook.id, limit=1)
    assert "FERMATA_WEBHOOK_HOSTS" in str(delivery.last_error)


def test_servers_share_deliveries_and_a_lost_attempt_is_made_again(
    store: Store, clock: Clock, receiver: Receiver
) -> None:
    hook = subscribe(store, receiver.url, ["replan.failed"], allowed=LOOPBACK, actor="ann")
    for _ in range(12):
        tell(store)
    with store.writing() as work:  # a server that claims and dies
        lost = work.webhooks.claim_due(limit=2, lost_after=timedelta(minutes=1))
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: Deliverer(store, LOOPBACK).deliver_due(), range(4))) == 10
    assert len({told["headers"]["webhook-id"] for told in receiver.received}) == 10
    clock.advance(60)
    assert Deliverer(store, LOOPBACK).deliver_due() == 2
    with store.writing() as work:  # it was not dead: what it reports late changes nothing
        work.webhooks.attempt_failed(lost[0][0], status=500, error=None, again_at=clock.now)
    assert {d.state for d in deliveries(store, hook.id, limit=20)} == {DeliveryState.DELIVERED}
