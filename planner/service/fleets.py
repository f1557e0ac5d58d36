"""Fleets: GPUs that are planned together, apart from all others, each under a policy of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.service.errors import FleetNotFound
from planner.service.fleet_policy import FleetPolicy, fleet_policy_to_json, parse_fleet_policy, patched
from planner.service.plan_errors import FleetExists
from planner.service.submission import Submission
from planner.store.records import Fleet
from planner.store.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class NewFleet:
    """``policy`` as a document; what it leaves out takes the default."""

    id: str
    environment: str
    policy: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FleetChange:
    """What is None stays; of the policy, so do the keys not named."""

    environment: str | None
    policy: dict[str, Any] | None
    reason: str | None = None


def require_fleet(store: Store, fleet: str) -> Fleet:
    """Raises ``FleetNotFound``."""
    with store.reading() as work:
        found = work.fleets.get(fleet)
    if found is None:
        raise FleetNotFound(fleet)
    return found


def fleets(store: Store) -> list[Fleet]:
    """By name, each with its whole policy."""
    with store.reading() as work:
        return [_whole(fleet) for fleet in work.fleets.all()]


def fleet(store: Store, fleet_id: str) -> Fleet:
    """With its whole policy. Raises ``FleetNotFound``."""
    return _whole(require_fleet(store, fleet_id))


def create_fleet(store: Store, submission: Submission[NewFleet], *, actor: str) -> Fleet:
    """Raises ``InputInvalid``, ``FleetExists``."""
    (new,) = submission.accepted({})
    policy = fleet_policy_to_json(parse_fleet_policy(new.policy))
    with store.of_fleet(new.id).writing() as work:
        if work.fleets.get(new.id) is not None:
            raise FleetExists(new.id)
        made = work.fleets.add(new.id, new.environment, policy)
        work.audit.add(
            actor=actor,
            action="fleet.created",
            subject=new.id,
            environment=new.environment,
            policy=policy,
        )
    return made


def change_fleet(store: Store, fleet_id: str, submission: Submission[FleetChange], *, actor: str) -> Fleet:
    """
    Change environment or policy; a change that changes nothing leaves no trace.

    Raises ``FleetNotFound``, ``InputInvalid``.
    """
    (change,) = submission.accepted({})
    with store.of_fleet(fleet_id).writing() as work:
        before = work.fleets.lock(fleet_id)
        if before is None:
            raise FleetNotFound(fleet_id)
        old = parse_fleet_policy(before.policy)
        new = patched(old, change.policy or {})
        environment = change.environment or before.environment
        if (new, environment) == (old, before.environment):
            return _whole(before)
        changed = work.fleets.change(fleet_id, environment, fleet_policy_to_json(new))
        work.audit.add(
            actor=actor,
            action="fleet.changed",
            subject=fleet_id,
            reason=change.reason,
            before=fleet_policy_to_json(old) | {"environment": before.environment},
            after=fleet_policy_to_json(new) | {"environment": environment},
        )
    return changed


def fleet_policy(work: UnitOfWork) -> FleetPolicy:
    """Of the fleet that the unit of work is bound to."""
    found = work.fleets.get(work.fleet)
    return FleetPolicy() if found is None else parse_fleet_policy(found.policy)


def _whole(fleet: Fleet) -> Fleet:
    policy = fleet_policy_to_json(parse_fleet_policy(fleet.policy))
    return Fleet(fleet.id, fleet.environment, policy, fleet.created_at)
