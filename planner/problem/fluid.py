r"""
The fluid bound: what no plan can cost less than, whatever its sub-clusters.

Every model runs at the cheapest batch that its SLO and its whole rate allow, on its cheapest GPU
type, with no spare part, no memory limit and nothing rounded:

.. math:: c_{me} = (1 - s_{me})\, r_{me} \min_g p_g \min_{b \le \bar b_{mge}} \ell_{mg}(b)/b

A reserved fleet pays in every epoch for its largest one: the bound is
:math:`\max_e \sum_m c_{me}`. A fleet sized by epoch: the mean over the horizon,
:math:`\sum_e h_e \sum_m c_{me} / H`. True because mean batches only shrink when a rate is
split, because GPUs are at least the load they carry, and because a reserved GPU costs the
same in the epochs that do not need it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.problem.capacity import US_PER_S, batch_law, batch_size_in_memory
from planner.problem.problem import GpuReservation, GpuTypeId, Hardness, Model, ModelId, PlanningProblem
from planner.problem.rules import lent_pools, may_live


def fluid_bound_usd_per_hour(problem: PlanningProblem, unserved: Mapping[ModelId, Sequence[float]]) -> float:
    """Dollars per hour that serving all but the ``unserved`` shares costs at the very least."""
    cost = np.zeros(len(problem.epochs))
    largest = gpus_largest(problem)
    grown = _grown_by_spread(problem)
    for name in sorted(problem.models):
        served = 1 - np.array(unserved.get(name, [0.0] * len(problem.epochs)))
        cheapest = cheapest_usd_per_hour(problem, problem.models[name], largest)
        cost += np.where(np.isfinite(cheapest), cheapest, 0.0) * served * grown.get(name, 1.0)
    if problem.policy.gpus is GpuReservation.RESERVED:
        return float(cost.max())
    hours = np.array([epoch.hours for epoch in problem.epochs])
    return float(cost @ hours / hours.sum())


def _grown_by_spread(problem: PlanningProblem) -> dict[ModelId, float]:
    r"""
    What spread models cost more, :math:`Z / (Z - 1)` with Z zones that have GPUs.

    Without any one zone the rest carries them whole and the other models in part; summed over the
    zones, each sub-cluster counts Z - 1 times, a spread model Z times and another at most Z - 1 times.
    """
    hardness, zones = problem.policy.hardness.spread, {p.zone for p in lent_pools(problem) if p.available > 0}
    kept = hardness is Hardness.HARD or (hardness is Hardness.FIX_IF_BROKEN and problem.active_plan is None)
    if not kept or len(zones) < 2:
        return {}
    factor = len(zones) / (len(zones) - 1)
    return {name: factor for name, model in problem.models.items() if model.rules.zones_min > 1}


def gpus_largest(problem: PlanningProblem) -> dict[GpuTypeId, int]:
    """The most GPUs a sub-cluster of each type can have; types without a stocked pool are left out."""
    largest: dict[GpuTypeId, int] = {}
    for pool in lent_pools(problem):
        gpus = min(pool.available, problem.policy.sub_cluster_gpus_max)
        if gpus > 0:
            largest[pool.gpu_type] = max(gpus, largest.get(pool.gpu_type, 0))
    return largest


def cheapest_usd_per_hour(
    problem: PlanningProblem, model: Model, largest: Mapping[GpuTypeId, int]
) -> NDArray[np.float64]:
    """Shape (epochs,): the model's whole demand on its cheapest type; inf where none can serve it."""
    cost = np.full(len(model.demand_rps), np.inf)
    reachable = {pool.gpu_type for pool in problem.pools if may_live(model, pool)}
    for gpu_type in model.profiles.keys() & largest.keys() & reachable:
        price = problem.gpu_types[gpu_type].price_usd_per_hour
        load = least_load_gpus(problem, model, gpu_type, largest[gpu_type])
        cost = np.minimum(cost, np.where(np.isfinite(load), price * load, np.inf))
    return cost


def least_load_gpus(
    problem: PlanningProblem, model: Model, gpu_type: GpuTypeId, gpus: int
) -> NDArray[np.float64]:
    """
    Shape (epochs,): GPUs that the whole demand keeps busy at the very least.

    In sub-clusters of at most ``gpus``, whatever their number; inf where the model cannot live there.
    """
    rate = np.array(model.demand_rps)
    law = batch_law(model, gpu_type, problem.policy.delays)
    in_memory = batch_size_in_memory(model.profiles[gpu_type], problem.gpu_types[gpu_type])
    batch = min(int(law.batch_sizes(gpus)), in_memory)
    if batch == 0:
        return np.full(len(rate), np.inf)
    mean = law.mean_batch(rate, batch)
    sizes = np.arange(1, batch + 1)
    whole = np.minimum.accumulate(law.latency_us[1 : batch + 1] / sizes)[np.floor(mean).astype(int) - 1]
    at_mean = np.interp(mean, sizes, law.latency_us[1 : batch + 1]) / mean
    return np.asarray(rate / US_PER_S * np.minimum(whole, at_mean), dtype=np.float64)
