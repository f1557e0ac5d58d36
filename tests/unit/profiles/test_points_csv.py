"""CSV files of measured points: read whole, or refused with every line at fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.faults import InputInvalid
from profiles.points_csv import parse_points


def test_reads_points_in_microseconds_and_ignores_other_columns() -> None:
    assert parse_points("note,batch, latency_ms\nx,1,2.5\n\n,8, 9\n") == [(1, 2_500.0), (8, 9_000.0)]
    assert parse_points("\ufeffbatch,latency_ms\r\n1,1\r\n") == [(1, 1_000.0)]


def test_every_fault_is_named_with_its_line() -> None:
    text = "batch,latency_ms\n1,nan\n0,2\n\n1.5,inf\n4\n8,-1\n,\n70000,1e9\n2,abc\n"
    with pytest.raises(InputInvalid) as error:
        parse_points(text)
    assert [fault.field for fault in error.value.faults] == [
        "line 2, latency_ms",
        "line 3, batch",
        "line 5, batch",
        "line 5, latency_ms",
        "line 6",
        "line 7, latency_ms",
        "line 9, batch",
        "line 9, latency_ms",
        "line 10, latency_ms",
    ]


@pytest.mark.parametrize("text", ["", "\n", "batch\n1\n", "b,l\n1,2\n", "batch,latency_ms,batch\n1,2,3\n"])
def test_a_wrong_header_is_one_fault_a_column(text: str) -> None:
    with pytest.raises(InputInvalid, match="must name the column"):
        parse_points(text)


def test_a_file_without_points_is_refused() -> None:
    with pytest.raises(InputInvalid, match="at least one line"):
        parse_points("batch,latency_ms\n")


@given(st.text(alphabet='0123456789.,-e\n"x ', max_size=60))
def test_anything_else_is_refused_not_crashed_on(body: str) -> None:
    try:
        points = parse_points("batch,latency_ms\n" + body)
    except InputInvalid:
        return
    assert all(b >= 1 and us > 0 for b, us in points)
