"""What of a reporter's intervals counts: each once, whatever comes again or lies across."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.demand.reported_spans import Ledger, Standing, merged

S = 1_000_000


def test_a_repetition_is_known_and_one_that_says_something_else_is_told_apart() -> None:
    ledger = Ledger({})
    assert ledger.take((0, 10 * S), "a") is Standing.NEW
    assert ledger.take((0, 10 * S), "a") is Standing.KNOWN
    assert ledger.take((0, 10 * S), "b") is Standing.DIFFERING
    assert ledger.take((0, 10 * S), "a") is Standing.KNOWN  # the first was kept


def test_clocks_may_disagree_by_a_tenth() -> None:
    ledger = Ledger({(10 * S, 20 * S): "a"})
    assert ledger.take((19 * S, 29 * S), "b") is Standing.NEW
    assert ledger.take((27 * S, 37 * S), "c") is Standing.OVERLAPPING
    assert ledger.take((0, 11 * S), "d") is Standing.NEW


def test_an_interval_across_many_is_refused_and_so_is_one_within() -> None:
    ledger = Ledger({(10 * S, 20 * S): "a", (20 * S, 30 * S): "b"})
    assert ledger.take((0, 60 * S), "c") is Standing.OVERLAPPING
    assert ledger.take((12 * S, 15 * S), "d") is Standing.OVERLAPPING


def test_after_a_roll_up_a_repetition_is_known_and_a_gap_is_still_open() -> None:
    ledger = Ledger({}, [(0, 60 * S), (70 * S, 120 * S)])
    assert ledger.take((10 * S, 20 * S), "a") is Standing.KNOWN
    assert ledger.take((60 * S, 70 * S), "b") is Standing.NEW
    assert ledger.take((60 * S, 70 * S), "b") is Standing.KNOWN
    assert ledger.take((115 * S, 125 * S), "c") is Standing.OVERLAPPING


def test_a_report_from_before_digests_were_kept_is_not_compared() -> None:
    assert Ledger({(0, S): None}).take((0, S), "a") is Standing.KNOWN


def test_spans_of_one_machine_with_two_clocks_join() -> None:
    assert merged([(10, 20), (0, 9), (200_000, 300_000)]) == [(0, 20), (200_000, 300_000)]


@given(st.lists(st.integers(0, 30), max_size=40), st.randoms())
def test_in_any_order_with_any_repetition_each_interval_counts_once(
    starts: list[int], random: object
) -> None:
    ledger = Ledger({})
    new = [s for s in starts if ledger.take((s * 10 * S, (s + 1) * 10 * S), str(s)) is Standing.NEW]
    assert sorted(new) == sorted(set(starts))
