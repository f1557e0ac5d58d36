"""Measured points as people have them: a CSV file with the columns ``batch`` and ``latency_ms``."""

from __future__ import annotations

import csv
import math

from profiles.faults import Fault, InputInvalid

COLUMNS = ("batch", "latency_ms")
BATCH_SIZE_LIMIT = 65_536
LATENCY_MS_LIMIT = 1e7


def parse_points(text: str) -> list[tuple[int, float]]:
    """
    The (batch size, microseconds) points of a CSV text, in the order of its lines.

    Other columns are ignored; so are empty lines. Raises ``InputInvalid`` with every fault
    and its line number.
    """
    rows = csv.reader(text.removeprefix("\ufeff").splitlines())
    header = [name.strip() for name in next(rows, [])]
    missing = [name for name in COLUMNS if header.count(name) != 1]
    if missing:
        found = ",".join(header) or "nothing"
        raise InputInvalid(
            "CSV file", [Fault("line 1", found, f"must name the column {name} once") for name in missing]
        )
    places = [header.index(name) for name in COLUMNS]
    points: list[tuple[int, float]] = []
    faults: list[Fault] = []
    for row in rows:
        if not any(field.strip() for field in row):
            continue
        line = f"line {rows.line_num}"
        if len(row) != len(header):
            faults.append(Fault(line, f"{len(row)} fields", f"must have {len(header)} fields, as line 1"))
            continue
        batch_size = _batch_size(row[places[0]].strip(), line, faults)
        latency_us = _latency_us(row[places[1]].strip(), line, faults)
        points.append((batch_size, latency_us))
    if not points and not faults:
        faults.append(Fault("CSV file", "no points", "must have at least one line of points"))
    if faults:
        raise InputInvalid("CSV file", faults)
    return points


def _batch_size(text: str, line: str, faults: list[Fault]) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= BATCH_SIZE_LIMIT and len(text) < 10:
        return int(text)
    limit = f"must be a whole number from 1 to {BATCH_SIZE_LIMIT}"
    faults.append(Fault(f"{line}, batch", repr(text[:40]), limit))
    return 1


def _latency_us(text: str, line: str, faults: list[Fault]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0 < value <= LATENCY_MS_LIMIT:
        return value * 1_000
    limit = f"must be a number above 0, at most {LATENCY_MS_LIMIT:g} ms"
    faults.append(Fault(f"{line}, latency_ms", repr(text[:40]), limit))
    return 1.0
