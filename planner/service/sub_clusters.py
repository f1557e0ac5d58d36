"""One sub-cluster of a plan: as its dispatcher runs it, and as a person looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from dispatcher.contract.sub_cluster import LIVE_RULES, LoadReporting, ServedModel, SubClusterSpec
from planner.plan.plan import Plan, SubCluster
from planner.problem.capacity import load_gpus, slo_us
from planner.problem.problem import Model, PlanningProblem
from planner.service.errors import SubClusterNotFound
from planner.service.plans import StoredPlan
from planner.service.plans import plan as stored_plan
from planner.store.records import RegisteredModel
from planner.store.store import Store
from profiles.faults import Fault, InputInvalid


@dataclass(frozen=True, slots=True)
class SubClusterUse:
    """
    What a sub-cluster's GPUs hold and carry.

    Parameters
    ----------
    weights_gib, workspace_gib, usable_gib
        Memory of one GPU: all models' weights, the largest batch's workspace, and what models may use.
    load_share
        GPUs kept busy over GPUs held, one value for each epoch.
    rate_rps
        Requests per second, one value for each epoch.
    """

    sub_cluster: SubCluster
    weights_gib: float
    workspace_gib: float
    usable_gib: float
    load_share: tuple[float, ...]
    rate_rps: tuple[float, ...]


def sub_cluster_use(problem: PlanningProblem, sub_cluster: SubCluster) -> SubClusterUse:
    """Memory and load of one sub-cluster of a plan for ``problem``."""
    load = np.zeros(len(problem.epochs))
    total_rps = np.zeros(len(problem.epochs))
    profiles = {}
    for placement in sub_cluster.placements:
        model = problem.models[placement.model]
        profiles[placement.model] = model.profiles[sub_cluster.gpu_type]
        rate_rps = np.array(model.demand_rps) * np.array(placement.share)
        total_rps += rate_rps
        load += load_gpus(model, sub_cluster.gpu_type, rate_rps, placement.batch_size, problem.policy.delays)
    workspaces = [profiles[p.model].workspace_gib_per_item * p.batch_size for p in sub_cluster.placements]
    return SubClusterUse(
        sub_cluster=sub_cluster,
        weights_gib=sum(profile.weights_gib for profile in profiles.values()),
        workspace_gib=max(workspaces, default=0.0),
        usable_gib=problem.gpu_types[sub_cluster.gpu_type].usable_gib,
        load_share=tuple(float(x) for x in load / np.maximum(1, np.array(sub_cluster.gpus))),
        rate_rps=tuple(float(x) for x in total_rps),
    )


def sub_cluster_spec(
    store: Store,
    version: int,
    sub_cluster_id: str,
    *,
    epoch: int | None = None,
    reporting_url: str | None = None,
    found: StoredPlan | None = None,
) -> SubClusterSpec:
    """
    What a dispatcher must know to run that sub-cluster.

    GPUs are those of ``epoch``, or the most over the horizon; ``found`` is the plan, where it is at hand.
    Raises ``PlanNotFound``,
    ``SubClusterNotFound``, ``InputInvalid`` for an epoch beyond the horizon.
    """
    found = found or stored_plan(store, version)
    sub_cluster = _find(found.plan, version, sub_cluster_id)
    if epoch is not None and epoch >= len(sub_cluster.gpus):
        limit = f"must be below the plan's number of epochs, {len(sub_cluster.gpus)}"
        raise InputInvalid("request", [Fault("epoch", str(epoch), limit)])
    with store.reading() as work:
        registered = {model.id: model for model in work.registry.models()}
    return SubClusterSpec(
        id=sub_cluster.id,
        plan_version=version,
        gpus=sub_cluster.gpus_max if epoch is None else sub_cluster.gpus[epoch],
        models=tuple(
            served_model(
                found.problem.models[placement.model],
                sub_cluster.gpu_type,
                placement.batch_size,
                registered.get(placement.model),
            )
            for placement in sub_cluster.placements
        ),
        rules=LIVE_RULES,
        delays=found.problem.policy.delays,
        reporting=LoadReporting(reporting_url, fleet=store.fleet) if reporting_url else None,
    )


def _find(plan: Plan, version: int, sub_cluster_id: str) -> SubCluster:
    for sub_cluster in plan.sub_clusters:
        if sub_cluster.id == sub_cluster_id:
            return sub_cluster
    raise SubClusterNotFound(version, sub_cluster_id)


def served_model(
    model: Model, gpu_type: str, batch_size: int, registered: RegisteredModel | None
) -> ServedModel:
    """A model as workers of that GPU type serve it, in batches of at most ``batch_size``."""
    profile = model.profiles[gpu_type]
    facts = {
        "id": model.id,
        "slo_us": slo_us(model),
        "latency_us": [int(us) for us in profile.curve.table_us(batch_size)],
        "weights_gib": profile.weights_gib,
        "workspace_gib_per_item": profile.workspace_gib_per_item,
    }
    serving = registered.serving if registered else {}
    return msgspec.convert({**serving, **facts}, ServedModel)
