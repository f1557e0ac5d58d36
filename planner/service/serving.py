"""Where a plan is served already: what nodes last said of the sub-clusters that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from planner.plan.codec import parse_plan
from planner.plan.plan import SubCluster
from planner.service.plans import documents
from planner.store.records import HeardNode
from planner.store.store import Store, UnitOfWork

HEARD_WITHIN = timedelta(seconds=60)
"""What a node said before that is not what is so."""

RUNNING = "running"


@dataclass(frozen=True, slots=True)
class SubClusterServing:
    """
    One sub-cluster of a plan; ``gpus`` are the most that the plan gives it.

    ``gpus_serving`` have a worker that holds all of its models. It ``is_serving`` once one of them does and
    its dispatcher has changed over to the plan.
    """

    id: str
    models: tuple[str, ...]
    gpus: int
    gpus_serving: int
    is_serving: bool


def plan_serving(store: Store, version: int) -> list[SubClusterServing]:
    """Every sub-cluster of the plan. Raises ``PlanNotFound``."""
    plan = parse_plan(documents(store, version).plan)
    with store.reading() as work:
        heard = heard_lately(work)
    return [_serving(sub_cluster, version, heard) for sub_cluster in plan.sub_clusters]


def heard_lately(work: UnitOfWork) -> list[HeardNode]:
    """The nodes that are alive, as far as heartbeats tell."""
    return [node for node in work.nodes.all() if work.now - node.heard_at <= HEARD_WITHIN]


def _serving(sub_cluster: SubCluster, version: int, heard: Iterable[HeardNode]) -> SubClusterServing:
    models = tuple(placement.model for placement in sub_cluster.placements)
    parts = list(_parts(sub_cluster.id, heard))
    holding = {
        gpu["gpu"]
        for part in parts
        for gpu in part["gpus"]
        if gpu["state"] == RUNNING and set(models) <= set(gpu["models"])
    }
    has_changed_over = any((part["dispatcher"] or {}).get("plan_version") == version for part in parts)
    return SubClusterServing(
        sub_cluster.id, models, sub_cluster.gpus_max, len(holding), has_changed_over and bool(holding)
    )


def _parts(sub_cluster: str, heard: Iterable[HeardNode]) -> Iterator[dict[str, Any]]:
    """What the nodes that have GPUs or the dispatcher of the sub-cluster said of it."""
    for node in heard:
        yield from (part for part in node.status["sub_clusters"] if part["id"] == sub_cluster)
