"""Fleets: GPUs that are planned together, apart from all others."""

from __future__ import annotations

from planner.service.errors import FleetNotFound
from planner.store.records import Fleet
from planner.store.store import Store


def require_fleet(store: Store, fleet: str) -> Fleet:
    """Raises ``FleetNotFound``."""
    with store.reading() as work:
        found = work.fleets.get(fleet)
    if found is None:
        raise FleetNotFound(fleet)
    return found
