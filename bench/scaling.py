"""
A sub-cluster that follows scale advice through a day, against the fewest GPUs that hindsight finds.

Each client of a day of the ServeGen trace (``data/servegen/SOURCE.txt``) is a model of its own, with
the curve of one of three networks on an A100 and an SLO of five times the execution time of
one request. Rates change by steps at the 10-minute windows' borders; gaps are gamma of the window's
variation. Hindsight is, for each window, the smallest constant number of GPUs with at
most 1 % of the window's own requests bad, free to change at every border at no cost. Run as

    python -m bench.scaling --json scaling.json
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.observation import Observation
from dispatcher.core.rules import Rules
from dispatcher.core.scale_advice import Advice, Reason, ScaleAdvisor, ScaleRules
from dispatcher.simulation.arrivals import merged
from dispatcher.simulation.scaling import Advisor, Terms, run_with_advice, smallest_fleet
from dispatcher.simulation.simulate import new_requests
from dispatcher.simulation.varying import varying_arrivals
from profiles.catalogue import load_catalogue

DATA = Path(__file__).parent / "data" / "servegen" / "day.csv"
NETWORKS = ("GPT_350M_in512_out32", "GPT_1.3B_in512_out32", "GPT_6.7B_in512_out32")
GPU_TYPE = "A100-80GB"
SLO_FACTOR = 5
RATE_FACTOR = 2.0
WINDOW_US = 600_000_000
INTERVAL_US = 5_000_000
START_UP_US = 30_000_000
GPUS_MAX = 64
BAD_RATE_MAX = 0.01
INTERVALS_PER_HOUR = 720


class IdleTail:
    """N p / (1 - p) more where the bad rate is too high; less by what was idle for two minutes."""

    def __init__(self) -> None:
        self._idle: deque[int] = deque(maxlen=24)

    def advise(self, seen: Observation, gpus: int, gpus_starting: int) -> Advice:
        p = min(seen.bad / max(seen.arrived, 1), 0.5)
        missing = math.ceil((gpus - gpus_starting) * p / (1 - p)) - gpus_starting
        if p > BAD_RATE_MAX and missing > 0:
            self._idle.clear()
            return Advice(missing, Reason.BAD_RATE)
        self._idle.append(seen.gpus_idle_min)
        spare = min(self._idle) - 1
        if len(self._idle) == 24 and spare > 0:
            self._idle.clear()
            return Advice(-spare, Reason.IDLE)
        return Advice(0, Reason.ENOUGH)


class BusySpread:
    """The mean of busy GPUs over a minute and two standard deviations more; N p / (1 - p) as well."""

    def __init__(self) -> None:
        self._busy: deque[float] = deque(maxlen=12)
        self._wanted: deque[int] = deque(maxlen=24)

    def advise(self, seen: Observation, gpus: int, gpus_starting: int) -> Advice:
        p = min(seen.bad / max(seen.arrived, 1), 0.5)
        self._busy.append(seen.busy_us / INTERVAL_US / (1 - p))
        self._wanted.append(math.ceil(np.mean(self._busy) + 2 * np.std(self._busy)))
        missing = math.ceil((gpus - gpus_starting) * p / (1 - p)) - gpus_starting
        if p > BAD_RATE_MAX and missing > 0:
            self._wanted[-1] = max(self._wanted[-1], gpus + missing)
            return Advice(missing, Reason.BAD_RATE)
        if self._wanted[-1] > gpus:
            return Advice(self._wanted[-1] - gpus, Reason.NEED)
        return Advice(min(max(self._wanted) - gpus, 0), Reason.IDLE)


def load_windows() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Requests per second and variation of inter-arrival times, each ``(clients, windows)``."""
    with DATA.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    figures = np.array([[float(cell) for cell in row[2:]] for row in rows])
    return figures[0::2], figures[1::2]


def models_of(clients: int) -> list[ModelSpec]:
    """One model for each client; the networks take turns."""
    specs = []
    for client in range(clients):
        profile = load_catalogue().profile(NETWORKS[client % len(NETWORKS)], GPU_TYPE)
        assert profile is not None
        slo_us = SLO_FACTOR * profile.curve.latency_us(1)
        largest = profile.curve.batch_size_within(slo_us, profile.batch_size_max)
        specs.append(ModelSpec(f"client {client}", slo_us, profile.curve.table_us(largest)))
    return specs


class Day:
    """Some windows of the day: models and arrivals."""

    def __init__(self, from_window: int = 0, to_window: int = 144, seed: int = 0) -> None:
        rates, cvs = load_windows()
        random = np.random.default_rng(seed)
        here = slice(from_window, to_window)
        self.models = models_of(len(rates))
        self.windows = to_window - from_window
        self.duration_us = self.windows * WINDOW_US
        self.arrival_us, self.model_index = merged(
            [
                varying_arrivals(random, RATE_FACTOR * rate[here], cv[here], WINDOW_US)
                for rate, cv in zip(rates, cvs, strict=True)
            ]
        )

    def hindsight(self) -> list[int]:
        """GPUs of each window."""
        found: list[int] = []
        for window in range(self.windows):
            from_us = window * WINDOW_US
            first, last = np.searchsorted(self.arrival_us, [from_us, from_us + WINDOW_US])
            requests = new_requests(
                self.models, self.arrival_us[first:last] - from_us, self.model_index[first:last], Delays()
            )
            guess = found[-1] if found else 12
            found.append(
                smallest_fleet(
                    self.models,
                    requests,
                    guess=guess,
                    bad_rate_max=BAD_RATE_MAX,
                    delays=Delays(),
                    rules=Rules(),
                )
            )
        return found

    def follow(self, advisor: Advisor, hindsight: list[int]) -> dict[str, float]:
        """The figures of a run that begins with two GPUs more than the first window needs."""
        requests = new_requests(self.models, self.arrival_us, self.model_index, Delays())
        terms = Terms(hindsight[0] + 2, GPUS_MAX, INTERVAL_US, START_UP_US)
        done = run_with_advice(self.models, requests, advisor, terms, self.duration_us)
        return {
            "bad_rate": done.bad_rate,
            "worst_model_bad_rate": float(done.bad_rates.max()),
            "gpu_hours": done.gpu_hours,
            "gpu_hours_ratio": done.gpu_hours / (sum(hindsight) * WINDOW_US / 3.6e9),
            "changes": done.changes,
            "gpus_min": int(done.gpus.min()),
            "gpus_max": int(done.gpus.max()),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--windows", type=int, nargs=2, default=(0, 144), help="first, and one after the last"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    day = Day(*arguments.windows, seed=arguments.seed)
    hindsight = day.hindsight()
    advisors: dict[str, Advisor] = {
        "advice": ScaleAdvisor(),
        "advice, headroom from -10 %": ScaleAdvisor(ScaleRules(headroom_min=-0.1)),
        "advice, held for 1 min": ScaleAdvisor(ScaleRules(hold_intervals=12)),
        "idle tail": IdleTail(),
        "spread of busy GPUs": BusySpread(),
    }
    print(
        f"{len(day.arrival_us):,} requests; hindsight {sum(hindsight) / 6:.1f} GPU-hours, "
        f"{min(hindsight)} to {max(hindsight)} GPUs"
    )
    print(f"{'':>28} {'bad':>8} {'worst':>8} {'GPU-hours':>9} {'ratio':>6} {'changes':>7} {'GPUs':>7}")
    figures = {}
    for name, advisor in advisors.items():
        row = figures[name] = day.follow(advisor, hindsight)
        print(
            f"{name:>28} {row['bad_rate']:>8.3%} {row['worst_model_bad_rate']:>8.3%}"
            f" {row['gpu_hours']:>9.1f} "
            f"{row['gpu_hours_ratio']:>6.3f} {row['changes']:>7} {row['gpus_min']:>3}-{row['gpus_max']}",
            flush=True,
        )
    if arguments.json is not None:
        document = {"requests": len(day.arrival_us), "hindsight_gpus": hindsight, "advisors": figures}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
