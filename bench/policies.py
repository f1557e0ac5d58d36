"""
Every policy compared: the largest rate with at most 1 % bad, GPUs busy below it, random scenarios.

The fixed regimes have Poisson or gamma arrivals, equal rates, no delays and curves of Chen et
al. 2023 (arXiv 2308.07470); for the drawn ones see ``bench.policies_drawn``. Run as

    python -m bench.policies --json policies.json
    python -m bench.policies --random 320 --policies adaptive,eager,deferred --json drawn.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.policies_compared import compared, print_summary
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals

BAD_RATE_MAX = 0.01
RATE_PRECISION = 0.006
REQUESTS = 150_000
DURATION_S_MIN = 4.0
WARMUP_SHARE = 0.1
SEEDS = (5, 6, 7)
DROPS = (DropRule.WINDOW, DropRule.HOPELESS)


@dataclass(frozen=True)
class Regime:
    """Models that share GPUs; the shape is that of gamma inter-arrival times."""

    models: int
    gpus: int
    slo_ms: int
    shape: float = 1.0
    alpha_us: int = 1_082
    beta_us: int = 5_204

    @property
    def name(self) -> str:
        return f"{self.models} x {self.gpus}, {self.slo_ms} ms, shape {self.shape:g}"


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
PUBLISHED = (
    (Regime(1, 8, 25, alpha_us=1_053, beta_us=5_072), 5_354),
    (Regime(10, 16, 50, alpha_us=1_053, beta_us=5_072), 11_912),
)
"""The largest rates with 1 % bad that the scheduler of Chen et al. held when its published code was run."""


def run(
    regime: Regime, rate_rps: float, policy: Policy, drop: DropRule | None = None, seed: int = SEEDS[0]
) -> SimulationResult:
    """One simulation of all models together at that rate."""
    slo_us = regime.slo_ms * 1_000
    largest = (slo_us - regime.beta_us) // regime.alpha_us
    table = [0, *(regime.alpha_us * b + regime.beta_us for b in range(1, largest + 1))]
    latency_us = np.array(table, dtype=np.int64)
    duration_us = int(max(DURATION_S_MIN, REQUESTS / rate_rps) * 1e6)
    random = np.random.default_rng(seed)
    rate_each_rps = rate_rps / regime.models
    streams = [gamma_arrivals(random, rate_each_rps, regime.shape, duration_us) for _ in range(regime.models)]
    return simulate_arrivals(
        [ModelSpec(str(m), slo_us, latency_us) for m in range(regime.models)],
        regime.gpus,
        *merged(streams),
        delays=Delays(0, 0, 0),
        rules=Rules(policy, drop),
        measure_from_us=int(WARMUP_SHARE * duration_us),
        duration_us=duration_us,
    )


def goodput_rps(regime: Regime, policy: Policy, drop: DropRule | None = None) -> float:
    low, high = 0.0, regime.gpus / regime.alpha_us * 1e6
    while high - low > RATE_PRECISION * high:
        middle = (low + high) / 2
        if run(regime, middle, policy, drop).bad_rate <= BAD_RATE_MAX:
            low = middle
        else:
            high = middle
    return low


def goodput_table(policies: list[Policy], drop: DropRule) -> list[dict[str, Any]]:
    """The largest rate of every policy in every fixed regime, printed as found."""
    print(f"{f'goodput rps, drop {drop.value}':>32} " + _heads(policies))
    found = []
    for regime in GOODPUT_REGIMES:
        rates = {policy.value: round(goodput_rps(regime, policy, drop)) for policy in policies}
        found.append({**asdict(regime), "drop": drop.value, **rates})
        print(f"{regime.name:>32} " + " ".join(f"{rate:>9,}" for rate in rates.values()), flush=True)
    return found


def busy_table(policies: list[Policy]) -> list[dict[str, Any]]:
    """GPUs busy, and how many were touched, below saturation."""
    print(f"{'GPUs busy of 32 (touched)':>32} " + _heads(policies))
    found = []
    for rate_rps in BUSY_RATES_RPS:
        results = {policy.value: run(BUSY_REGIME, rate_rps, policy) for policy in policies}
        gpus = {name: (each.gpus_busy_mean, each.gpus_touched) for name, each in results.items()}
        found.append({"rate_rps": rate_rps, **gpus})
        cells = [f"{busy:.1f} ({touched})" for busy, touched in gpus.values()]
        print(f"{f'{rate_rps:,} rps':>32} " + " ".join(f"{cell:>9}" for cell in cells), flush=True)
    return found


def published_table(policies: list[Policy]) -> list[dict[str, Any]]:
    """Bad rates, the mean of several seeds, at the largest rates that the published code held."""
    print(f"{'bad rate, published rate':>32} " + _heads(policies))
    found = []
    for regime, rate_rps in PUBLISHED:
        bad = {}
        for policy in policies:
            rates = [run(regime, rate_rps, policy, seed=seed).bad_rate for seed in SEEDS]
            bad[policy.value] = float(np.mean(rates))
        found.append({**asdict(regime), "rate_rps": rate_rps, **bad})
        print(f"{regime.name + f', {rate_rps:,}':>32} " + " ".join(f"{each:>9.2%}" for each in bad.values()))
    return found


def _heads(policies: list[Policy]) -> str:
    return " ".join(f"{policy.value:>9}" for policy in policies)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--random", type=int, metavar="N", help="compare over N scenarios drawn at random")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first of them")
    parser.add_argument("--policies", help="names with commas; all if left out")
    parser.add_argument("--drops", help="drop rules with commas; window,hopeless if left out")
    arguments = parser.parse_args()
    policies = (
        [Policy(name) for name in arguments.policies.split(",")] if arguments.policies else list(Policy)
    )
    drops = [DropRule(name) for name in arguments.drops.split(",")] if arguments.drops else list(DROPS)
    document: dict[str, Any]
    if arguments.random:
        needed = (Policy.ADAPTIVE, Policy.EAGER, Policy.DEFERRED)
        asked = [*policies, *(policy for policy in needed if policy not in policies)]
        seeds = range(arguments.first, arguments.first + arguments.random)
        comparisons = compared(seeds, asked, drops)
        for drop in drops:
            print_summary(comparisons, asked, drop)
        document = {"drawn": [each.to_json() for each in comparisons]}
    else:
        document = {"goodput_rps": [row for drop in drops for row in goodput_table(policies, drop)]}
        document["gpus_busy"] = busy_table(policies)
        document["published"] = published_table(policies)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
