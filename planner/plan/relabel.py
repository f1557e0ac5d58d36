"""Which sub-clusters of a plan continue running ones: by assignment, so that the least is loaded."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from planner.plan.plan import Plan, SubCluster
from planner.problem.problem import PlanningProblem

SAME_ID_GIB = 1e-6  # what keeping its own id is worth to a sub-cluster: decides between equal loads alone
PINNED_GIB = 1e9  # outweighs every load: the sub-cluster that a model is pinned to keeps its id
SHARE_TOLERANCE = 1e-6


def continued(
    problem: PlanningProblem, running: Sequence[SubCluster], following: Sequence[SubCluster]
) -> dict[int, int]:
    r"""
    Index in ``following`` to index in ``running`` of the sub-clusters that are continued.

    Maximises the GiB that need not be loaded, :math:`\sum_m w_m \min(n_m, n^0_m)` over the models that
    both hold, by linear assignment within each GPU type and zone. Pairs that share nothing are left out.
    The sub-cluster that a model is pinned to is continued by one that holds the model.
    """
    places: dict[tuple[str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, clusters in enumerate((following, running)):
        for index, cluster in enumerate(clusters):
            places[cluster.gpu_type, cluster.zone][side].append(index)
    found: dict[int, int] = {}
    for new, old in places.values():
        if not new or not old:
            continue
        kept = np.zeros((len(new), len(old)))
        homes: dict[str, list[int]] = defaultdict(list)
        for column, a in enumerate(old):
            for placement in running[a].placements:
                homes[placement.model].append(column)
        for row, i in enumerate(new):
            for placement in following[i].placements:
                weights = _weights_gib(problem, placement.model, following[i].gpu_type)
                for column in homes[placement.model]:
                    gpus = min(following[i].gpus_max, running[old[column]].gpus_max)
                    own = SAME_ID_GIB if following[i].id == running[old[column]].id else 0.0
                    kept[row, column] += weights * gpus + own
            for column in (c for c, a in enumerate(old) if running[a].id in _pins(problem, following[i])):
                kept[row, column] += PINNED_GIB
        for row, column in zip(*linear_sum_assignment(kept, maximize=True), strict=True):
            if kept[row, column] > 0:
                found[new[int(row)]] = old[int(column)]
    return found


def relabelled(problem: PlanningProblem, before: Plan | None, after: Plan) -> Plan:
    """``after`` under the ids of the sub-clusters of ``before`` that it continues loading least."""
    running = before.sub_clusters if before else ()
    kept = continued(problem, running, after.sub_clusters)
    taken = {cluster.id for cluster in running}
    others = (c.id for i, c in enumerate(after.sub_clusters) if i not in kept and c.id not in taken)
    names = fresh_ids([*taken, *others])
    clusters = []
    for index, cluster in enumerate(after.sub_clusters):
        if index in kept:
            name = running[kept[index]].id
        else:
            name = next(names) if cluster.id in taken else cluster.id
        clusters.append(dataclasses.replace(cluster, id=name))
    return dataclasses.replace(after, sub_clusters=tuple(clusters))


def fresh_ids(taken: Iterable[str]) -> Iterator[str]:
    """``sc-01``, ``sc-02`` and so on without end, those of ``taken`` left out."""
    known = set(taken)
    return (name for n in itertools.count(1) if (name := f"sc-{n:02d}") not in known)


def is_equivalent(first: Plan, second: Plan) -> bool:
    """Whether two plans ask for the same of every GPU and every request: equal but for ids and claims."""
    return _content(first) == _content(second)


def _content(plan: Plan) -> list[tuple[object, ...]]:
    clusters = (
        (
            cluster.gpu_type,
            cluster.zone,
            cluster.gpus,
            tuple(sorted((p.model, _shares(p.share), p.batch_size) for p in cluster.placements)),
        )
        for cluster in plan.sub_clusters
    )
    return sorted(clusters)


def _shares(shares: Iterable[float]) -> tuple[int, ...]:
    return tuple(round(share / SHARE_TOLERANCE) for share in shares)


def _pins(problem: PlanningProblem, cluster: SubCluster) -> set[str]:
    """Running sub-clusters that models of this one are pinned to."""
    models = (problem.models[p.model] for p in cluster.placements if p.model in problem.models)
    pins = (model.rules.pinned_to for model in models)
    return {pin.sub_cluster for pin in pins if pin is not None and pin.sub_cluster is not None}


def _weights_gib(problem: PlanningProblem, model: str, gpu_type: str) -> float:
    known = problem.models.get(model)
    profile = known.profiles.get(gpu_type) if known else None
    return profile.weights_gib if profile else 0.0
