"""
The audit log as a chain: every row holds the digest of the row before it.

Each fleet has a chain of its own, numbered 1, 2, 3, ... The digest of a row covers all that it says and the
digest before it, so that a row altered, removed or put in between is found by whoever reads the chain from
its start. Rows cut off at the end are found by the chain's head, kept apart (``audit_heads``); who can
write to both can still cut, unless the head's digest is noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

START = "0" * 64  # what the first row of a chain names as the digest before it


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """One row as the chain sees it; ``digest`` and ``digest_before`` are SHA-256 in hex."""

    fleet: str
    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    client_address: str | None
    request_id: str | None
    details: dict[str, Any]
    digest_before: str
    digest: str


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain ends: the number and digest of its last row."""

    fleet: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class ChainFault:
    """What is wrong with one row of a chain, or with its end."""

    fleet: str
    number: int
    text: str


def entry_digest(
    *,
    fleet: str,
    number: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: str | None,
    client_address: str | None,
    request_id: str | None,
    details: dict[str, Any],
    digest_before: str,
) -> str:
    """SHA-256 of the canonical JSON of everything the row says, the instant in UTC to the microsecond."""
    content = [
        fleet,
        number,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor,
        action,
        subject,
        reason,
        client_address,
        request_id,
        details,
        digest_before,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chain_faults(entries: Iterable[ChainedEntry], head: ChainHead | None, fleet: str) -> Iterator[ChainFault]:
    """Everything wrong with one fleet's chain, whose rows come in the order of their numbers."""
    expected, digest_before = 1, START
    for entry in entries:
        if entry.number != expected:
            missing = (
                f"row {expected}"
                if entry.number == expected + 1
                else f"rows {expected} to {entry.number - 1}"
            )
            text = f"{missing} missing" if entry.number > expected else f"number {entry.number} comes twice"
            yield ChainFault(fleet, entry.number, text)
        elif entry.digest_before != digest_before:
            yield ChainFault(fleet, entry.number, "does not follow from the row before it")
        if entry.digest != _digest_of(entry):
            yield ChainFault(fleet, entry.number, "says something else than when it was written")
        expected, digest_before = entry.number + 1, entry.digest
    last = expected - 1
    if head is None:
        if last:
            yield ChainFault(fleet, last, "the chain's head is missing")
    elif head.number > last:
        yield ChainFault(fleet, last + 1, f"rows {last + 1} to {head.number} missing at the end")
    elif (head.number, head.digest) != (last, digest_before):
        yield ChainFault(fleet, last, f"the chain's head names row {head.number}")


def _digest_of(entry: ChainedEntry) -> str:
    names = [name for name in ChainedEntry.__slots__ if name != "digest"]
    return entry_digest(**{name: getattr(entry, name) for name in names})
