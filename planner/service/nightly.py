"""The chores that make a fleet be planned again every night."""

from __future__ import annotations

from planner.service.chores import Chore
from planner.service.replan_outcome import ACTOR, settle_ended_slots
from planner.service.replans import start_due_slots
from planner.service.webhooks.addresses import AllowedAddresses
from planner.service.webhooks.delivering import Deliverer
from planner.store.store import Store

SLOTS_EVERY_S = 1.0
OUTCOMES_EVERY_S = 1.0
DELIVERIES_EVERY_S = 1.0
KEYS_EVERY_S = 600.0


def chores_of(store: Store, webhook_addresses: AllowedAddresses) -> list[Chore]:
    """Any number of servers may do them at once: each piece of work is done by one of them."""
    deliverer = Deliverer(store, webhook_addresses)

    def start_slots() -> int:
        return sum(replan.is_new for replan in start_due_slots(store, started_by=ACTOR))

    def forget_keys() -> int:
        with store.writing() as work:
            work.idempotency.forget_expired()
        return 0

    return [
        Chore("slots", SLOTS_EVERY_S, start_slots),
        Chore("outcomes", OUTCOMES_EVERY_S, lambda: settle_ended_slots(store)),
        Chore("deliveries", DELIVERIES_EVERY_S, deliverer.deliver_due),
        Chore("idempotency-keys", KEYS_EVERY_S, forget_keys),
    ]
