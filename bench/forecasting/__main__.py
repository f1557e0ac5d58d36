"""
Measured forecasts on real load: error against the seasonal naive one, coverage of the 90 % interval, time.

Hourly series, 24 hours ahead, an origin every six hours from the fifth day on. Without ``--data`` a small
copy is used; the folder may hold ``servegen``, ``nab`` and ``nasa_http`` as their publishers have them.
Run as

    python -m bench.forecasting --json forecasting.json
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench.forecasting.backtest import Result, judged
from bench.forecasting.series import SMALL, Floats, Series, load
from bench.forecasting.statistical import METHODS, judged_statistical
from bench.report import write_json
from planner.demand.measured.forecast import measured_forecast

SPEED_SERIES, SPEED_HOURS = 1_000, 4 * 7 * 24


def main() -> None:
    arguments = parse_arguments()
    warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing but gaps
    sets = load(arguments.data)
    results: list[Result] = []
    for series in sets:
        results += judged(series)
        for method in arguments.statistical:
            results.append(judged_statistical(series, method))
    print(table([result for result in results if result.coverage is not None]), end="\n\n")
    print(ratios(results), end="\n\n")
    seconds = speed(sets)
    print(f"{SPEED_SERIES} series of {SPEED_HOURS} hours, 24 hours ahead with intervals: {seconds:.1f} s")
    write_json(arguments.json, results=[asdict(result) for result in results], speed_s=seconds)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.forecasting", description=__doc__)
    parser.add_argument("--data", type=Path, default=SMALL, help="folder of series")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument(
        "--statistical",
        nargs="*",
        choices=(*METHODS, "combined"),
        default=[],
        help="statsforecast models to compare (slow)",
    )
    return parser.parse_args()


def table(results: Sequence[Result]) -> str:
    lines = [
        "| set | series | MAE / seasonal naive | series better | MASE | 90 % interval holds | above it "
        "| above the 80 % quantile | width / level |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {r.set} | {r.series} | {r.ratio:.3f} | {r.better_share:.0%} | {r.mase:.3f} "
            f"| {r.coverage:.1%} | {r.above:.1%} | {r.planned_above:.1%} | {r.width:.2f} |"
        )
    return "\n".join(lines)


def ratios(results: Sequence[Result]) -> str:
    sets = list(dict.fromkeys(result.set for result in results))
    by_method: dict[str, dict[str, float]] = {}
    for result in results:
        by_method.setdefault(result.method, {})[result.set] = result.ratio
    lines = [f"| MAE / seasonal naive | {' | '.join(sets)} |", "|---|" + "---|" * len(sets)]
    for method, found in by_method.items():
        lines.append(
            f"| {method} | " + " | ".join(f"{found[s]:.3f}" if s in found else "" for s in sets) + " |"
        )
    return "\n".join(lines)


def speed(sets: Sequence[Series]) -> float:
    """Seconds for many windows cut from the longest series, compilation left out."""
    rates = windows(sets)
    measured_forecast(rates[:2], 24, day=24)
    begun = time.perf_counter()
    measured_forecast(rates, 24, day=24)
    return time.perf_counter() - begun


def windows(sets: Sequence[Series]) -> Floats:
    rows = [row for series in sets for row in series.rates if np.isfinite(row).sum() > SPEED_HOURS * 1.5]
    rng = np.random.default_rng(1)
    chosen = []
    for _ in range(SPEED_SERIES):
        row = rows[rng.integers(len(rows))]
        begin = rng.integers(np.flatnonzero(np.isfinite(row))[-1] - SPEED_HOURS)
        chosen.append(row[begin : begin + SPEED_HOURS])
    return np.array(chosen)


if __name__ == "__main__":
    main()
