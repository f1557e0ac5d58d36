"""
What scheduling by a quantile of measured execution times gains where times vary, and costs where they do not.

Every batch takes its curve's time multiplied by a lognormal number of mean ``factor`` and coefficient of
variation ``cv``. Load is a share of what the GPUs could do with batches of the largest size that deferral
allows, at the profile's times. The bad rate counts dropped, refused and late requests. Run as

    python -m bench.variance --json variance.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.report import write_json
from dispatcher.core.rules import Rules
from dispatcher.simulation.execution import Execution
from dispatcher.simulation.scenario import ArrivalKind, Arrivals, GpuGroup, Scenario, ScenarioModel
from dispatcher.simulation.simulate import simulate
from profiles.latency import AffineCurve

ALPHA_US, BETA_US = 1_053, 5_072  # ResNet50 on GTX 1080 Ti, Chen et al. 2023, arXiv 2308.07470
DURATION_S, WARMUP_S = 12, 4
SEED = 1


@dataclass(frozen=True)
class Setting:
    """Models that share GPUs evenly."""

    models: int
    gpus: int
    slo_ms: int


@dataclass(frozen=True)
class Measurement:
    """One run."""

    models: int
    gpus: int
    slo_ms: int
    load: float
    cv: float
    factor: float
    time_quantile: float | None
    offered_rps: float
    goodput_rps: float
    bad_rate: float
    late_share: float
    gpus_busy_mean: float


SETTINGS = (Setting(1, 8, 25), Setting(10, 16, 50))
LOADS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
EXECUTIONS = (
    Execution(),
    Execution(0.05),
    Execution(0.1),
    Execution(0.3),
    Execution(0.0, 1.3),
    Execution(0.1, 1.3),
)
QUANTILES = (None, 0.5, 0.9, 0.99)


def full_rate_rps(setting: Setting) -> float:
    """Of the N GPUs with the largest batches that are in time when staggered: l(b)(1 + 1/N) <= SLO."""
    execution_us = setting.slo_ms * 1_000 * setting.gpus / (setting.gpus + 1)
    size = int((execution_us - BETA_US) / ALPHA_US)
    return setting.gpus * size / (ALPHA_US * size + BETA_US) * 1e6


def measure(setting: Setting, load: float, execution: Execution, quantile: float | None) -> Measurement:
    """One run of Poisson arrivals, the same for every execution and quantile."""
    rate_rps = load * full_rate_rps(setting) / setting.models
    models = tuple(
        ScenarioModel(
            id=f"m{m}",
            slo_us=setting.slo_ms * 1_000,
            curve=AffineCurve(ALPHA_US, BETA_US),
            batch_size_max=64,
            queue_max=10_000,
            arrivals=Arrivals(ArrivalKind.POISSON, rate_rps),
        )
        for m in range(setting.models)
    )
    groups = (GpuGroup("gpu", setting.gpus, 1.0),)
    spans_us = DURATION_S * 1_000_000, WARMUP_S * 1_000_000
    result = simulate(
        Scenario(SEED, *spans_us, models, groups, execution=execution), Rules(time_quantile=quantile)
    )
    return Measurement(
        models=setting.models,
        gpus=setting.gpus,
        slo_ms=setting.slo_ms,
        load=load,
        cv=execution.cv,
        factor=execution.factor,
        time_quantile=quantile,
        offered_rps=result.offered_rps,
        goodput_rps=result.goodput_rps,
        bad_rate=result.bad_rate,
        late_share=result.late / max(result.arrived, 1),
        gpus_busy_mean=result.gpus_busy_mean,
    )


def measured() -> Iterator[list[Measurement]]:
    """For each setting, execution and load: the quantiles side by side."""
    for setting in SETTINGS:
        for execution in EXECUTIONS:
            for load in LOADS:
                yield [measure(setting, load, execution, quantile) for quantile in QUANTILES]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the measurements here")
    arguments = parser.parse_args()
    heads = "".join(f" {'profile' if each is None else f'q {each}':>18}" for each in QUANTILES)
    print(f"{'models x GPUs, SLO':>20} {'cv':>5} {'factor':>6} {'load':>5}{heads}  (goodput req/s, bad rate)")
    found = []
    for row in measured():
        found.extend(asdict(each) for each in row)
        one = row[0]
        name = f"{one.models} x {one.gpus}, {one.slo_ms} ms"
        cells = "".join(f" {each.goodput_rps:>9,.0f} {each.bad_rate:>8.2%}" for each in row)
        print(f"{name:>20} {one.cv:>5} {one.factor:>6} {one.load:>5}{cells}", flush=True)
    write_json(arguments.json, measurements=found)


if __name__ == "__main__":
    main()
