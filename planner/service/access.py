"""
Scopes, and what is granted to one who asks.

A grant is a set of scopes bound to fleets. Some scopes carry others: whoever plans or approves
may read, an admin may do everything within the fleets of the grant. Planning and approving never carry each
other, so that two people can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    READER = "reader"
    PLANNER = "planner"
    APPROVER = "approver"
    DISPATCHER = "dispatcher"
    ADMIN = "admin"


_CARRIED = {
    Scope.PLANNER: {Scope.READER},
    Scope.APPROVER: {Scope.READER},
    Scope.ADMIN: set(Scope),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """``scopes`` as they were given; ``fleets`` None means every fleet, also those yet to come."""

    scopes: frozenset[Scope]
    fleets: frozenset[str] | None

    @property
    def carried(self) -> frozenset[Scope]:
        """The scopes given, and those that they carry."""
        return self.scopes.union(*(_CARRIED.get(scope, ()) for scope in self.scopes))

    def allows(self, scopes: Iterable[Scope]) -> bool:
        """Whether any of ``scopes`` is carried."""
        return not self.carried.isdisjoint(scopes)

    def reaches(self, fleet: str) -> bool:
        return self.fleets is None or fleet in self.fleets

    @property
    def reaches_all(self) -> bool:
        return self.fleets is None

    def covers(self, other: Grant) -> bool:
        """Whether ``other`` allows nothing that this one does not."""
        if not other.scopes <= self.carried:
            return False
        return self.fleets is None or (other.fleets is not None and other.fleets <= self.fleets)


EVERYTHING = Grant(frozenset(Scope), None)


@dataclass(frozen=True, slots=True)
class Principal:
    """
    One who asks: ``name`` goes into the audit log, ``id`` tells whose rate is counted.

    ``id`` is ``token:<id>`` or ``person:<name>``; ``open`` where nobody needs a credential.
    """

    name: str
    id: str
    grant: Grant


ANYONE = Principal("anonymous", "open", EVERYTHING)
COMMAND_LINE = Principal("command-line", "open", EVERYTHING)
