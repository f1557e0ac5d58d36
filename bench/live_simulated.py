"""
The live data plane beside its own simulation: the same arrivals, models, delays and rules.

Real processes (`fermata up`), emulated GPUs, HTTP on loopback, open loop; then the very same arrivals under
a virtual clock. Goodput live over simulated should be at least 0.95 wherever the processor is not the
limit; the last column says whether it was: the client lagged, or the cores were busy for more than nine
tenths. Run as

    python -m bench.live_simulated --json live_simulated.json [--scenarios hot,many] [--shares 0.5,0.9]
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from api.try_out.config import LIVE_DELAYS
from bench.peers.measure import WARM_UP_S, Run, measured
from bench.peers.running import running
from bench.peers.scenarios import SCENARIOS, Scenario
from bench.report import write_json
from dispatcher.contract.sub_cluster import LIVE_RULES
from dispatcher.core.scheduler import ModelSpec
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals
from profiles.latency import AffineCurve

PROCESSOR_BUSY_MAX = 0.9


@dataclass(frozen=True)
class Comparison:
    """One scenario at one rate; ``ratio`` is goodput live over simulated."""

    scenario: str
    rate_rps: float
    live: Run
    simulated_goodput_rps: float
    simulated_bad_rate: float
    simulated_batch_size_mean: float
    ratio: float
    processor_busy: float
    limit: str


def compared(scenario: Scenario, rate_rps: float, seconds: float, seed: int) -> Comparison:
    """Live on a sub-cluster started for it, then simulated."""
    with running("fermata", scenario) as server:
        before = _processor()
        live = measured(server, scenario, rate_rps, seconds, seed)
        idle, total = (b - a for a, b in zip(before, _processor(), strict=True))
    simulated = _simulated(scenario, rate_rps, seconds, seed)
    busy = 1 - idle / total
    limited = not live.client_kept_up or busy > PROCESSOR_BUSY_MAX
    return Comparison(
        scenario.name,
        rate_rps,
        live,
        simulated.goodput_rps,
        simulated.bad_rate,
        simulated.batch_size_mean,
        (1 - live.bad_rate) / (1 - simulated.bad_rate),
        busy,
        "processor" if limited else "none",
    )


def _simulated(scenario: Scenario, rate_rps: float, seconds: float, seed: int) -> SimulationResult:
    """The arrivals that ``measured`` drives, its warm-up left out of the figures there and here."""
    curve = AffineCurve(scenario.alpha_ms * 1e3, scenario.beta_ms * 1e3)
    table_us = curve.table_us(scenario.batch_size_max)
    models = [ModelSpec(name, round(scenario.slo_ms * 1e3), table_us) for name in scenario.model_names]
    index = {name: number for number, name in enumerate(scenario.model_names)}
    due = scenario.arrivals(rate_rps, seconds + WARM_UP_S, seed)
    return simulate_arrivals(
        models,
        scenario.gpus,
        np.array([round(at_s * 1e6) for at_s, _ in due], dtype=np.int64),
        np.array([index[model] for _, model in due], dtype=np.int32),
        delays=LIVE_DELAYS,
        rules=LIVE_RULES,
        duration_us=round((seconds + WARM_UP_S) * 1e6),
        measure_from_us=round(WARM_UP_S * 1e6),
    )


def _processor() -> tuple[int, int]:
    """Idle and total ticks of all cores so far (Linux)."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the comparisons here")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--shares", default="0.5,0.8,1.1", help="of the GPUs' capacity in full batches")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(
        f"{'scenario':>9} {'rate':>6} {'live':>7} {'simulated':>9} {'ratio':>6} {'bad':>7} {'simulated':>9} "
        f"{'batch':>6} {'simulated':>9}  limit"
    )
    found = []
    for scenario in (SCENARIOS[name] for name in arguments.scenarios.split(",")):
        for share in map(float, arguments.shares.split(",")):
            each = compared(scenario, share * scenario.capacity_rps, arguments.seconds, arguments.seed)
            found.append(asdict(each))
            print(
                f"{each.scenario:>9} {each.rate_rps:>6.0f} {each.live.goodput_rps:>7.1f} "
                f"{each.simulated_goodput_rps:>9.1f} {each.ratio:>6.3f} {each.live.bad_rate:>7.2%} "
                f"{each.simulated_bad_rate:>9.2%} {each.live.batch_size_mean:>6.1f} "
                f"{each.simulated_batch_size_mean:>9.1f}  {each.limit} ({each.processor_busy:.0%} busy)",
                flush=True,
            )
    write_json(arguments.json, comparisons=found)


if __name__ == "__main__":
    main()
