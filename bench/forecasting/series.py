"""Hourly series of real load, from files with their source beside them; hours without data are NaN."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SMALL = Path(__file__).parent / "data"
ACTIVE_SHARE_MIN = 0.5  # a client idle most hours is no model that anybody plans for


@dataclass(frozen=True, slots=True)
class Series:
    """``rates`` is (series, hours), padded with NaN at the end where series differ in length."""

    name: str
    names: tuple[str, ...]
    rates: Floats


def load(folder: Path) -> list[Series]:
    """Whichever of the three sets are there: as published (wide 10-minute, 5-minute, minute), or hourly."""
    found = []
    if (folder / "hourly.csv").exists():
        return _hourly(folder / "hourly.csv")
    if (folder / "servegen").is_dir():
        found.append(_servegen(folder / "servegen"))
    if (folder / "nab").is_dir():
        found.append(_nab(folder / "nab"))
    if (folder / "nasa_http").is_dir():
        found.append(_nasa(folder / "nasa_http"))
    if not found:
        raise FileNotFoundError(f"{folder} has none of hourly.csv, servegen, nab, nasa_http")
    return found


def active(rates: Floats) -> npt.NDArray[np.bool_]:
    """Which series have load in most of their hours."""
    known = np.isfinite(rates).sum(axis=1)
    out: npt.NDArray[np.bool_] = (np.nan_to_num(rates) > 0).sum(axis=1) > ACTIVE_SHARE_MIN * known
    return out


def _servegen(folder: Path) -> Series:
    """Clients as models, six windows of ten minutes an hour; those without any client are gaps."""
    names, rows = [], []
    for file in sorted(folder.glob("*_client_rates_10min.csv")):
        with file.open(encoding="utf-8") as lines:
            header, *data = list(csv.reader(lines))
        values = np.array([[float(cell or 0) for cell in row[1:]] for row in data])
        values[values.sum(axis=1) == 0] = np.nan
        whole = values[: len(values) // 6 * 6].reshape(-1, 6, values.shape[1])
        known = np.isfinite(whole).sum(axis=1)
        rows.append((np.nansum(whole, axis=1) / np.where(known >= 3, known, np.nan)).T)
        names += [f"{file.name.split('_')[0]}/{client}" for client in header[1:]]
    rates = np.vstack(rows)
    chosen = active(rates)
    kept = tuple(name for name, keep in zip(names, chosen, strict=True) if keep)
    return Series("servegen", kept, rates[chosen])


def _nab(folder: Path) -> Series:
    by_name: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8") as lines:
            header, *data = list(csv.reader(lines))
        for column, title in enumerate(header[1:], start=1):
            name = file.stem if title == "value" else f"{file.stem}/{title}"
            by_name[name] = [
                (datetime.fromisoformat(row[0]), float(row[column])) for row in data if row[column]
            ]
    return _padded("nab", {name: hourly_means(points) for name, points in by_name.items()})


def _nasa(folder: Path) -> Series:
    with (folder / "nasa_http_1min.csv").open(encoding="utf-8") as lines:
        _, *data = list(csv.reader(lines))
    points = [(datetime.fromisoformat(row[0]), float(row[1])) for row in data]
    return _padded("nasa_http", {"nasa_http": hourly_means(points)})


def _hourly(file: Path) -> list[Series]:
    """Columns set, series, then an hour each; empty where there is no data."""
    sets: dict[str, dict[str, Floats]] = defaultdict(dict)
    with file.open(encoding="utf-8") as lines:
        for name, series, *cells in csv.reader(lines):
            sets[name][series] = np.array([float(cell) if cell else np.nan for cell in cells])
    return [_padded(name, series) for name, series in sets.items()]


def hourly_means(points: Iterable[tuple[datetime, float]]) -> Floats:
    """Means by hour; an hour with less than half of the usual number of points is a gap."""
    points = list(points)
    first = min(at for at, _ in points).replace(minute=0, second=0)
    hours = np.array([int((at - first).total_seconds() // 3_600) for at, _ in points])
    total = np.bincount(hours, weights=[value for _, value in points])
    count = np.bincount(hours)
    usual = np.median(count[count > 0])
    out: Floats = np.where(count >= usual / 2, total / np.maximum(1, count), np.nan)
    return out


def _padded(name: str, series: dict[str, Floats]) -> Series:
    length = max(len(values) for values in series.values())
    rates = np.full((len(series), length), np.nan)
    for row, values in zip(rates, series.values(), strict=True):
        row[: len(values)] = values
    return Series(name, tuple(series), rates)
