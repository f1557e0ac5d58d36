"""Slots of cron schedules, above all where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.service.slots import Cadence, cadence
from profiles.faults import InputInvalid

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def local(slot: datetime, time_zone: str) -> str:
    return slot.astimezone(ZoneInfo(time_zone)).isoformat(timespec="minutes")


def slots(cron: str, time_zone: str, start: str, count: int) -> list[str]:
    """The first slots after a local time, in local time."""
    at, found = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(time_zone)), []
    for _ in range(count):
        at = Cadence(cron, time_zone).after(at)
        assert at.tzinfo is UTC
        found.append(local(at, time_zone))
    return found


@pytest.mark.parametrize(
    ("cron", "time_zone", "start", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-03-28T12:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-03T12:00", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
    ],
)
def test_a_time_that_is_skipped_is_due_right_after_the_gap(
    cron: str, time_zone: str, start: str, expected: list[str]
) -> None:
    assert slots(cron, time_zone, start, 2) == expected


@pytest.mark.parametrize(
    ("cron", "time_zone", "start", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
    ],
)
def test_a_time_that_is_shown_twice_is_due_the_first_time_only(
    cron: str, time_zone: str, start: str, expected: list[str]
) -> None:
    assert slots(cron, time_zone, start, 2) == expected


def test_asked_within_the_repeated_hour_nothing_that_was_due_before_comes_again() -> None:
    second_pass = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 in Berlin, for the second time
    assert local(Cadence("30 2 * * *", BERLIN).after(second_pass), BERLIN) == "2026-10-26T02:30+01:00"


def test_two_times_in_one_gap_are_one_slot() -> None:
    assert slots("0,30 2,3 * * *", BERLIN, "2026-03-29T01:00", 3) == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
        "2026-03-30T02:00+02:00",
    ]


def test_what_repeats_follows_elapsed_time() -> None:
    assert slots("0 * * * *", BERLIN, "2026-10-25T01:30", 3) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]
    assert slots("0 * * * *", BERLIN, "2026-03-29T00:30", 2) == [
        "2026-03-29T01:00+01:00",
        "2026-03-29T03:00+02:00",
    ]


def test_only_the_newest_missed_slot_is_due() -> None:
    nightly = Cadence("0 2 * * *", BERLIN)
    stopped, now = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert nightly.newest_due(stopped, now) == datetime(2026, 11, 28, 1, tzinfo=UTC)
    assert nightly.count(stopped, now, limit=100) == 8
    assert nightly.newest_due(now, now + timedelta(hours=3)) is None


def test_a_slot_is_due_at_its_very_instant_and_once() -> None:
    nightly, slot = Cadence("0 2 * * *", "UTC"), datetime(2026, 11, 28, 2, tzinfo=UTC)
    assert nightly.newest_due(slot - timedelta(days=1), slot) == slot
    assert nightly.newest_due(slot, slot + timedelta(seconds=1)) is None


def test_a_rare_slot_is_found_after_years() -> None:
    leap = Cadence("0 0 29 2 *", "UTC")
    start, now = datetime(2024, 3, 1, tzinfo=UTC), datetime(2028, 12, 1, tzinfo=UTC)
    assert leap.newest_due(start, now) == datetime(2028, 2, 29, tzinfo=UTC)


CRONS = ("30 2 * * *", "*/15 * * * *", "0 1-3 * * *", "7 1,2 * * SUN", "0 */6 * * *", "59 23 L * *")


@given(
    st.sampled_from(CRONS),
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "UTC", "Asia/Kathmandu", "America/St_Johns"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001
    st.integers(1, 20 * 24 * 60),
)
def test_newest_due_is_the_last_of_the_slots_in_between(
    cron: str, time_zone: str, start: datetime, minutes: int
) -> None:
    chosen, after = Cadence(cron, time_zone), start.replace(tzinfo=UTC)
    now, at, last = after + timedelta(minutes=minutes), after, None
    while (at := chosen.after(at)) <= now:
        last = at
    assert chosen.newest_due(after, now) == last


@pytest.mark.parametrize(
    "cron", ["", "0 2 * *", "61 2 * * *", "0 2 30 2 *", "@daily", "0 0 2 * * *", "a b c d e"]
)
def test_bad_crons_and_zones_are_named_together(cron: str) -> None:
    with pytest.raises(InputInvalid) as caught:
        cadence(cron, "Europe/Berln")
    assert [fault.field for fault in caught.value.faults] == ["cron", "time_zone"]
    assert "'Europe/Berlin'" in caught.value.faults[1].limit
