"""
Cut one day out of the ServeGen production trace, as the demo's demand.

    python -m tools.build_demo_day FOLDER --day 8 > api/demo/data/servegen_day.csv

FOLDER holds ``m-large_client_rates_10min.csv`` and ``m-large_client_iatcv_10min.csv``
(one column for each client, one row for each 10-minute window). The output has one line a
client: its request-weighted coefficient of variation of inter-arrival times, then its mean
requests per second in each of the 24 hours. Clients below ``--rate-rps-min`` on the day's
mean are left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

WINDOWS_PER_HOUR = 6
HOURS = 24


def windows_of_day(path: Path, day: int) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    per_day = WINDOWS_PER_HOUR * HOURS
    return rows[day * per_day : (day + 1) * per_day]


def client_day(rates: list[float], cvs: list[float]) -> tuple[float, list[float]]:
    """Request-weighted variation over the day, and the mean rate of each hour."""
    known = [(rate, cv) for rate, cv in zip(rates, cvs, strict=True) if rate > 0 and cv > 0]
    requests = sum(rate for rate, _ in known)
    cv = sum(rate * cv for rate, cv in known) / requests if requests else 1.0
    hours = [
        sum(rates[hour * WINDOWS_PER_HOUR : (hour + 1) * WINDOWS_PER_HOUR]) / WINDOWS_PER_HOUR
        for hour in range(HOURS)
    ]
    return cv, hours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--day", type=int, default=8)
    parser.add_argument("--rate-rps-min", type=float, default=0.02)
    arguments = parser.parse_args()
    rates = windows_of_day(arguments.folder / "m-large_client_rates_10min.csv", arguments.day)
    cvs = windows_of_day(arguments.folder / "m-large_client_iatcv_10min.csv", arguments.day)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["client", "iat_cv", *(f"rate_rps_{hour:02d}" for hour in range(HOURS))])
    for client in rates[0]:
        if client == "t_s":
            continue
        cv, hours = client_day(
            [float(row[client] or 0) for row in rates], [float(row[client] or 0) for row in cvs]
        )
        if sum(hours) / HOURS >= arguments.rate_rps_min:
            writer.writerow([client, f"{cv:.3f}", *(f"{rate:.5g}" for rate in hours)])


if __name__ == "__main__":
    main()
