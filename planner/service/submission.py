"""What a door hands in: entries that could be read, and everything wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from planner.problem.names import nearest
from profiles.faults import Fault, InputInvalid

T = TypeVar("T")

FAULTS_MAX = 10_000
"""Listed at most: faults take a hundred times the room of what causes them, and nobody reads on."""
SUGGESTIONS_MAX = 20  # looking for what was meant is slow, and nobody reads thousands of guesses


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names a registered thing: ``kind`` is ``"model"`` or ``"gpu_type"``."""

    field: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Submission(Generic[T]):
    """
    One request's entries, all of which are stored or none.

    Parameters
    ----------
    entries
        Those without a fault of their own.
    faults
        What is wrong with the others.
    unlisted
        How many faults there are beyond those: they were counted and not kept.
    identities
        (field, identity) of every entry that has one, faulty or not: no two may be the same.
    references
        Of every entry, faulty or not, so that unknown names are reported along with all else.
    """

    subject: str
    entries: tuple[T, ...]
    faults: tuple[Fault, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    references: tuple[Reference, ...] = ()
    unlisted: int = 0

    def accepted(self, known: Mapping[str, Collection[str]]) -> tuple[T, ...]:
        """The entries, when nothing is wrong; raises ``InputInvalid`` with the faults otherwise."""
        unknown = [one for one in self.references if one.id not in known[one.kind]]
        repeated = self._repeated()
        if self.faults or repeated or unknown:
            count = len(self.faults) + self.unlisted + len(repeated) + len(unknown)
            faults = [*self.faults, *repeated][:FAULTS_MAX]
            faults += _unknown_faults(unknown[: FAULTS_MAX - len(faults)], known)
            raise InputInvalid(self.subject, faults, count=count)
        return self.entries

    def _repeated(self) -> list[Fault]:
        counts = Counter(identity for _, identity in self.identities)
        return [
            Fault(field, repr(identity), f"must be unique, appears {counts[identity]} times")
            for field, identity in self.identities
            if counts[identity] > 1
        ]


def _unknown_faults(unknown: Sequence[Reference], known: Mapping[str, Collection[str]]) -> list[Fault]:
    return [
        _unknown_fault(reference, known[reference.kind] if index < SUGGESTIONS_MAX else ())
        for index, reference in enumerate(unknown)
    ]


def _unknown_fault(reference: Reference, known: Collection[str]) -> Fault:
    limit = f"must be a registered {_words(reference.kind)}{nearest(reference.id, known)}"
    return Fault(reference.field, repr(reference.id), limit)


def _words(kind: str) -> str:
    return "GPU type" if kind == "gpu_type" else kind
