"""
Cut every day of the ServeGen production trace into hours, for fleets of thousands of models.

    python -m tools.build_trace_days FOLDER > bench/data/servegen/client_days.csv

FOLDER holds ``<workload>_client_rates_10min.csv`` and ``<workload>_client_iatcv_10min.csv`` for
each of ``WORKLOADS`` (one column for each client, one row for each 10-minute window, 14 days).
The output has one line for each client and day: its request-weighted coefficient of variation of
inter-arrival times, then its mean requests per second in each of the 24 hours. Days
below ``--rate-rps-min`` on their mean are left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from tools.build_demo_day import HOURS, client_day, windows_of_day

WORKLOADS = ("m-large", "m-small")
DAYS = 14


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate-rps-min", type=float, default=0.02)
    arguments = parser.parse_args()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["client", "day", "iat_cv", *(f"rate_rps_{hour:02d}" for hour in range(HOURS))])
    for workload in WORKLOADS:
        for day in range(DAYS):
            rates = windows_of_day(arguments.folder / f"{workload}_client_rates_10min.csv", day)
            cvs = windows_of_day(arguments.folder / f"{workload}_client_iatcv_10min.csv", day)
            for client in [name for name in rates[0] if name != "t_s"]:
                cv, hours = client_day(
                    [float(row[client] or 0) for row in rates], [float(row[client] or 0) for row in cvs]
                )
                if sum(hours) / HOURS >= arguments.rate_rps_min:
                    name = f"{workload}-{client}"
                    writer.writerow([name, day, f"{cv:.3f}", *(f"{rate:.4g}" for rate in hours)])


if __name__ == "__main__":
    main()
