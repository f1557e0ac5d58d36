"""
The chore that moves rollouts on: order the waves, open one, wait until heartbeats confirm it, open the next.

The pointer only moves forwards, one step at a time and each by one server, so any number of them may do
this. Between a wave that is done and the next, callers have ``FOLLOW_S`` to follow the routes: a wave takes
away only what no route names any more. A fleet of which no node was ever heard has nobody to wait for.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from planner.service.chores import Chore
from planner.service.rollouts.confirming import hold_s_max, unconfirmed
from planner.service.rollouts.kept import waves
from planner.service.rollouts.ordering import order
from planner.service.serving import heard_lately
from planner.store.records import RolloutRecord
from planner.store.store import Store

EVERY_S = 0.5
FOLLOW_S = 2.0

log = logging.getLogger(__name__)


def conducting(store: Store, stopping: threading.Event) -> list[Chore]:
    """Ordering one fleet's waves does not hold up those of another that are under way."""
    return [
        Chore("rollouts", EVERY_S, lambda: conduct(store)),
        Chore("rollout-orders", EVERY_S, lambda: order_due(store, stopping)),
    ]


def order_due(store: Store, stopping: threading.Event | None = None) -> int:
    """Order the waves of every fleet that waits for them; for how many that was done."""
    with store.reading() as work:
        waiting = [fleet for fleet, is_ordered in work.rollouts.fleets_under_way() if not is_ordered]
    return sum(order(store.of_fleet(fleet), stopping) for fleet in waiting)


def conduct(store: Store) -> int:
    """Move every fleet's rollout on where that can be; how many moved."""
    with store.reading() as work:
        fleets = [fleet for fleet, is_ordered in work.rollouts.fleets_under_way() if is_ordered]
    return sum(_move_on(store.of_fleet(fleet)) for fleet in fleets)


def _move_on(store: Store) -> bool:
    with store.reading() as work:
        current = work.plans.current_activation()
        record = None if current is None else work.rollouts.of(current.id)
    if current is None or record is None or record.is_done or not _may_move(store, record):
        return False
    with store.writing() as work:
        if not work.rollouts.move(record.activation_id, step=record.step):
            return False
    told = {"fleet": store.fleet, "plan_version": current.plan_version, "waves": record.waves}
    verb = "done" if record.wave > record.done else "open"
    log.info("rollout wave %s: %s", verb, told | {"wave": (record.step + 2) // 2})
    return True


def _may_move(store: Store, record: RolloutRecord) -> bool:
    with store.reading() as work:
        waited = work.now - record.moved_at
        if record.wave == record.done:
            return record.step == 0 or waited >= timedelta(seconds=FOLLOW_S)
        heard = heard_lately(work)
        is_run_by_nodes = bool(heard or work.nodes.all(limit=1))
    found = waves(store, record.activation_id).stages
    waits = unconfirmed(found[record.done], found[record.wave], record.activation_id, record.wave, heard)
    if not waits or not is_run_by_nodes:
        return True
    if waited < timedelta(seconds=hold_s_max(heard)):
        return False
    log.error("rollout goes on unserved: %s", {"wave": record.wave, "sub_clusters": waits})
    return True
