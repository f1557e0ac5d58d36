"""
Goodput of every policy: the largest rate with at most 1 % bad, and GPUs busy below it.

Poisson or gamma arrivals, equal rates, no delays, curves of Chen et al. 2023 (arXiv
2308.07470). Run as

    python -m bench.policies --json policies.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals

ALPHA_US, BETA_US = 1_082, 5_204
BAD_RATE_MAX = 0.01
RATE_PRECISION = 0.006
REQUESTS = 150_000
DURATION_S_MIN = 4.0
WARMUP_SHARE = 0.1


@dataclass(frozen=True)
class Regime:
    """Models that share GPUs; the shape is that of gamma inter-arrival times."""

    models: int
    gpus: int
    slo_ms: int
    shape: float = 1.0


GOODPUT_REGIMES = (
    Regime(1, 8, 25),
    Regime(1, 8, 50),
    Regime(4, 8, 25),
    Regime(16, 8, 25),
    Regime(16, 8, 50),
    Regime(64, 32, 50),
    Regime(16, 8, 50, 0.1),
    Regime(1, 8, 25, 0.0625),
    Regime(4, 1, 25),
    Regime(16, 2, 25),
)
BUSY_REGIME = Regime(10, 32, 50)
BUSY_RATES_RPS = (2_000, 6_000, 12_000, 18_000)


def run(regime: Regime, rate_rps: float, policy: Policy) -> SimulationResult:
    """One simulation of all models together at that rate."""
    slo_us = regime.slo_ms * 1_000
    largest = (slo_us - BETA_US) // ALPHA_US
    latency_us = np.array([0, *(ALPHA_US * b + BETA_US for b in range(1, largest + 1))], dtype=np.int64)
    duration_us = int(max(DURATION_S_MIN, REQUESTS / rate_rps) * 1e6)
    random = np.random.default_rng(5)
    rate_each_rps = rate_rps / regime.models
    streams = [gamma_arrivals(random, rate_each_rps, regime.shape, duration_us) for _ in range(regime.models)]
    return simulate_arrivals(
        [ModelSpec(str(m), slo_us, latency_us) for m in range(regime.models)],
        regime.gpus,
        *merged(streams),
        delays=Delays(0, 0, 0),
        rules=Rules(policy),
        measure_from_us=int(WARMUP_SHARE * duration_us),
        duration_us=duration_us,
    )


def goodput_rps(regime: Regime, policy: Policy) -> float:
    low, high = 0.0, regime.gpus / ALPHA_US * 1e6
    while high - low > RATE_PRECISION * high:
        middle = (low + high) / 2
        if run(regime, middle, policy).bad_rate <= BAD_RATE_MAX:
            low = middle
        else:
            high = middle
    return low


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    policies = list(Policy)
    print(f"{'goodput rps':>32} " + " ".join(f"{policy.value:>9}" for policy in policies))
    goodput = []
    for regime in GOODPUT_REGIMES:
        rates = {policy.value: round(goodput_rps(regime, policy)) for policy in policies}
        goodput.append({**asdict(regime), **rates})
        name = f"{regime.models} x {regime.gpus}, {regime.slo_ms} ms, shape {regime.shape:g}"
        print(f"{name:>32} " + " ".join(f"{rates[policy.value]:>9,}" for policy in policies), flush=True)
    print(f"{'GPUs busy of 32 (touched)':>32} " + " ".join(f"{policy.value:>9}" for policy in policies))
    busy = []
    for rate_rps in BUSY_RATES_RPS:
        results = {policy.value: run(BUSY_REGIME, rate_rps, policy) for policy in policies}
        busy.append(
            {
                "rate_rps": rate_rps,
                **{name: (r.gpus_busy_mean, r.gpus_touched) for name, r in results.items()},
            }
        )
        cells = [f"{r.gpus_busy_mean:.1f} ({r.gpus_touched})" for r in results.values()]
        print(f"{f'{rate_rps:,} rps':>32} " + " ".join(f"{cell:>9}" for cell in cells), flush=True)
    if arguments.json is not None:
        document = {"goodput_rps": goodput, "gpus_busy": busy}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
