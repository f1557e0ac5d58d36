"""
How many requests a second the scheduler's core decides on one core of this machine.

The compiled simulator drives it: virtual time, so nothing is waited for; emulating GPUs and
clients is part of what is timed, drawing arrivals is not. Run as

    python -m bench.scheduler --json scheduler.json
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.report import write_json
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.loop import EXECUTED
from dispatcher.simulation.simulate import new_requests, run_requests

ALPHA_US, BETA_US, SLO_US = 1_082, 5_204, 50_000  # ResNet50-like, Chen et al. 2023, arXiv 2308.07470
BATCH_SIZE_MAX = 40
REPEATS = 3


@dataclass(frozen=True)
class Size:
    """How large a sub-cluster, and at which share of what its GPUs can do at the full batch."""

    models: int
    gpus: int
    load: float = 0.7
    requests: int = 1_000_000


@dataclass(frozen=True)
class Measurement:
    """Best of the repeats, in processor time: others on the machine do not count."""

    models: int
    gpus: int
    policy: str
    requests: int
    simulated_s: float
    bad_rate: float
    cpu_s: float
    requests_per_s: float


SIZES = (Size(1, 8), Size(100, 512), Size(1_000, 10_000))


def measure(size: Size, policy: Policy) -> Measurement:
    """Time ``REPEATS`` runs over the same Poisson arrivals."""
    latency_us = np.array([0, *(ALPHA_US * b + BETA_US for b in range(1, BATCH_SIZE_MAX + 1))])
    models = [ModelSpec(f"m{m}", SLO_US, latency_us) for m in range(size.models)]
    rate_rps = size.load * size.gpus * BATCH_SIZE_MAX / latency_us[-1] * 1e6
    duration_us = int(size.requests / rate_rps * 1e6)
    random = np.random.default_rng(1)
    streams = [gamma_arrivals(random, rate_rps / size.models, 1.0, duration_us) for _ in models]
    arrival_us, model_index = merged(streams)
    times_s = []
    for _ in range(REPEATS + 1):  # the first loads or compiles the kernels
        requests = new_requests(models, arrival_us, model_index, Delays())
        began_s = time.process_time()
        run_requests(
            models, size.gpus, requests, delays=Delays(), rules=Rules(policy), measured_us=(0, duration_us)
        )
        times_s.append(time.process_time() - began_s)
    in_time = (requests.outcome == EXECUTED) & (requests.finish_us <= requests.deadline_us)
    cpu_s = min(times_s[1:])
    return Measurement(
        models=size.models,
        gpus=size.gpus,
        policy=policy.value,
        requests=len(arrival_us),
        simulated_s=duration_us / 1e6,
        bad_rate=float(1 - in_time.mean()),
        cpu_s=cpu_s,
        requests_per_s=len(arrival_us) / cpu_s,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the measurements here")
    arguments = parser.parse_args()
    print(f"{'models':>7} {'GPUs':>7} {'policy':>9} {'requests':>10} {'bad rate':>9} {'requests/s':>12}")
    found = []
    for size in SIZES:
        for policy in Policy:
            each = measure(size, policy)
            found.append(asdict(each))
            print(
                f"{each.models:>7,} {each.gpus:>7,} {each.policy:>9} {each.requests:>10,} "
                f"{each.bad_rate:>9.3%} {each.requests_per_s:>12,.0f}",
                flush=True,
            )
    write_json(arguments.json, measurements=found)


if __name__ == "__main__":
    main()
