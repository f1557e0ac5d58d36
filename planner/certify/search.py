"""
The fewest GPUs with which one sub-cluster passes: from the planned count up or down.

A count passes when it passes in every epoch tested. Steps from the planned count double until the
verdict changes, then halve in between; all counts see the same arrivals. Tested are first the epochs that
need most. The count found is then proven: more epochs, more replications, arrivals that the
search has not seen, so that it cannot have been picked for its luck. An epoch that fails there joins
the tested ones, and the search goes on above. Bad rates are taken to fall as GPUs are added.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from planner.certify.certificate import EpochEvidence, SubClusterCertificate, Verdict
from planner.certify.judging import Budget, judge
from planner.certify.traffic import Traffic, model_specs
from planner.plan.plan import SubCluster
from planner.problem.capacity import batch_law, need_gpus
from planner.problem.problem import GpuReservation, PlanningProblem

EPOCHS_SEARCHED = 2
EPOCHS_CHECKED = 6
SEARCH_REPLICATIONS_MAX = 8  # a count that eight cannot clear is too close to the limit
SEARCH_SEED_STEP = 7_919  # from the seed of a certificate to that of its search


@dataclass(frozen=True, slots=True)
class Task:
    """One sub-cluster to be certified: ``problem`` needs no other models than its own."""

    problem: PlanningProblem
    cluster: SubCluster
    seed: int
    budget: Budget
    error_is_shared: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """
    The sub-cluster with the fewest GPUs that pass, and its evidence.

    Where not even the most GPUs of its pool pass, ``cluster`` is as it was planned. ``planned`` is the
    evidence for the planned count.
    """

    cluster: SubCluster
    certificate: SubClusterCertificate
    planned: SubClusterCertificate

    @classmethod
    def unsearched(cls, task: Task) -> Found:
        """Nothing was simulated: the sub-cluster as planned, undecided."""
        certificate = unsearched(task)
        return cls(task.cluster, certificate, certificate)


class Bench:
    """Simulates one sub-cluster on any GPU counts, each count and epoch once."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._traffic: dict[int, Traffic] = {}
        self._evidence: dict[tuple[int, tuple[int, ...], int], EpochEvidence] = {}

    def evidence(self, cluster: SubCluster, epoch: int) -> EpochEvidence:
        task = self.task
        key = (cluster.gpus[epoch], tuple(p.batch_size for p in cluster.placements), epoch)
        if key not in self._evidence:
            if epoch not in self._traffic:
                self._traffic[epoch] = Traffic(
                    task.problem, cluster, epoch, task.seed, task.budget.duration_s
                )
            self._evidence[key] = judge(
                model_specs(task.problem, cluster),
                cluster.gpus[epoch],
                epoch,
                self._traffic[epoch],
                delays=task.problem.policy.delays,
                bad_rate_max=task.problem.policy.bad_rate_max,
                budget=task.budget,
                error_is_shared=task.error_is_shared,
            )
        return self._evidence[key]

    def passes(self, cluster: SubCluster, epochs: Sequence[int]) -> bool:
        return all(self.evidence(cluster, epoch).verdict is Verdict.PASSED for epoch in epochs)

    def certificate(self, cluster: SubCluster, epochs: Sequence[int], refused: int) -> SubClusterCertificate:
        evidence = tuple(self.evidence(cluster, epoch) for epoch in epochs)
        planned = max(cluster.gpus_planned or cluster.gpus)
        return SubClusterCertificate(cluster.id, planned, cluster.gpus_max, refused, evidence)


def certify_as_it_is(task: Task) -> SubClusterCertificate:
    """Evidence for the GPUs that the sub-cluster has."""
    return Bench(task).certificate(task.cluster, worst_epochs(task, task.cluster, EPOCHS_CHECKED), 0)


def unsearched(task: Task) -> SubClusterCertificate:
    """What is said of a sub-cluster that was not simulated: undecided in its worst epoch."""
    nothing = dataclasses.replace(task, budget=Budget(replications_min=0, replications_max=0))
    return Bench(nothing).certificate(task.cluster, worst_epochs(task, task.cluster, 1), 0)


def fewest_gpus(task: Task) -> Found:
    """
    The fewest GPUs that pass, between what batches need for the SLO and what the pool has.

    Models are judged one by one, so that fresh arrivals find none over; where no count passes that,
    as a check judges them.
    """
    reserved = task.problem.policy.gpus is GpuReservation.RESERVED
    seek = _fewest_reserved if reserved else _fewest_by_epoch
    found = seek(dataclasses.replace(task, error_is_shared=False))
    return found if found.certificate.passed else seek(task)


def _fewest_reserved(task: Task) -> Found:
    search, proof, planned = Bench(_quick(task)), Bench(task), task.cluster.gpus_max
    tested = worst_epochs(task, task.cluster, EPOCHS_SEARCHED)
    floor = fewest_for_batches_of_one(task)
    ceiling = max(planned, _gpus_most(task))

    def sized(gpus: int) -> SubCluster:
        return resized(task.problem, task.cluster, (gpus,) * len(task.cluster.gpus))

    def passes(gpus: int) -> bool:
        return search.passes(sized(gpus), tested)

    enough, refused = least_passing(passes, planned, min(floor, planned), ceiling)
    checked = tested
    while enough is not None:
        checked = worst_epochs(task, sized(enough), EPOCHS_CHECKED)
        failing = next((epoch for epoch in checked if not proof.passes(sized(enough), [epoch])), None)
        if failing is None:
            break
        tested = [*tested, failing] if failing not in tested else tested
        refused, start = enough, enough + 1
        enough = None
        if start <= ceiling:
            enough, refused = least_passing(passes, start, start, ceiling, refused)
    if enough is None:
        as_planned = proof.certificate(task.cluster, tested, 0)
        return Found(task.cluster, as_planned, as_planned)
    certificate = proof.certificate(sized(enough), checked, refused)
    as_planned = proof.certificate(task.cluster, tested, 0) if enough > planned else certificate
    return Found(sized(enough), certificate, as_planned)


def _fewest_by_epoch(task: Task) -> Found:
    """Every epoch for itself; batches stay as large as they were planned in all of them."""
    search, proof, cluster = Bench(_quick(task)), Bench(task), task.cluster
    floor = max(1, _gpus_least(task, [p.batch_size for p in cluster.placements]))
    counts, refused_most = list(cluster.gpus), 0
    for epoch, planned in enumerate(cluster.gpus):

        def sized(gpus: int, epoch: int = epoch) -> SubCluster:
            changed = (*cluster.gpus[:epoch], gpus, *cluster.gpus[epoch + 1 :])
            return dataclasses.replace(cluster, gpus=changed)

        def passes(gpus: int, epoch: int = epoch) -> bool:
            return search.passes(sized(gpus, epoch), [epoch])

        ceiling = max(planned, _gpus_most(task))
        enough, refused = least_passing(passes, planned, min(floor, planned), ceiling)
        while enough is not None and not proof.passes(sized(enough), [epoch]):
            refused = enough
            enough = enough + 1 if enough < ceiling else None
        counts[epoch] = planned if enough is None else enough
        refused_most = max(refused_most, refused)
    epochs = list(range(len(counts)))
    found = resized(task.problem, cluster, tuple(counts))
    certificate = proof.certificate(found, epochs, refused_most)
    grown = any(after > before for after, before in zip(counts, cluster.gpus, strict=True))
    as_planned = proof.certificate(cluster, epochs, refused_most) if grown else certificate
    return Found(found, certificate, as_planned)


def _quick(task: Task) -> Task:
    """The same with fewer replications and other arrivals: what it finds is then proven on unseen ones."""
    replications = min(task.budget.replications_max, SEARCH_REPLICATIONS_MAX)
    budget = dataclasses.replace(task.budget, replications_max=replications)
    return dataclasses.replace(task, budget=budget, seed=task.seed + SEARCH_SEED_STEP)


def least_passing(
    passes: Callable[[int], bool], start: int, floor: int, ceiling: int, refused: int = 0
) -> tuple[int | None, int]:
    """
    The least count in [floor, ceiling] that passes, and the largest below it that was refused.

    None where ``ceiling`` does not pass either; ``refused`` is what was refused before.
    """
    step = max(1, start // 16)
    too_few, enough = floor - 1, None
    if passes(start):
        enough = start
        while enough > floor:
            trial = max(floor, enough - step)
            if not passes(trial):
                too_few = refused = trial
                break
            enough, step = trial, 2 * step
    else:
        too_few = refused = start
        while enough is None and too_few < ceiling:
            trial = min(ceiling, too_few + step)
            if passes(trial):
                enough = trial
            else:
                too_few, step = trial, 2 * step
                refused = trial
    while enough is not None and enough - too_few > 1:
        middle = (too_few + enough) // 2
        if passes(middle):
            enough = middle
        else:
            too_few = refused = middle
    return enough, refused


def resized(problem: PlanningProblem, cluster: SubCluster, gpus: tuple[int, ...]) -> SubCluster:
    """
    The sub-cluster with other GPU counts, its planned ones noted beside them.

    Fewer GPUs may force smaller batches: a request that just misses one waits longer for the next.
    """
    if gpus == cluster.gpus:
        return cluster
    planned = cluster.gpus_planned or cluster.gpus
    least, delays = min(gpus), problem.policy.delays
    placements = tuple(
        dataclasses.replace(
            p,
            batch_size=min(
                p.batch_size,
                int(batch_law(problem.models[p.model], cluster.gpu_type, delays).batch_sizes(least)),
            ),
        )
        for p in cluster.placements
    )
    return dataclasses.replace(
        cluster, gpus=gpus, gpus_planned=None if gpus == planned else planned, placements=placements
    )


def fewest_for_batches_of_one(task: Task) -> int:
    """Below that some model cannot keep its SLO whatever the load."""
    return max(1, _gpus_least(task, [1] * len(task.cluster.placements)))


def _gpus_least(task: Task, batch_sizes: Sequence[int]) -> int:
    """Fewest GPUs on which batches of these sizes keep their SLO, one for each placement."""
    delays = task.problem.policy.delays
    laws = [
        batch_law(task.problem.models[p.model], task.cluster.gpu_type, delays)
        for p in task.cluster.placements
    ]
    return max((int(law.gpus_least[size]) for law, size in zip(laws, batch_sizes, strict=True)), default=1)


def _gpus_most(task: Task) -> int:
    """What the pool and the policy would allow the sub-cluster, were it alone."""
    cluster = task.cluster
    pools = (p for p in task.problem.pools if (p.gpu_type, p.zone) == (cluster.gpu_type, cluster.zone))
    return min(task.problem.policy.sub_cluster_gpus_max, max(p.available for p in pools))


def worst_epochs(task: Task, cluster: SubCluster, count: int) -> list[int]:
    """The epochs that need the largest part of their GPUs, at most ``count``, the worst first."""
    problem, gpus = task.problem, np.maximum(1, np.array(cluster.gpus))
    need = np.zeros(len(problem.epochs))
    for placement in cluster.placements:
        model = problem.models[placement.model]
        rate_rps = np.array(model.demand_rps) * np.array(placement.share)
        need += need_gpus(
            model, cluster.gpu_type, rate_rps, placement.batch_size, gpus, problem.policy.delays
        )
    return [int(epoch) for epoch in np.argsort(-need / gpus, kind="stable")[:count]]
