"""A load run for people: rates, reasons, latency as a histogram in text."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dispatcher.frontend.load_result import LoadResult, quantiles

BAR_CHARS = 40
STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""Edges of the histogram within a decade: about equal in the logarithm."""

EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(result: LoadResult, what: str) -> None:
    """Print everything on stdout."""
    console = Console(highlight=False)
    console.print(f"{result.sent:,} requests, {what}", soft_wrap=True)
    console.print(f"goodput {result.goodput_rps:,.1f} requests/s   bad rate {result.bad_rate:.2%}")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in result.reasons.most_common())
    if reasons:
        console.print(f"bad     {reasons}", soft_wrap=True)
    _latency(console, result)
    if len(result.models) > 1:
        _models(console, result)
    kept = "kept up" if result.client_kept_up else "did NOT keep up"
    console.print(
        f"client  {kept}: sent {result.send_lag_ms:.2f} ms late at the 99th percentile, "
        f"{result.send_lag_ms_max:.1f} at most; answers waited for until {result.duration_s:.1f} s",
        soft_wrap=True,
    )
    for error in result.errors:
        console.print(f"error   {error}", soft_wrap=True, markup=False)


def _latency(console: Console, result: LoadResult) -> None:
    found = quantiles(result.latencies_ms)
    if found is None:
        console.print("latency none: no request was answered")
        return
    shown = "   ".join(f"{name.replace('_', '.')} {value:.2f}" for name, value in found.items())
    console.print(f"latency ms from the intended send:   {shown}", soft_wrap=True)
    slos_ms = {model.slo_ms for model in result.models}
    slo_ms = slos_ms.pop() if len(slos_ms) == 1 else None
    for line in histogram(result.latencies_ms, slo_ms):
        console.print(line, soft_wrap=True, markup=False)


def histogram(latencies_ms: NDArray[np.float64], slo_ms: float | None = None) -> list[str]:
    """One line for each bucket between the smallest and the largest latency; a mark where the SLO lies."""
    low = max(float(latencies_ms.min()), 1e-3)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(latencies_ms.max() + 1e-9)) + 1)
    edges = np.array([step * 10.0**exponent for exponent in exponents for step in STEPS])
    first = max(0, int(np.searchsorted(edges, low, side="right")) - 1)
    last = int(np.searchsorted(edges, latencies_ms.max(), side="right"))
    edges = edges[first : last + 1]
    bucket = np.clip(np.searchsorted(edges, latencies_ms, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(bucket, minlength=len(edges) - 1)
    lines = []
    for index, count in enumerate(counts.tolist()):
        bar = _bar(count / counts.max())
        holds_slo = slo_ms is not None and edges[index] < slo_ms <= edges[index + 1]
        mark = f"  <- SLO {slo_ms:g}" if holds_slo else ""
        lines.append(f"{edges[index]:>9.3g} .. {edges[index + 1]:<8.3g}{count:>9,}  {bar}{mark}".rstrip())
    return lines


def _bar(share: float) -> str:
    eighths = round(share * BAR_CHARS * 8)
    if share > 0:
        eighths = max(1, eighths)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _models(console: Console, result: LoadResult) -> None:
    columns = ("model", "SLO ms", "sent", "in time", "late", "refused", "error", "bad", "p50 ms", "p99 ms")
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    for model in result.models:
        counts = (model.sent, model.ok, model.late, model.refused, model.error)
        table.add_row(
            model.model,
            f"{model.slo_ms:g}",
            *(f"{count:,}" for count in counts),
            f"{model.bad_rate:.2%}",
            f"{model.p50_ms:.1f}",
            f"{model.p99_ms:.1f}",
        )
    console.print(table)
