"""
Cut every day out of the ServeGen production trace by the hour, for ``bench.replans``.

    python -m tools.build_load_days FOLDER > bench/data/servegen/days.csv

FOLDER holds ``m-large_client_rates_10min.csv`` and ``m-large_client_iatcv_10min.csv``
(one column for each client, one row for each 10-minute window). The output has one line a
client and day, the largest client first: the client's request-weighted coefficient of variation
of inter-arrival times over all days, then its mean requests per second in each of the day's 24
hours, to three digits. Clients below ``--rate-rps-min`` on the mean of all days are left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from itertools import chain
from pathlib import Path

from tools.build_demo_day import HOURS, client_day, windows_of_day

DAYS = 14


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate-rps-min", type=float, default=0.2)
    arguments = parser.parse_args()
    days = [
        [windows_of_day(arguments.folder / f"m-large_client_{name}_10min.csv", day) for day in range(DAYS)]
        for name in ("rates", "iatcv")
    ]
    kept = []
    for client in days[0][0][0]:
        if client == "t_s":
            continue
        rates, cvs = ([[float(row[client] or 0) for row in day] for day in quantity] for quantity in days)
        mean_rps = sum(map(sum, rates)) / sum(map(len, rates))
        if mean_rps >= arguments.rate_rps_min:
            cv, _ = client_day(list(chain(*rates)), list(chain(*cvs)))
            kept.append((-mean_rps, client, cv, [client_day(day, day)[1] for day in rates]))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["client", "day", "iat_cv", *(f"rate_rps_{hour:02d}" for hour in range(HOURS))])
    for _, client, cv, by_day in sorted(kept):
        for day, hours in enumerate(by_day):
            writer.writerow([client, day, f"{cv:.3g}", *(f"{rate:.3g}" for rate in hours)])


if __name__ == "__main__":
    main()
