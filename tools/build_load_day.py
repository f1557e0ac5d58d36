"""
Cut one day of 10-minute windows out of the ServeGen production trace, for ``bench.scaling``.

    python -m tools.build_load_day FOLDER --day 8 > bench/data/servegen/day.csv

FOLDER holds ``m-large_client_rates_10min.csv`` and ``m-large_client_iatcv_10min.csv``
(one column for each client, one row for each window). The output has two lines a client, the
largest client first: its requests per second in each window, then its coefficient of variation
of inter-arrival times. Clients below ``--rate-rps-min`` on the day's mean are left out, and
those whose request-weighted variation is above ``--cv-max``: they send whole jobs at once,
which no number of GPUs answers within a deadline of seconds.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from tools.build_demo_day import HOURS, WINDOWS_PER_HOUR, client_day, windows_of_day


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--day", type=int, default=8)
    parser.add_argument("--rate-rps-min", type=float, default=0.05)
    parser.add_argument("--cv-max", type=float, default=3.0)
    arguments = parser.parse_args()
    rates = windows_of_day(arguments.folder / "m-large_client_rates_10min.csv", arguments.day)
    cvs = windows_of_day(arguments.folder / "m-large_client_iatcv_10min.csv", arguments.day)
    kept = []
    for client in rates[0]:
        if client == "t_s":
            continue
        rate = [float(row[client] or 0) for row in rates]
        cv = [float(row[client] or 0) for row in cvs]
        mean_rps = sum(rate) / len(rate)
        if mean_rps >= arguments.rate_rps_min and client_day(rate, cv)[0] <= arguments.cv_max:
            kept.append((-mean_rps, client, rate, cv))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    windows = range(WINDOWS_PER_HOUR * HOURS)
    writer.writerow(["client", "quantity", *(f"w{window:03d}" for window in windows)])
    for _, client, rate, cv in sorted(kept):
        writer.writerow([client, "rate_rps", *(f"{value:g}" for value in rate)])
        writer.writerow([client, "iat_cv", *(f"{value:g}" for value in cv)])


if __name__ == "__main__":
    main()
