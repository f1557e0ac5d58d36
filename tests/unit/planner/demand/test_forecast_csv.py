"""CSV that means no good is refused whole, early, and in bounded memory."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.demand.forecast_csv import FAULTS_MAX, LINE_BYTES_MAX, About, CsvForecast, read_forecast
from profiles.faults import Fault, InputInvalid
from tests.control_plane import START

HEADER = "model,start,hours,demand_rps\n"
ABOUT = About("test")


def read(text: str | bytes, rows_max: int = 1_000) -> CsvForecast:
    data = text.encode() if isinstance(text, str) else text
    return read_forecast(iter([data]), ABOUT, rows_max=rows_max)


def faults(text: str | bytes, rows_max: int = 1_000) -> list[Fault]:
    with pytest.raises(InputInvalid) as caught:
        read(text, rows_max)
    return list(caught.value.faults)


def row(model: str = "m", hour: int = 0, rate: str = "1") -> str:
    return f"{model},{(START + timedelta(hours=hour)).isoformat()},1,{rate}\n"


def test_rows_in_any_order_with_quotes_and_a_byte_order_mark() -> None:
    text = "\ufeff" + HEADER + row(hour=1, rate='"2.5"') + "\r\n" + row()
    assert read(text).forecast.models[0].demand_rps == (1.0, 2.5)


def test_lines_may_break_anywhere_between_chunks() -> None:
    data = (HEADER + row() + row(hour=1)).encode()
    whole = read(data).forecast
    for size in (1, 7, 50):
        chunks = (data[i : i + size] for i in range(0, len(data), size))
        assert read_forecast(chunks, ABOUT, rows_max=10).forecast == whole


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-inf", "-1", "1e308", "1e999", "0x10", "1_000", "٣", "", " ", "1;2", "9" * 400]
)
def test_what_is_no_sound_number_is_refused(number: str) -> None:
    (fault,) = faults(HEADER + row(rate=number))
    assert fault.field == "line 2, demand_rps"
    assert len(fault.value) < 80


def test_too_many_rows_end_the_reading_and_memory_stays_small() -> None:
    read_to = 0

    def endless() -> Iterator[bytes]:
        nonlocal read_to
        yield HEADER.encode()
        line = row().encode() * 1_000
        for _ in range(10_000):
            read_to += 1_000
            yield line

    tracemalloc.start()
    with pytest.raises(InputInvalid):
        read_forecast(endless(), ABOUT, rows_max=5_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read_to <= 6_000
    assert peak < 5_000_000


def test_an_endless_line_ends_the_reading() -> None:
    read_to = 0

    def endless() -> Iterator[bytes]:
        nonlocal read_to
        for _ in range(100_000):
            read_to += 1_000
            yield b"a" * 1_000

    with pytest.raises(InputInvalid, match=f"{LINE_BYTES_MAX} bytes"):
        read_forecast(endless(), ABOUT, rows_max=10)
    assert read_to <= 2 * LINE_BYTES_MAX


def test_only_so_many_faults_are_listed() -> None:
    found = faults(HEADER + row(rate="x") * 500)
    assert len(found) == FAULTS_MAX + 1
    assert found[-1].limit == "reading stopped here"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "line 1, model"),
        (HEADER, "(whole)"),
        ("model,start,hours,demand_rps,colour\n", "line 1"),
        ("model,model,start,hours,demand_rps\n", "line 1, model"),
        (HEADER + 'a,"b\n', "line 2"),
        (HEADER + row() * 2, "line 3, start"),
        (HEADER + row() + row("n", 1), "line 2, model"),
        (HEADER + row(model="=cmd()"), "line 2, model"),
        (HEADER + row().replace(",1,", ",0,"), "line 2, hours"),
        (HEADER + "m,2026-11-23T08:00:00,1,1\n", "line 2, start"),
        (HEADER + row() + row().replace(":00:00+", ":30:00+"), "line 1, start"),
    ],
)
def test_each_fault_is_where_it_is(text: str, field: str) -> None:
    assert field in [fault.field for fault in faults(text)]


def test_bytes_of_another_kind_are_refused() -> None:
    assert faults(HEADER.encode() + b"m,\xff\xfe\n")[0].limit == "must be UTF-8"


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputInvalid):
        read(HEADER + text)
