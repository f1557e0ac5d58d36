"""Check a plan against its problem, knowing nothing of how it was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from planner.plan.breaches import forbidden, still_broken
from planner.plan.places import misplaced
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster
from planner.problem.capacity import (
    batch_law,
    batch_size_feasible,
    latency_feasible,
    latency_needed_us,
    need_gpus,
)
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import GpuReservation, PlanningProblem

SHARE_TOLERANCE = 1e-6
GIB_TOLERANCE = 1e-6
GPU_TOLERANCE = 1e-6
RELATIVE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that the plan breaks, where, and by how much (in the rule's own unit)."""

    constraint: str
    message: str
    amount: float

    def __str__(self) -> str:
        return f"{self.constraint}: {self.message}"


def verify(problem: PlanningProblem, plan: Plan) -> list[Violation]:
    """Everything that the plan breaks; empty when it is a plan for this problem and says the truth."""
    shape = list(_shape(problem, plan))
    if shape:
        return shape
    clusters = chain.from_iterable(_sub_cluster(problem, cluster) for cluster in plan.sub_clusters)
    return [
        *_placed(problem, plan),
        *_whole(problem, plan),
        *clusters,
        *_rules(problem, plan),
        *_claims(problem, plan),
    ]


def cost_usd_per_hour(problem: PlanningProblem, plan: Plan) -> float:
    """Dollars per hour, the mean over the horizon weighted by the epochs' hours."""
    return _usd_per_hour(problem, ((cluster, cluster.gpus) for cluster in plan.sub_clusters))


def objective_usd_per_hour(problem: PlanningProblem, plan: Plan) -> float:
    """The same for the GPUs that the capacity model asks for, whatever a certificate made of them."""
    return _usd_per_hour(problem, ((cluster, counts_planned(cluster)) for cluster in plan.sub_clusters))


def counts_planned(cluster: SubCluster) -> tuple[int, ...]:
    """GPUs by epoch under the capacity model."""
    return cluster.gpus if cluster.gpus_planned is None else cluster.gpus_planned


def _usd_per_hour(problem: PlanningProblem, counted: Iterable[tuple[SubCluster, tuple[int, ...]]]) -> float:
    total = sum(
        problem.gpu_types[cluster.gpu_type].price_usd_per_hour * gpus * epoch.hours
        for cluster, counts in counted
        for gpus, epoch in zip(counts, problem.epochs, strict=True)
    )
    return total / problem.horizon_hours


def _shape(problem: PlanningProblem, plan: Plan) -> Iterator[Violation]:
    """Names that the problem knows, one value for each epoch; without them nothing else can be judged."""
    epochs = len(problem.epochs)
    pools = {(pool.gpu_type, pool.zone) for pool in problem.pools}
    for name, count in Counter(cluster.id for cluster in plan.sub_clusters).items():
        if count > 1:
            yield Violation("unique", f"sub-cluster {name} appears {count} times", count - 1)
    for cluster in plan.sub_clusters:
        if (cluster.gpu_type, cluster.zone) not in pools:
            yield Violation("known", f"{cluster.id}: no pool {cluster.gpu_type}/{cluster.zone}", 1)
        if len(cluster.gpus) != epochs:
            yield Violation(
                "epochs", f"{cluster.id} has {len(cluster.gpus)} GPU counts for {epochs} epochs", 1
            )
        if cluster.gpus_planned is not None and len(cluster.gpus_planned) != epochs:
            text = f"{cluster.id} has {len(cluster.gpus_planned)} planned GPU counts for {epochs} epochs"
            yield Violation("epochs", text, 1)
        for name, count in Counter(p.model for p in cluster.placements).items():
            if count > 1:
                yield Violation("unique", f"{cluster.id} holds {name} {count} times", count - 1)
        for placement in cluster.placements:
            yield from _named(problem, placement.model, placement.share, cluster.id)
            model = problem.models.get(placement.model)
            if model is not None and cluster.gpu_type not in model.profiles:
                yield Violation("known", f"{placement.model} has no profile on {cluster.gpu_type}", 1)
    for name, count in Counter(u.model for u in plan.unserved).items():
        if count > 1:
            yield Violation("unique", f"{name} is listed {count} times as unserved", count - 1)
    for unserved in plan.unserved:
        yield from _named(problem, unserved.model, unserved.share, "unserved")


def _named(problem: PlanningProblem, model: str, share: tuple[float, ...], where: str) -> Iterator[Violation]:
    if model not in problem.models:
        yield Violation("known", f"{where}: unknown model {model}", 1)
    if len(share) != len(problem.epochs):
        yield Violation(
            "epochs", f"{where}: {model} has {len(share)} shares for {len(problem.epochs)} epochs", 1
        )
    for part in share:
        if not 0 <= part <= 1:
            yield Violation("placed", f"{where}: share {part} of {model} lies outside 0 to 1", abs(part))


def _placed(problem: PlanningProblem, plan: Plan) -> Iterator[Violation]:
    """Every model's shares and its unserved part make up its whole demand."""
    total = {name: np.zeros(len(problem.epochs)) for name in problem.models}
    for cluster in plan.sub_clusters:
        for placement in cluster.placements:
            total[placement.model] += placement.share
    for unserved in plan.unserved:
        total[unserved.model] += unserved.share
    for name, shares in total.items():
        worst = int(np.argmax(np.abs(shares - 1)))
        amount = abs(float(shares[worst]) - 1)
        if amount > SHARE_TOLERANCE:
            yield Violation("placed", f"shares of {name} sum to {shares[worst]:.6f} in epoch {worst}", amount)


def _whole(problem: PlanningProblem, plan: Plan) -> Iterator[Violation]:
    """A model that may not be split lives in one sub-cluster at most."""
    homes = Counter(p.model for cluster in plan.sub_clusters for p in cluster.placements)
    for name, count in homes.items():
        if count > 1 and not problem.models[name].may_split:
            yield Violation("whole", f"{name} lives in {count} sub-clusters and may not be split", count - 1)


def _sub_cluster(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Violation]:
    limit = problem.policy.sub_cluster_gpus_max
    if cluster.gpus_max > limit:
        yield Violation(
            "gpus_max",
            f"{cluster.id} has {cluster.gpus_max} GPUs, at most {limit} allowed",
            cluster.gpus_max - limit,
        )
    if min(cluster.gpus) < 1:
        yield Violation(
            "gpus_min", f"{cluster.id} has no GPU in epoch {cluster.gpus.index(min(cluster.gpus))}", 1
        )
    if problem.policy.gpus is GpuReservation.RESERVED and len(set(cluster.gpus)) > 1:
        yield Violation("gpus_min", f"{cluster.id} changes its GPUs although they are reserved", 1)
    yield from _memory(problem, cluster)
    yield from _latency(problem, cluster)
    yield from _throughput(problem, cluster)
    yield from _scheduler_rate(problem, cluster)


def _memory(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Violation]:
    """Every GPU holds all the weights, and the largest workspace of one batch."""
    profiles = {p.model: problem.models[p.model].profiles[cluster.gpu_type] for p in cluster.placements}
    weights = sum(profile.weights_gib for profile in profiles.values())
    workspace = max(
        (profiles[p.model].workspace_gib_per_item * p.batch_size for p in cluster.placements), default=0.0
    )
    usable = problem.gpu_types[cluster.gpu_type].usable_gib
    over = weights + workspace - usable
    if over > GIB_TOLERANCE:
        text = (
            f"{cluster.id} needs {weights:.3f} GiB of weights and {workspace:.3f} GiB of workspace, "
            f"a GPU has {usable:.3f} GiB"
        )
        yield Violation("memory", text, over)


def _latency(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Violation]:
    """A batch as large as promised keeps the SLO with the fewest GPUs of the horizon."""
    gpus, delays = max(1, min(cluster.gpus)), problem.policy.delays
    for placement in cluster.placements:
        model = problem.models[placement.model]
        largest = model.profiles[cluster.gpu_type].batch_size_max
        if not 1 <= placement.batch_size <= largest:
            text = (
                f"{cluster.id}: batch of {placement.batch_size} of {model.id}, its profile ends at {largest}"
            )
            yield Violation("latency", text, abs(placement.batch_size - largest))
        elif not latency_feasible(model, cluster.gpu_type, placement.batch_size, gpus, delays):
            needed = latency_needed_us(model, cluster.gpu_type, placement.batch_size, gpus, delays) / 1_000
            text = (
                f"{cluster.id}: a batch of {placement.batch_size} of {model.id} on {gpus} GPU(s) "
                f"needs {needed:.3f} ms, the SLO is {model.slo_ms:g} ms"
            )
            yield Violation("latency", text, needed - model.slo_ms)


def busy_share_max(problem: PlanningProblem, plan: Plan) -> float:
    """The largest part of its GPUs that the plan needs of any sub-cluster in any epoch; 0 of none."""
    busiest = 0.0
    for cluster in plan.sub_clusters:
        gpus = np.maximum(1, np.array(cluster.gpus))
        need = sum((_need(problem, cluster, p, gpus) for p in cluster.placements), start=np.zeros(len(gpus)))
        busiest = max(busiest, float((need / gpus).max()))
    return busiest


def _throughput(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Violation]:
    """
    The needs of the models, each with its spare part for bursts, sum to no more than the GPUs as planned.

    That fewer are enough is for a certificate to show: what simulation found counts for more than
    the capacity model.
    """
    counts = counts_planned(cluster)
    gpus = np.maximum(1, np.array(counts))
    need = sum((_need(problem, cluster, p, gpus) for p in cluster.placements), start=np.zeros(len(gpus)))
    over = need - np.array(counts) * (1 + RELATIVE_TOLERANCE)
    worst = int(np.argmax(over))
    if over[worst] > GPU_TOLERANCE:
        planned = "has" if cluster.gpus_planned is None else "was planned with"
        text = f"{cluster.id} needs {need[worst]:.4f} GPUs in epoch {worst}, it {planned} {counts[worst]}"
        yield Violation("throughput", text, float(over[worst]))


def _need(
    problem: PlanningProblem,
    cluster: SubCluster,
    placement: Placement,
    gpus: np.ndarray[tuple[int], np.dtype[np.int_]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    model = problem.models[placement.model]
    rate = np.array(model.demand_rps) * np.array(placement.share)
    batch = min(_batch_planned(problem, cluster, placement), model.profiles[cluster.gpu_type].batch_size_max)
    return need_gpus(model, cluster.gpu_type, rate, max(1, batch), gpus, problem.policy.delays)


def _batch_planned(problem: PlanningProblem, cluster: SubCluster, placement: Placement) -> int:
    """The batch promised; where fewer GPUs forced a smaller one, what latency and memory left as planned."""
    if min(counts_planned(cluster)) <= min(cluster.gpus):
        return placement.batch_size
    profiles = {p.model: problem.models[p.model].profiles[cluster.gpu_type] for p in cluster.placements}
    free_gib = problem.gpu_types[cluster.gpu_type].usable_gib - sum(p.weights_gib for p in profiles.values())
    per_item = profiles[placement.model].workspace_gib_per_item
    model, least = problem.models[placement.model], min(counts_planned(cluster))
    feasible = batch_size_feasible(model, cluster.gpu_type, least, problem.policy.delays)
    if per_item * feasible > free_gib + GIB_TOLERANCE:
        feasible = int((free_gib + GIB_TOLERANCE) / per_item)
    law = batch_law(model, cluster.gpu_type, problem.policy.delays)
    rate = np.array(model.demand_rps) * np.array(placement.share)
    return max(placement.batch_size, int(law.cheapest_batch(rate, feasible)))


def _scheduler_rate(problem: PlanningProblem, cluster: SubCluster) -> Iterator[Violation]:
    limit = problem.policy.scheduler_rate_rps_max
    if limit is None:
        return
    rate = np.zeros(len(problem.epochs))
    for placement in cluster.placements:
        rate += np.array(problem.models[placement.model].demand_rps) * np.array(placement.share)
    worst = int(np.argmax(rate))
    if rate[worst] > limit * (1 + RELATIVE_TOLERANCE):
        text = f"{cluster.id} takes {rate[worst]:.3f} requests/s in epoch {worst}, at most {limit:g} allowed"
        yield Violation("scheduler_rate", text, float(rate[worst]) - limit)


def _rules(problem: PlanningProblem, plan: Plan) -> Iterator[Violation]:
    """Business rules: none broken that must hold, none of the others broken in silence."""
    for rule, text in misplaced(problem, plan):
        yield Violation(rule, text, 1)
    for breach in forbidden(problem, plan):
        yield Violation(breach.rule, breach.text, breach.amount)
    told = {(excuse.subject, excuse.bottleneck) for excuse in plan.excuses}
    for excuse in still_broken(problem, plan):
        if (excuse.subject, excuse.bottleneck) not in told:
            yield Violation("claims", f"no excuse says that {excuse.subject} is {excuse.text}", 1)


def _claims(problem: PlanningProblem, plan: Plan) -> Iterator[Violation]:
    """What the plan says of itself is so: problem, status, cost, gaps."""
    if plan.problem_digest != problem.digest:
        text = f"the plan answers problem {plan.problem_digest[:12]}, this one is {problem.digest[:12]}"
        yield Violation("digest", text, 1)
    partial = any(share > SHARE_TOLERANCE for unserved in plan.unserved for share in unserved.share)
    if partial != (plan.status is PlanStatus.PARTIAL):
        text = f"status {plan.status} with demand {'unserved' if partial else 'served whole'}"
        yield Violation("status", text, 1)
    cost, objective = cost_usd_per_hour(problem, plan), objective_usd_per_hour(problem, plan)
    left_out = {u.model: u.share for u in plan.unserved}
    for name, stated, right in (
        ("cost_usd_per_hour", plan.cost_usd_per_hour, cost),
        ("objective", plan.objective, objective),
        ("fluid_bound", plan.fluid_bound, fluid_bound_usd_per_hour(problem, left_out)),
        ("gap", plan.gap, gap(plan.objective, plan.bound)),
        ("physical_gap", plan.physical_gap, gap(plan.objective, plan.fluid_bound)),
    ):
        if not abs(stated - right) <= RELATIVE_TOLERANCE * max(1.0, abs(right)):
            yield Violation(
                "claims", f"{name} is stated as {stated:.6f} and comes to {right:.6f}", abs(stated - right)
            )


def gap(objective: float, bound: float) -> float:
    """(objective - bound) / objective; 0 where there is nothing to pay."""
    return 0.0 if objective == 0 else (objective - bound) / objective
