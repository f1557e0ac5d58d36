"""
The planner's capacity model, from the dispatcher's own simulation. Run as

    python -m bench.capacity_model            # fit the stored study, print its residuals
    python -m bench.capacity_model --refit    # simulate it anew; rewrite study, factors, tables and figure
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from bench.capacity_model.fit import QUANTILE, Factors, fit, sample_of
from bench.capacity_model.report import draw_figure, tables
from bench.capacity_model.study import Case, draw, measure
from planner.executor import processors

ROOT = Path(__file__).resolve().parents[2]
STUDY = Path(__file__).with_name("study.csv")
FACTORS = ROOT / "planner" / "problem" / "usable_share_fit.py"
PAGE = ROOT / "docs" / "studies" / "capacity-model.md"
FIGURE = ROOT / "docs" / "images" / "capacity-model.png"
BEGIN, END = "<!-- tables: written by bench.capacity_model -->", "<!-- end of tables -->"
CASES = 2_000
COLUMNS = ("case", "gpus", "models", "mix", "rates", "usable_share")

Measured = Sequence[tuple[Case, float]]


def write_study(measured: Measured) -> None:
    with STUDY.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for case, share in measured:
            rows.writerow([case.number, case.gpus, len(case.members), case.mix, case.rates, f"{share:.4f}"])


def read_study() -> Measured:
    with STUDY.open(encoding="utf-8", newline="") as file:
        return [(draw(int(row["case"])), float(row["usable_share"])) for row in csv.DictReader(file)]


def write_factors(factors: Factors, cases: int) -> None:
    FACTORS.write_text(
        f'''"""
The factors of ``usable_share``. Written by ``python -m bench.capacity_model --refit``; not by hand.

Unit: none. Source: {cases:,} simulated sub-clusters (bench/capacity_model/study.csv), two thirds of them
fitted at the quantile {QUANTILE:g}; residuals in docs/studies/capacity-model.md.
"""

LINEAR = {factors.linear}
QUADRATIC = {factors.quadratic}
''',
        encoding="utf-8",
    )


def write_page(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--refit", action="store_true", help="simulate, fit and rewrite all that follows")
    parser.add_argument(
        "--rewrite", action="store_true", help="rewrite all that follows from the stored study"
    )
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--processes", type=int, default=processors())
    arguments = parser.parse_args()
    if arguments.refit:
        began_s = time.monotonic()
        measured: Measured = list(measure(range(arguments.cases), arguments.processes))
        write_study(measured)
        print(f"{len(measured)} cases in {time.monotonic() - began_s:.0f} s on {platform.machine()}")
    else:
        measured = read_study()
    sample = sample_of(measured)
    factors = fit(sample)
    text = tables(sample, factors)
    print(f"a = {factors.linear}, b = {factors.quadratic}\n\n{text}")
    if arguments.refit or arguments.rewrite:
        write_factors(factors, len(measured))
        write_page(text)
        draw_figure(sample, factors, FIGURE)


if __name__ == "__main__":
    main()
