"""Latencies of a crowd as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def latency_ms(took_s: Sequence[float]) -> dict[str, float]:
    """Count, median, 99th percentile and worst of instants from due to answered."""
    values = np.array(took_s) * 1_000
    if not len(values):
        return {"count": 0}
    return {
        "count": len(values),
        "p50": round(float(np.percentile(values, 50)), 1),
        "p99": round(float(np.percentile(values, 99)), 1),
        "max": round(float(values.max()), 1),
    }


def by_kind(took_s: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """One entry a kind of request, and one for all reads together."""
    reads = [one for kind, values in took_s.items() if kind.startswith("read ") for one in values]
    return {"reads": latency_ms(reads)} | {kind: latency_ms(took_s[kind]) for kind in sorted(took_s)}


def table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Text with one line a row, columns as wide as they need to be."""
    lines = [list(names), *([str(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)
