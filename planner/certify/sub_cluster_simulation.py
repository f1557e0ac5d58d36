"""One sub-cluster of a plan under the dispatcher's own core: its models, its arrivals, its evidence."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals
from planner.certify.certificate import EpochEvidence, Verdict
from planner.certify.interval import RateInterval, bad_rate_interval
from planner.plan.plan import SubCluster
from planner.problem.capacity import load_gpus, slo_us
from planner.problem.problem import PlanningProblem

POLICY = Policy.ADAPTIVE
REQUESTS_PER_REPLICATION = 20_000
REPLICATION_S_MIN, REPLICATION_S_MAX = 30.0, 1_200.0
WARMUP_S = 5.0
REPLICATIONS_MIN, REPLICATIONS_MAX = 3, 32
US_PER_S = 1e6
ARRIVAL_CV_MIN = 0.05  # all but equal times; the gamma shape of 0 would be infinite


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is simulated for one epoch; ``duration_s`` None takes as long as enough requests need."""

    replications_min: int = REPLICATIONS_MIN
    replications_max: int = REPLICATIONS_MAX
    duration_s: float | None = None


@dataclass(slots=True)
class _Tally:
    """What the replications so far add up to."""

    bad: list[int] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    batches: int = 0
    items: float = 0.0
    by_model: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, result: SimulationResult) -> None:
        counts = {m.model_id: (m.late + m.dropped + m.rejected, m.arrived) for m in result.models}
        self.bad.append(sum(bad for bad, _ in counts.values()))
        self.arrived.append(sum(arrived for _, arrived in counts.values()))
        self.busy.append(result.gpu_busy_share)
        for model in result.models:
            self.batches += model.batches
            self.items += model.batches * model.batch_size_mean if model.batches else 0.0
            counted = self.by_model.setdefault(model.model_id, np.zeros(2, dtype=np.int64))
            counted += counts[model.model_id]

    def worst_model(self) -> tuple[str, float]:
        rates = {name: bad / arrived for name, (bad, arrived) in self.by_model.items() if arrived}
        name = max(sorted(rates), key=lambda each: rates[each], default="")
        return name, float(rates.get(name, 0.0))


def model_specs(problem: PlanningProblem, cluster: SubCluster) -> list[ModelSpec]:
    """The sub-cluster's models as the scheduler sees them, in the order of its placements."""
    specs = []
    for placement in cluster.placements:
        model = problem.models[placement.model]
        table = model.profiles[cluster.gpu_type].curve.table_us(placement.batch_size)
        specs.append(ModelSpec(model.id, slo_us(model), table))
    return specs


def gamma_shape(arrival_cv: float) -> float:
    """The shape of gamma inter-arrival times with that coefficient of variation; at least a tiny one."""
    return 1 / max(arrival_cv, ARRIVAL_CV_MIN) ** 2


def worst_epochs(problem: PlanningProblem, cluster: SubCluster, count: int) -> list[int]:
    """The epochs in which the sub-cluster's GPUs are busiest, at most ``count``, the worst first."""
    load = np.zeros(len(problem.epochs))
    for placement in cluster.placements:
        model = problem.models[placement.model]
        rate_rps = np.array(model.demand_rps) * np.array(placement.share)
        load += load_gpus(model, cluster.gpu_type, rate_rps, placement.batch_size, problem.policy.delays)
    busy = load / np.maximum(1, np.array(cluster.gpus))
    return [int(epoch) for epoch in np.argsort(-busy, kind="stable")[:count]]


def simulate_epoch(
    problem: PlanningProblem, cluster: SubCluster, epoch: int, *, seed: int, budget: Budget
) -> EpochEvidence:
    """Replications of one epoch until their interval decides against the limit, or the budget ends."""
    rates = [problem.models[p.model].demand_rps[epoch] * p.share[epoch] for p in cluster.placements]
    specs, tally = model_specs(problem, cluster), _Tally()
    limit = problem.policy.bad_rate_max
    interval, verdict = RateInterval(0.0, 0.0, 0.0), Verdict.PASSED
    while sum(rates) > 0 and len(tally.bad) < budget.replications_max:
        entropy = [seed, zlib.crc32(cluster.id.encode()), epoch, len(tally.bad)]
        rng = np.random.default_rng(entropy)
        tally.add(_replication(problem, cluster, specs, rates, epoch, rng, budget))
        interval = bad_rate_interval(tally.bad, tally.arrived)
        verdict = _verdict(interval, limit)
        if len(tally.bad) >= budget.replications_min and verdict is not Verdict.UNDECIDED:
            break
    name, worst = tally.worst_model()
    return EpochEvidence(
        epoch=epoch,
        gpus=cluster.gpus[epoch],
        rate_rps=float(sum(rates)),
        replications=len(tally.bad),
        requests=sum(tally.arrived),
        bad_rate=interval.rate,
        bad_rate_low=interval.low,
        bad_rate_high=interval.high,
        verdict=verdict,
        worst_model=name,
        worst_model_bad_rate=worst,
        gpu_busy_share=float(np.mean(tally.busy)) if tally.busy else 0.0,
        batch_size_mean=tally.items / tally.batches if tally.batches else 0.0,
    )


def _verdict(interval: RateInterval, limit: float) -> Verdict:
    if interval.high <= limit:
        return Verdict.PASSED
    return Verdict.FAILED if interval.low > limit else Verdict.UNDECIDED


def _replication(
    problem: PlanningProblem,
    cluster: SubCluster,
    specs: Sequence[ModelSpec],
    rates: Sequence[float],
    epoch: int,
    rng: np.random.Generator,
    budget: Budget,
) -> SimulationResult:
    wanted_s = REQUESTS_PER_REPLICATION / sum(rates)
    measured_s = budget.duration_s or min(max(wanted_s, REPLICATION_S_MIN), REPLICATION_S_MAX)
    duration_us = round((WARMUP_S + measured_s) * US_PER_S)
    times = [
        gamma_arrivals(rng, rate, gamma_shape(problem.models[p.model].arrival_cv), duration_us)
        for p, rate in zip(cluster.placements, rates, strict=True)
    ]
    arrival_us = np.concatenate(times)
    index = np.repeat(np.arange(len(times), dtype=np.int32), [len(each) for each in times])
    order = np.argsort(arrival_us, kind="stable")
    return simulate_arrivals(
        specs,
        cluster.gpus[epoch],
        arrival_us[order],
        index[order],
        delays=problem.policy.delays,
        rules=Rules(POLICY),
        measure_from_us=round(WARMUP_S * US_PER_S),
        duration_us=duration_us,
    )
