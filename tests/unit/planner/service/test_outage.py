"""A database that is away is not spoken of at every try."""

from __future__ import annotations

import logging

import pytest

from planner.service.outage import WAIT_S_MOST, Outage

log = logging.getLogger("outage")


def test_one_line_when_it_goes_with_the_reason_and_one_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage("somebody", log)
    outage.is_over()
    waits_s = [outage.goes_on(OSError(f"no\nway {number}")) for number in range(40)]
    assert waits_s[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert max(waits_s) == WAIT_S_MOST
    outage.is_over()
    outage.is_over()
    first, last = caplog.messages
    assert first == "somebody: the database cannot be reached: no way 0"
    assert last.startswith("somebody: the database is back after")
    assert last.endswith("40 tries failed")
    assert all(record.exc_info is None for record in caplog.records)


def test_the_next_outage_is_told_again_and_its_waits_begin_anew(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("somebody", log)
    outage.goes_on(OSError("first"))
    outage.goes_on(OSError("first"))
    outage.is_over()
    assert outage.goes_on(OSError("second")) == 0.5
    assert [message.rpartition(": ")[2] for message in caplog.messages if "cannot" in message] == [
        "first",
        "second",
    ]
