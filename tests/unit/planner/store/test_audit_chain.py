"""The chain of digests: whatever is done to a row, reading the chain finds it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from planner.store.audit_chain import START, ChainedEntry, ChainHead, chain_faults, entry_digest

AT = datetime(2026, 11, 23, 8, 0, 0, 123_456, tzinfo=UTC)


def chain(count: int) -> list[ChainedEntry]:
    entries: list[ChainedEntry] = []
    for number in range(1, count + 1):
        facts = {
            "fleet": "default",
            "number": number,
            "at": AT + timedelta(minutes=number),
            "actor": "ann",
            "action": "plan.approved",
            "subject": str(number),
            "reason": None,
            "client_address": "127.0.0.1",
            "request_id": "abc",
            "details": {"run": "r", "share": 0.1},
            "digest_before": entries[-1].digest if entries else START,
        }
        entries.append(ChainedEntry(**facts, digest=entry_digest(**facts)))  # type: ignore[arg-type]
    return entries


def head(entries: list[ChainedEntry]) -> ChainHead:
    return ChainHead("default", entries[-1].number, entries[-1].digest)


def faults(entries: list[ChainedEntry], end: ChainHead | None) -> list[tuple[int, str]]:
    return [(fault.number, fault.text) for fault in chain_faults(entries, end, "default")]


def test_an_untouched_chain_has_no_fault_and_neither_has_an_empty_one() -> None:
    assert faults(chain(5), head(chain(5))) == []
    assert faults([], None) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", AT),
        ("actor", "bob"),
        ("action", "plan.rejected"),
        ("subject", "9"),
        ("reason", "because"),
        ("client_address", None),
        ("request_id", "abd"),
        ("details", {"run": "r", "share": 0.2}),
    ],
)
def test_an_altered_row_is_found(field: str, value: object) -> None:
    entries = chain(4)
    entries[1] = dataclasses.replace(entries[1], **{field: value})  # type: ignore[arg-type]
    assert faults(entries, head(chain(4))) == [(2, "says something else than when it was written")]


def test_a_row_altered_along_with_its_digest_breaks_with_the_next() -> None:
    entries = chain(4)
    altered = dataclasses.replace(entries[1], actor="bob")
    names = [name for name in ChainedEntry.__slots__ if name != "digest"]
    digest = entry_digest(**{name: getattr(altered, name) for name in names})
    entries[1] = dataclasses.replace(altered, digest=digest)
    assert faults(entries, head(chain(4))) == [(3, "does not follow from the row before it")]


def without(*numbers: int) -> Callable[[list[ChainedEntry]], list[ChainedEntry]]:
    return lambda entries: [entry for entry in entries if entry.number not in numbers]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (without(1), [(2, "row 1 missing")]),
        (without(2, 3), [(4, "rows 2 to 3 missing")]),
        (without(5), [(5, "rows 5 to 5 missing at the end")]),
        (without(1, 2, 3, 4, 5), [(1, "rows 1 to 5 missing at the end")]),
        (lambda entries: [*entries[:2], entries[1], *entries[2:]], [(2, "number 2 comes twice")]),
    ],
)
def test_rows_removed_or_repeated_are_found(
    change: Callable[[list[ChainedEntry]], list[ChainedEntry]], found: list[tuple[int, str]]
) -> None:
    assert faults(change(chain(5)), head(chain(5))) == found


def test_a_head_that_is_gone_or_another_is_found() -> None:
    assert faults(chain(2), None) == [(2, "the chain's head is missing")]
    assert faults(chain(2), head(chain(1))) == [(2, "the chain's head names row 1")]


def test_the_instant_counts_and_not_its_zone() -> None:
    facts = dataclasses.asdict(chain(1)[0])
    digest = facts.pop("digest")
    facts["at"] = facts["at"].astimezone(timezone(timedelta(hours=5)))
    assert entry_digest(**facts) == digest
