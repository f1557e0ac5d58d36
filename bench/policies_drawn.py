r"""
Scenarios drawn at random from a seed, for comparing policies over more than hand-picked cases.

Models and their latency curves come from the shipped catalogue (``profiles/data``), all of one
scenario on one GPU type. The load is relative to the GPU time that ideal deferral would need,
:math:`\sum_m r_m \ell(b_m) / b_m` over the number of GPUs, where :math:`b_m` is the largest batch
with :math:`(1 + 1/n)\,\ell(b) \le SLO` that also fills:
:math:`b \le (1 + r (SLO - \ell(1))) / (1 + r \alpha)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals
from profiles.catalogue import load_catalogue

MODELS_MAX, GPUS_MAX = 128, 256
SLO_MS_MIN, SLO_MS_MAX = 10.0, 500.0
SHAPE_MIN, SHAPE_MAX = 0.1, 10.0
LOAD_MIN, LOAD_MAX = 0.1, 1.5
SLO_IN_EXECUTIONS_MIN = 1.5
"""A model is drawn for an SLO of at least so many times its batch of one."""
BATCH_SIZE_MAX = 64
REQUESTS, REQUESTS_MAX = 80_000, 500_000
DURATION_S_MIN, DURATION_S_MAX = 2.0, 600.0
DURATION_SLOS_MIN = 20
WARMUP_SHARE = 0.15
TRACE = Path(__file__).parent / "azure_llm_2023" / "gaps_us.csv"


@dataclass(frozen=True, eq=False)
class DrawnScenario:
    """Models that share equal GPUs, and when their requests come."""

    name: str
    load: float
    gpus: int
    delays: Delays
    specs: tuple[ModelSpec, ...]
    rates_rps: tuple[float, ...]
    arrival_us: NDArray[np.int64]
    model_index: NDArray[np.int32]
    duration_us: int


def drawn_scenario(seed: int) -> DrawnScenario:
    """The scenario of that seed."""
    random = np.random.default_rng([4, seed])
    while True:
        found = _drawn(random, seed)
        if found is not None:
            return found


def run(scenario: DrawnScenario, rules: Rules) -> SimulationResult:
    """Goodput and the rest after the warm-up."""
    return simulate_arrivals(
        scenario.specs,
        scenario.gpus,
        scenario.arrival_us,
        scenario.model_index,
        delays=scenario.delays,
        rules=rules,
        measure_from_us=int(WARMUP_SHARE * scenario.duration_us),
        duration_us=scenario.duration_us,
    )


def _drawn(random: np.random.Generator, seed: int) -> DrawnScenario | None:
    """None where no model fits the SLO or the run would be too long."""
    count = _log_uniform_count(random, MODELS_MAX)
    gpus = _log_uniform_count(random, GPUS_MAX)
    load = float(random.uniform(LOAD_MIN, LOAD_MAX))
    delays = Delays() if random.random() < 0.3 else Delays(0, 0, 0)
    specs = _drawn_specs(random, count, delays)
    if not specs:
        return None
    shares = random.dirichlet(np.full(count, float(random.choice([0.5, 3.0, 1_000.0]))))
    total_rps = _rate_of_load(specs, shares, gpus, load, delays)
    slo_s = max(spec.slo_us for spec in specs) / 1e6
    least_s = max(DURATION_S_MIN, DURATION_SLOS_MIN * slo_s)
    duration_s = min(max(least_s, REQUESTS / total_rps), DURATION_S_MAX)
    if total_rps * duration_s > REQUESTS_MAX:
        return None
    duration_us = int(duration_s * 1e6)
    kind = str(random.choice(["poisson", "gamma", "trace"], p=[0.4, 0.4, 0.2]))
    shape = 1.0
    if kind == "gamma":
        shape = float(np.exp(random.uniform(np.log(SHAPE_MIN), np.log(SHAPE_MAX))))
        kind = f"gamma {shape:.2g}"
    rates_rps = tuple(float(total_rps * share) for share in shares)
    if kind == "trace":
        streams = [_trace_arrivals(random, rate, duration_us) for rate in rates_rps]
    else:
        streams = [gamma_arrivals(random, rate, shape, duration_us) for rate in rates_rps]
    arrival_us, model_index = merged(streams)
    slos = sorted({spec.slo_us // 1_000 for spec in specs})
    slo = f"{slos[0]}" if len(slos) == 1 else f"{slos[0]}-{slos[-1]}"
    name = f"#{seed}: {count} x {gpus}, {slo} ms, {kind}, load {load:.0%}"
    return DrawnScenario(name, load, gpus, delays, specs, rates_rps, arrival_us, model_index, duration_us)


def _drawn_specs(random: np.random.Generator, count: int, delays: Delays) -> tuple[ModelSpec, ...]:
    """Copies of one model or different ones, of one SLO or of several; none if none fits."""
    catalogue = load_catalogue()
    gpu_type = str(random.choice(list(catalogue.gpu_types)))
    slos_us = [_log_uniform(random, SLO_MS_MIN, SLO_MS_MAX) * 1e3]
    if random.random() < 0.3:
        slos_us = [min(slos_us[0] * ratio, SLO_MS_MAX * 1e3) for ratio in (1.0, 2.0, 4.0)]
    budget_us = slos_us[0] - delays.ctrl_us - delays.data_us - delays.resp_us
    profiles = [catalogue.profiles[model, gpu_type] for model in catalogue.models_on(gpu_type)]
    profiles = [each for each in profiles if SLO_IN_EXECUTIONS_MIN * each.curve.latency_us(1) <= budget_us]
    if not profiles:
        return ()
    if random.random() < 0.5:
        profiles = [profiles[random.integers(len(profiles))]]
    specs = []
    for m in range(count):
        profile = profiles[random.integers(len(profiles))]
        slo_us = int(slos_us[random.integers(len(slos_us))])
        most = profile.curve.batch_size_within(slo_us, min(profile.batch_size_max, BATCH_SIZE_MAX))
        specs.append(ModelSpec(str(m), slo_us, profile.curve.table_us(most)))
    return tuple(specs)


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _log_uniform_count(random: np.random.Generator, most: int) -> int:
    return min(int(_log_uniform(random, 1, most + 1)), most)


def _rate_of_load(
    specs: Sequence[ModelSpec], shares: NDArray[np.float64], gpus: int, load: float, delays: Delays
) -> float:
    """The rate of all models together at which ideal deferral would keep ``load`` of the GPUs busy."""
    low, high = 0.0, 1e7
    while high - low > 1e-4 * high:
        rate = (low + high) / 2
        pairs = zip(specs, shares.tolist(), strict=True)
        busy = sum(_gpus_needed(spec, rate * share, gpus, delays) for spec, share in pairs)
        if busy < load * gpus:
            low = rate
        else:
            high = rate
    return max(low, 1e-3)


def _gpus_needed(spec: ModelSpec, rate_rps: float, gpus: int, delays: Delays) -> float:
    execution_us = spec.latency_us
    budget_us = spec.slo_us - delays.ctrl_us - delays.resp_us - delays.data_us
    sizes = np.arange(1, len(execution_us))
    staggered = max(1, int(sizes[(1 + 1 / gpus) * execution_us[1:] <= budget_us].max(initial=1)))
    alpha_us = float(execution_us[staggered] - execution_us[1]) / max(1, staggered - 1)
    rate = rate_rps / 1e6
    filled = (1 + rate * (budget_us - float(execution_us[1]))) / (1 + rate * alpha_us)
    b = min(float(staggered), max(1.0, filled))
    return rate * float(np.interp(b, sizes, execution_us[1:])) / b


@cache
def _trace_gaps() -> NDArray[np.float64]:
    """Times between requests of the trace, in units of their mean."""
    gaps_us = np.loadtxt(TRACE, skiprows=1)
    return np.asarray(gaps_us / gaps_us.mean(), dtype=np.float64)


def _trace_arrivals(random: np.random.Generator, rate_rps: float, duration_us: int) -> NDArray[np.int64]:
    """The trace from a random request on, over and over, its time stretched to the rate."""
    gaps = _trace_gaps()
    first = int(random.integers(len(gaps)))
    rounds = int(duration_us * rate_rps / 1e6 / len(gaps)) + 2
    times_us = np.cumsum(np.tile(np.roll(gaps, -first), rounds)) * 1e6 / rate_rps
    return times_us[: np.searchsorted(times_us, duration_us)].astype(np.int64)
