"""
The time that one reporter has told of, as spans: what keeps a report from counting twice, however late it
comes again.

A dispatcher measures an interval's length by one clock and its start by another, so neighbours may overlap or
miss each other by a little. Hence: what overlaps by at most a tenth of the shorter is taken, what overlaps by
nine tenths of itself is a repetition, and what lies between is refused.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
"""[begin, end) in microseconds since 1970."""

OVERLAP_TAKEN = 0.1
OVERLAP_REPEATED = 0.9
JOINED_US = 50_000
"""Spans that miss each other by no more are one: two clocks of one machine, and no report is as short."""


class Standing(StrEnum):
    """What becomes of a report that comes in."""

    NEW = "new"
    KNOWN = "known"  # a repetition
    DIFFERING = "differing"  # a repetition that says something else: the first is kept
    OVERLAPPING = "overlapping"  # of an interval that lies across others: not taken


class Ledger:
    """
    What one reporter has told, against which its reports are held.

    Parameters
    ----------
    kept
        Reports as they came that are still there: digest by span. A digest of None is not compared.
    spans
        The time of those that were rolled up; their digests are gone.
    """

    def __init__(self, kept: Mapping[Span, str | None], spans: Iterable[Span] = ()) -> None:
        self._digests = {begin: digest for (begin, _), digest in kept.items()}
        self._kept = sorted(kept)
        self._spans = merged(spans)

    def take(self, span: Span, digest: str) -> Standing:
        """How ``span`` stands; one that is new is known from now on."""
        begin, end = span
        if begin in self._digests:
            known = self._digests[begin]
            return Standing.KNOWN if known in (None, digest) else Standing.DIFFERING
        for other in self._neighbours(span):
            shorter = min(end - begin, other[1] - other[0])
            if _overlap(span, other) > OVERLAP_TAKEN * shorter:
                return Standing.OVERLAPPING
        told = sum(_overlap(span, other) for other in within(self._spans, span))
        if told >= OVERLAP_REPEATED * (end - begin):
            return Standing.KNOWN
        if told > OVERLAP_TAKEN * (end - begin):
            return Standing.OVERLAPPING
        insort(self._kept, span)
        self._digests[begin] = digest
        return Standing.NEW

    def _neighbours(self, span: Span) -> list[Span]:
        """Kept ones hardly overlap among themselves, so that those before need no look beyond two."""
        at = bisect_left(self._kept, span)
        until = bisect_left(self._kept, (span[1], 0))
        return self._kept[max(0, at - 2) : until]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch made one."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1] + JOINED_US:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def within(spans: list[Span], span: Span) -> list[Span]:
    """Those of ``spans`` (merged) that may overlap ``span``."""
    return spans[max(0, bisect_right(spans, span) - 1) : bisect_left(spans, (span[1], 0))]


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))
