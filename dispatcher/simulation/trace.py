"""Trace files: when requests really came."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLUMN = "arrival_s"
US_PER_S = 1_000_000
ARRIVAL_S_MAX = 10**9


class TraceInvalid(ValueError):
    """The file is no trace; the message says what it must be."""


def read_trace(path: Path, arrivals_max: int) -> NDArray[np.int64]:
    """
    Arrival times in microseconds, never falling.

    The file has one time in seconds on each line, from the start of the scenario, or is CSV
    with a header that names the column ``arrival_s``. Raises ``TraceInvalid``.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TraceInvalid(f"must be a file that can be read ({reason})") from error
    if len(lines) > arrivals_max:
        raise TraceInvalid(f"must have at most {arrivals_max} lines, has {len(lines)}")
    times_s = _times_s(lines)
    falls = np.flatnonzero(np.diff(times_s) < 0)
    if len(falls):
        later = times_s[falls[0] + 1]
        raise TraceInvalid(f"must hold times that never fall; {later:g} comes after {times_s[falls[0]]:g}")
    return np.floor(times_s * US_PER_S + 1e-6).astype(np.int64)


def _times_s(lines: list[str]) -> NDArray[np.float64]:
    header = next(iter(csv.reader(lines[:1])), [])
    if COLUMN in (name.strip() for name in header):
        column, first = [name.strip() for name in header].index(COLUMN), 1
    else:
        column, first = 0, 0
    times_s = []
    for number, row in enumerate(csv.reader(lines[first:]), start=first + 1):
        if not row:
            continue
        cell = row[column] if column < len(row) else ""
        times_s.append(_time_s(cell, number))
    return np.array(times_s, dtype=np.float64)


def _time_s(cell: str, line: int) -> float:
    try:
        time_s = float(cell)
    except ValueError:
        time_s = math.nan
    if math.isfinite(time_s) and 0 <= time_s <= ARRIVAL_S_MAX:
        return time_s
    raise TraceInvalid(f"line {line}: must be a time in seconds from 0 to {ARRIVAL_S_MAX}, got {cell[:40]!r}")
