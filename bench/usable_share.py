"""
The largest load that n GPUs serve with at most 1 % bad: what ``planner.problem.usable_share`` rests on.

Load is what a plan counts, the sum over models of ``rate * l(b) / b`` with the planner's mean
batch b; the policy is adaptive, inter-arrival times are gamma. Rates are halved until the
largest one is known to 1 %, on arrivals of one seed for each size. Run as

    python -m bench.usable_share --json usable_share.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.simulate import simulate_arrivals
from planner.problem.capacity import BatchLaw, batch_law
from planner.problem.problem import Model, ModelProfile
from planner.problem.usable_share import usable_share
from profiles.latency import AffineCurve

BAD_RATE_MAX = 0.01
DELAYS = Delays()
GPUS = (1, 2, 4, 8, 16, 32)
ARRIVAL_CVS = (1.0, 2.0, 4.0)
MODELS = (1, 4, 16)
PROFILES = {
    "resnet 50 ms": (1.082, 5.204, 50.0),
    "resnet 25 ms": (1.082, 5.204, 25.0),
    "bert 100 ms": (5.973, 20.732, 100.0),
}
"""alpha, beta and SLO in milliseconds; the curves are those of Chen et al. 2023, arXiv 2308.07470."""

REQUESTS = 120_000
DURATION_S_MIN = 60.0
WARMUP_SHARE = 0.05
RATE_PRECISION = 0.01


@dataclass(frozen=True)
class Point:
    """The largest usable share found for one regime."""

    profile: str
    gpus: int
    models: int
    arrival_cv: float
    rate_rps: float
    usable_share: float
    planned_share: float


def law_of(profile: str) -> BatchLaw:
    alpha_ms, beta_ms, slo_ms = PROFILES[profile]
    curve = AffineCurve(alpha_ms * 1e3, beta_ms * 1e3)
    largest = max(1, curve.batch_size_within(slo_ms * 1e3, 64))
    return batch_law(
        Model("m", slo_ms, 1, (1.0,), 1.0, {"g": ModelProfile(curve, 1.0, 0.0, largest)}), "g", DELAYS
    )


def bad_rate(
    profile: str, batch_size: int, gpus: int, models: int, arrival_cv: float, rate_rps: float
) -> float:
    """Of one simulation at that rate over all models, which have equal shares of it."""
    slo_us = int(PROFILES[profile][2] * 1e3)
    latency_us = law_of(profile).latency_us[: batch_size + 1].astype(np.int64)
    duration_us = int(max(DURATION_S_MIN, REQUESTS / rate_rps) * 1e6)
    random = np.random.default_rng([gpus, models])
    streams = [gamma_arrivals(random, rate_rps / models, arrival_cv**-2, duration_us) for _ in range(models)]
    return simulate_arrivals(
        [ModelSpec(str(m), slo_us, latency_us) for m in range(models)],
        gpus,
        *merged(streams),
        delays=DELAYS,
        rules=Rules(Policy.ADAPTIVE),
        measure_from_us=int(WARMUP_SHARE * duration_us),
        duration_us=duration_us,
    ).bad_rate


def largest_share(profile: str, gpus: int, models: int, arrival_cv: float) -> Point | None:
    """None where the SLO leaves no batch on so few GPUs."""
    law = law_of(profile)
    batch_size = int(law.batch_sizes(gpus))
    if batch_size == 0:
        return None
    low, high = 0.0, gpus * batch_size / law.latency_us[batch_size] * 1e6
    while high - low > RATE_PRECISION * high:
        middle = (low + high) / 2
        if bad_rate(profile, batch_size, gpus, models, arrival_cv, middle) <= BAD_RATE_MAX:
            low = middle
        else:
            high = middle
    share = models * float(law.load_gpus(low / models, batch_size)) / gpus
    planned = float(usable_share(gpus, arrival_cv))
    return Point(profile, gpus, models, arrival_cv, round(low, 1), round(share, 3), round(planned, 3))


def points() -> Iterator[Point]:
    for profile in PROFILES:
        for models in MODELS:
            for arrival_cv in ARRIVAL_CVS:
                for gpus in GPUS:
                    point = largest_share(profile, gpus, models, arrival_cv)
                    if point is not None:
                        yield point


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the points here")
    arguments = parser.parse_args()
    print(f"{'profile':>13} {'models':>6} {'cv':>4} {'GPUs':>4} {'rate rps':>9} {'usable':>7} {'planned':>7}")
    found = []
    for each in points():
        found.append(asdict(each))
        print(
            f"{each.profile:>13} {each.models:>6} {each.arrival_cv:>4g} {each.gpus:>4} {each.rate_rps:>9,.0f}"
            f" {each.usable_share:>7.3f} {each.planned_share:>7.3f}",
            flush=True,
        )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"points": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
