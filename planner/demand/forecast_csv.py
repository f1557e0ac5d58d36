"""
Forecasts as CSV, read without trust: one row a model and epoch, every fault with its line and column.

Columns, in any order: ``model``, ``start`` (ISO 8601 with its time zone), ``hours``, ``demand_rps``, and, if
wanted, ``low_rps``, ``high_rps``, ``arrival_cv``. Rows may come in any order; every model needs every epoch.
Reading is incremental: lines longer than ``LINE_BYTES_MAX``, more rows than allowed or more than
``FAULTS_MAX`` faults end it, so that memory is bounded by what is accepted, whatever is sent.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast
from planner.problem.parse import CV_LIMIT, EPOCHS_LIMIT, HOURS_LIMIT, RPS_LIMIT
from profiles.faults import Fault, InputInvalid

LINE_BYTES_MAX = 2_000
FAULTS_MAX = 100
NUMBERS = {"hours": HOURS_LIMIT, "demand_rps": RPS_LIMIT, "low_rps": RPS_LIMIT, "high_rps": RPS_LIMIT}
REQUIRED = ("model", "start", "hours", "demand_rps")
COLUMNS = (*REQUIRED, "low_rps", "high_rps", "arrival_cv")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:@-]{0,199}")
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,4})?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", re.ASCII)
YEAR_MIN, YEAR_MAX = 1970, 2200


@dataclass(frozen=True, slots=True)
class CsvForecast:
    """``lines`` says on which line each model was first named, for faults found later."""

    forecast: Forecast
    lines: dict[str, int]


@dataclass(frozen=True, slots=True)
class About:
    """What a file of numbers does not say of itself."""

    name: str
    note: str | None = None
    source: ForecastSource = ForecastSource.IMPORT
    corrects: int | None = None


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    faults: list[Fault] = field(default_factory=list)
    epochs: dict[datetime, float] = field(default_factory=dict)
    rows: dict[str, dict[datetime, tuple[float, float | None, float | None, float]]] = field(
        default_factory=dict
    )
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, line: int, column: str, value: str, limit: str) -> None:
        self.faults.append(Fault(f"line {line}, {column}" if column else f"line {line}", shown(value), limit))
        if len(self.faults) >= FAULTS_MAX:
            self.faults.append(Fault("(whole)", f"{FAULTS_MAX} faults", "reading stopped here"))
            raise _Stopped

    def stop(self, fault: Fault) -> None:
        self.faults.append(fault)
        raise _Stopped


class _Stopped(Exception):
    """No use reading on."""


def read_forecast(chunks: Iterable[bytes], about: About, *, rows_max: int) -> CsvForecast:
    """The forecast that the file states; raises ``InputInvalid`` with every fault, up to ``FAULTS_MAX``."""
    reading = _Reading()
    try:
        _read(_lines(chunks, reading), reading, rows_max)
        _require_whole(reading)
    except _Stopped:
        pass
    if reading.faults:
        raise InputInvalid("forecast", reading.faults)
    return CsvForecast(_forecast(reading, about), reading.lines)


def shown(value: str) -> str:
    """A value of any length as a fault may quote it."""
    return repr(value if len(value) <= 60 else value[:57] + "...")


def _lines(chunks: Iterable[bytes], reading: _Reading) -> Iterator[str]:
    """Lines without their ends; never holds more than a chunk and a line."""
    rest = b""
    number = 0
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for raw in whole:
            number += 1
            yield _text(raw, number, reading)
        if len(rest) > LINE_BYTES_MAX:
            _text(rest, number + 1, reading)
    if rest:
        yield _text(rest, number + 1, reading)


def _text(raw: bytes, number: int, reading: _Reading) -> str:
    if len(raw) > LINE_BYTES_MAX:
        limit = f"must have at most {LINE_BYTES_MAX} bytes"
        reading.stop(Fault(f"line {number}", f"{len(raw)} bytes or more", limit))
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        reading.stop(Fault(f"line {number}", "bytes of another kind", "must be UTF-8"))
        raise
    return text.rstrip("\r")


def _read(lines: Iterator[str], reading: _Reading, rows_max: int) -> None:
    header = _cells(next(lines, ""), 1, reading)
    places = _places(header or [], reading)
    count = 0
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        count += 1
        if count > rows_max:
            reading.stop(Fault("(whole)", f"more than {rows_max} rows", f"must have at most {rows_max} rows"))
        cells = _cells(line, number, reading)
        if cells is None:
            continue
        if len(cells) != len(header or []):
            limit = f"must have {len(header or [])} columns as the first line"
            reading.fault(number, "", f"{len(cells)} columns", limit)
            continue
        _row({name: cells[place].strip() for name, place in places.items()}, number, reading)
    if not count:
        reading.stop(Fault("(whole)", "no rows", "must have at least one row below the first line"))


def _cells(line: str, number: int, reading: _Reading) -> list[str] | None:
    """The cells of one line; a quoted cell ends on its own line."""
    try:
        return next(csv.reader(io.StringIO(line), strict=True), [])
    except csv.Error as error:
        reading.fault(number, "", line, f"must be a line of CSV ({error})")
        return None


def _places(header: list[str], reading: _Reading) -> dict[str, int]:
    names = [name.strip() for name in header]
    for name in dict.fromkeys(names):
        if name not in COLUMNS:
            reading.fault(1, "", name, f"must be one of {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            reading.fault(1, name, f"{names.count(name)} times", "must be unique")
    for name in REQUIRED:
        if name not in names:
            reading.fault(1, name, "nothing", "is required")
    if reading.faults:
        raise _Stopped  # without knowing which column is what, every line would be at fault
    return {name: place for place, name in enumerate(names)}


def _row(cells: dict[str, str], line: int, reading: _Reading) -> None:
    before = len(reading.faults)
    model = cells["model"]
    if not _ID.fullmatch(model):
        reading.fault(line, "model", model, "must be letters, digits and any of . _ + : @ -, at most 200")
    start = _instant(cells["start"], line, reading)
    found = {name: _number(cells.get(name, ""), name, line, reading) for name in NUMBERS}
    cv = _number(cells.get("arrival_cv", ""), "arrival_cv", line, reading)
    if found["hours"] == 0:
        reading.fault(line, "hours", cells["hours"], "must be greater than 0")
    low, middle, high = found["low_rps"], found["demand_rps"], found["high_rps"]
    if low is not None and middle is not None and low > middle:
        reading.fault(line, "low_rps", cells["low_rps"], f"must not be above demand_rps, {middle:g}")
    if high is not None and middle is not None and high < middle:
        reading.fault(line, "high_rps", cells["high_rps"], f"must not be below demand_rps, {middle:g}")
    if len(reading.faults) > before or start is None or middle is None or found["hours"] is None:
        return
    hours = reading.epochs.setdefault(start, found["hours"])
    if hours != found["hours"]:
        limit = f"must be {hours:g} as on the lines before for this start"
        reading.fault(line, "hours", cells["hours"], limit)
    if len(reading.epochs) > EPOCHS_LIMIT:
        limit = f"must have at most {EPOCHS_LIMIT} epochs"
        reading.stop(Fault("(whole)", f"more than {EPOCHS_LIMIT} starts", limit))
    row = reading.rows.setdefault(model, {})
    if start in row:
        reading.fault(line, "start", cells["start"], f"must be unique for model {model}")
    row[start] = (middle, low, high, 1.0 if cv is None else cv)
    reading.lines.setdefault(model, line)


def _number(text: str, name: str, line: int, reading: _Reading) -> float | None:
    limit = CV_LIMIT if name == "arrival_cv" else NUMBERS[name]
    if not text:
        if name in REQUIRED:
            reading.fault(line, name, "", f"must be a number in [0, {limit:g}]")
        return None
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not 0 <= value <= limit:
        reading.fault(line, name, text, f"must be a number in [0, {limit:g}]")
        return None
    return value


def _instant(text: str, line: int, reading: _Reading) -> datetime | None:
    value = None
    if _INSTANT.match(text) and len(text) <= 40:
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            value = None
    if value is None or value.tzinfo is None or not YEAR_MIN <= value.year <= YEAR_MAX:
        limit = f"must be ISO 8601 with a time zone, of the years {YEAR_MIN} to {YEAR_MAX}"
        reading.fault(line, "start", text, limit)
        return None
    return value.astimezone(UTC)


def _require_whole(reading: _Reading) -> None:
    """Epochs that follow one another, and every model in every one of them."""
    epochs = [ForecastEpoch(start, hours) for start, hours in sorted(reading.epochs.items())]
    for before, after in pairwise(epochs):
        if after.start < before.end:
            limit = f"must not begin before the end of the epoch before it, {before.end.isoformat()}"
            reading.fault(1, "start", after.start.isoformat(), limit)
    for model, row in reading.rows.items():
        for epoch in epochs:
            if epoch.start not in row:
                limit = f"must have a row for the epoch at {epoch.start.isoformat()}"
                reading.fault(reading.lines[model], "model", model, limit)


def _forecast(reading: _Reading, about: About) -> Forecast:
    starts = sorted(reading.epochs)
    models = []
    for model, row in reading.rows.items():
        cells = [row[start] for start in starts]
        has_low = any(low is not None for _, low, _, _ in cells)
        has_high = any(high is not None for _, _, high, _ in cells)
        models.append(
            ModelForecast(
                model=model,
                demand_rps=tuple(middle for middle, *_ in cells),
                arrival_cv=tuple(cv for *_, cv in cells),
                low_rps=tuple(m if low is None else low for m, low, _, _ in cells) if has_low else None,
                high_rps=tuple(m if high is None else high for m, _, high, _ in cells) if has_high else None,
            )
        )
    return Forecast(
        name=about.name,
        epochs=tuple(ForecastEpoch(start, reading.epochs[start]) for start in starts),
        models=tuple(models),
        note=about.note,
        source=about.source,
        corrects=about.corrects,
    )
