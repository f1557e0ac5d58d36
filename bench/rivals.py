"""
Goodput of the rivals in the two settings in which others have been measured.

One model on 8 GPUs, SLO 25 ms, and ten on 16 GPUs, SLO 50 ms; equal Poisson rates, no delays, the
curve of the measurements (alpha 1.053, beta 5.072 ms). Goodput is the largest rate at which at most
1 % of the worst model's requests are bad. Run as

    python -m bench.rivals --json rivals.json
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.report import write_json
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals

ALPHA_US, BETA_US = 1_053, 5_072
BAD_RATE_MAX = 0.01
RATE_PRECISION = 0.004
DURATION_US = 32_000_000
WARMUP_US = 2_000_000


@dataclass(frozen=True)
class Setting:
    """Models that share GPUs, and rates that certainly are and are not held."""

    models: int
    gpus: int
    slo_ms: int
    low_rps: float
    high_rps: float


SETTINGS = (Setting(1, 8, 25, 500, 6_500), Setting(10, 16, 50, 1_000, 14_000))
CONTENDERS = (
    Rules(Policy.CLOCKWORK),
    Rules(Policy.CLOCKWORK, DropRule.WINDOW),
    Rules(Policy.NEXUS),
    Rules(Policy.NEXUS, DropRule.HOPELESS),
    Rules(Policy.SHEPHERD),
    Rules(Policy.SHEPHERD, DropRule.WINDOW),
    Rules(Policy.EAGER, DropRule.HOPELESS),
    Rules(Policy.DEFERRED),
    Rules(Policy.ADAPTIVE),
)


def run(setting: Setting, rules: Rules, rate_rps: float) -> SimulationResult:
    """One simulation of all models together at that rate."""
    slo_us = setting.slo_ms * 1_000
    largest = (slo_us - BETA_US) // ALPHA_US
    latency_us = np.array([0, *(ALPHA_US * b + BETA_US for b in range(1, largest + 1))], dtype=np.int64)
    random = np.random.default_rng(1)
    each_rps = rate_rps / setting.models
    streams = [gamma_arrivals(random, each_rps, 1.0, DURATION_US) for _ in range(setting.models)]
    return simulate_arrivals(
        [ModelSpec(str(m), slo_us, latency_us) for m in range(setting.models)],
        setting.gpus,
        *merged(streams),
        delays=Delays(0, 0, 0),
        rules=rules,
        measure_from_us=WARMUP_US,
        duration_us=DURATION_US,
    )


def goodput(setting: Setting, rules: Rules) -> tuple[float, SimulationResult]:
    """The largest rate held, found by halving, and the run at that rate."""
    low, high = setting.low_rps, setting.high_rps
    found = run(setting, rules, low)
    while high - low > RATE_PRECISION * high:
        middle = (low + high) / 2
        result = run(setting, rules, middle)
        if max(model.bad_rate for model in result.models) <= BAD_RATE_MAX:
            low, found = middle, result
        else:
            high = middle
    return low, found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    rows = []
    print(f"{'models x GPUs, SLO':>20} {'policy':>10} {'drop':>9} {'rps':>8} {'batch':>6} {'busy':>6}")
    for setting in SETTINGS:
        for rules in CONTENDERS:
            rate_rps, result = goodput(setting, rules)
            name = f"{setting.models} x {setting.gpus}, {setting.slo_ms} ms"
            print(
                f"{name:>20} {rules.policy.value:>10} {rules.drop_rule.value:>9} {rate_rps:>8,.0f} "
                f"{result.batch_size_mean:>6.1f} {result.gpu_busy_share:>6.1%}",
                flush=True,
            )
            rows.append(
                {
                    **asdict(setting),
                    "policy": rules.policy.value,
                    "drop": rules.drop_rule.value,
                    "goodput_rps": round(rate_rps),
                    "batch_size_mean": result.batch_size_mean,
                    "gpu_busy_share": result.gpu_busy_share,
                }
            )
    write_json(arguments.json, goodput=rows)


if __name__ == "__main__":
    main()
