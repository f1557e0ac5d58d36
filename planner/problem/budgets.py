r"""
How the SLO of a pipeline is divided into budgets of its stages, so that the GPUs cost least.

Symbols     :math:`s_m` budget of stage m, its own SLO; :math:`c_m(s)` what its whole demand costs by the
            hour in large sub-clusters of the cheapest stocked GPU type, when it must answer within s:
            larger budgets allow larger batches, so it never rises with s; :math:`\lambda_m` the least
            budget with which any stocked type serves a batch of one.
Program     Each stage takes one of the budgets :math:`\lambda_m + j \Delta`, :math:`j = 0 \dots 100`, where
            :math:`100 \Delta` is what the longest path leaves of the SLO at the least budgets:

            .. math:: \min \sum_m c_m(s_m) \quad\text{with}\quad \sum_{m \in P} s_m \le SLO
                      \text{ for every path } P

            One binary for each budget that is cheaper than the one before it, and for every stage the
            latest instant at which it may end, so that paths need not be listed.
Rest        What no cheaper budget could use is given to the stages afterwards, the dearest first.
Promise     Every path's budgets sum to at most the SLO, so a request whose stages all keep theirs is in time.
            The share of requests that are not is at most the sum of the stages' bad rates (union bound).
"""

from __future__ import annotations

import dataclasses
import math

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from planner.problem.capacity import US_PER_S, batch_size_in_memory, batch_size_planned, need_gpus
from planner.problem.fluid import gpus_largest
from planner.problem.pipelines import Pipeline
from planner.problem.problem import GpuReservation, GpuTypeId, Model, ModelId, PlanningProblem
from planner.problem.rules import may_live
from profiles.faults import Fault, InputInvalid

Floats = NDArray[np.float64]
STEPS = 100
MS_DIGITS = 3  # budgets are whole microseconds, like everything that the dispatcher is told


def with_budgets(problem: PlanningProblem) -> PlanningProblem:
    """
    The problem with each stage's budget as its model's SLO.

    Raises
    ------
    InputInvalid
        Where the least budgets of a path sum to more than the SLO: the path, and the milliseconds missing;
        and where a stage fits no GPU type in stock.
    """
    models = dict(problem.models)
    faults: list[Fault] = []
    for index, pipeline in enumerate(problem.pipelines):
        least = {
            stage.model: least_budget_ms(problem, problem.models[stage.model]) for stage in pipeline.stages
        }
        homeless = [i for i, stage in enumerate(pipeline.stages) if math.isinf(least[stage.model])]
        faults += [
            Fault(
                f"pipelines[{index}].stages[{i}].model",
                repr(pipeline.stages[i].model),
                "must fit a GPU type that some pool stocks",
            )
            for i in homeless
        ]
        path, needed_ms = longest_path(pipeline, least)
        if homeless:
            continue
        if needed_ms > pipeline.slo_ms:
            text = f"must be at least {needed_ms:g}: " + " -> ".join(
                f"{name} {least[name]:g}" for name in path
            )
            faults.append(Fault(f"pipelines[{index}].slo_ms", f"{pipeline.slo_ms:g}", text))
            continue
        for name, slo_ms in least_cost_budgets_ms(problem, pipeline, least).items():
            models[name] = dataclasses.replace(models[name], slo_ms=slo_ms)
    if faults:
        raise InputInvalid("problem", faults)
    return dataclasses.replace(problem, models=models)


def least_budget_ms(problem: PlanningProblem, model: Model) -> float:
    """The least SLO with which some stocked GPU type serves single requests; inf where none can hold it."""
    delays = problem.policy.delays
    fixed_us = delays.lead_us(1) + delays.resp_us
    least_us = math.inf
    for gpu_type, gpus in _gpus_allowed(problem, model).items():
        profile = model.profiles.get(gpu_type)
        if profile is not None and batch_size_in_memory(profile, problem.gpu_types[gpu_type]) > 0:
            alone_us = int(profile.curve.table_us(1)[1])
            least_us = min(least_us, fixed_us + alone_us + -(-alone_us // gpus))
    return least_us / 1_000


def _gpus_allowed(problem: PlanningProblem, model: Model) -> dict[GpuTypeId, int]:
    """The most GPUs of a sub-cluster by GPU type, of the types on which the model may live."""
    allowed = {pool.gpu_type for pool in problem.pools if may_live(model, pool)}
    return {g: gpus for g, gpus in gpus_largest(problem).items() if g in allowed}


def longest_path(pipeline: Pipeline, budgets_ms: dict[ModelId, float]) -> tuple[list[ModelId], float]:
    """The path with the largest sum of budgets, and that sum in milliseconds."""
    ends: dict[ModelId, tuple[float, list[ModelId]]] = {}
    for name in nx.lexicographical_topological_sort(pipeline.graph()):
        before = max((ends[other] for other in pipeline.graph().predecessors(name)), default=(0.0, []))
        ends[name] = (before[0] + budgets_ms[name], [*before[1], name])
    length_ms, path = max(ends.values())
    return path, round(length_ms, MS_DIGITS) if math.isfinite(length_ms) else length_ms


def least_cost_budgets_ms(
    problem: PlanningProblem, pipeline: Pipeline, least_ms: dict[ModelId, float]
) -> dict[ModelId, float]:
    """The budgets of all stages, in milliseconds, with which the pipeline costs least."""
    _, needed_ms = longest_path(pipeline, least_ms)
    step_ms = (pipeline.slo_ms - needed_ms) / STEPS
    names = [stage.model for stage in pipeline.stages]
    budgets: list[Floats] = []
    costs: list[Floats] = []
    for name in names:
        tried = _whole_us(least_ms[name] + step_ms * np.arange(STEPS + 1, dtype=np.float64))
        cost = np.array([stage_cost_usd_per_hour(problem, problem.models[name], float(s)) for s in tried])
        cost = np.minimum.accumulate(cost)
        cheaper = np.concatenate([[True], cost[1:] < cost[:-1] - 1e-12])
        budgets.append(tried[cheaper])
        costs.append(cost[cheaper])
    chosen = dict(zip(names, _chosen_ms(pipeline, names, budgets, costs), strict=True))
    dearest_first = sorted(names, key=lambda name: (-costs[names.index(name)][-1], name))
    return _with_the_rest(pipeline, chosen, dearest_first)


def stage_cost_usd_per_hour(problem: PlanningProblem, model: Model, slo_ms: float) -> float:
    """
    What the model's whole demand costs under that SLO, GPUs not rounded up, on its cheapest stocked type.

    In a sub-cluster of as many GPUs as one may have: stages share theirs with other models.
    """
    promised = dataclasses.replace(model, slo_ms=slo_ms)
    rate = np.array(model.demand_rps)
    hours = np.array([epoch.hours for epoch in problem.epochs])
    cheapest = math.inf
    for gpu_type, gpus in _gpus_allowed(problem, model).items():
        size = batch_size_planned(problem, promised, gpu_type, gpus)
        if size > 0:
            need = need_gpus(promised, gpu_type, rate, size, gpus, problem.policy.delays)
            reserved = problem.policy.gpus is GpuReservation.RESERVED
            gpus_paid = float(need.max() if reserved else need @ hours / hours.sum())
            cheapest = min(cheapest, gpus_paid * problem.gpu_types[gpu_type].price_usd_per_hour)
    return cheapest


def _chosen_ms(
    pipeline: Pipeline, names: list[ModelId], budgets: list[Floats], costs: list[Floats]
) -> list[float]:
    """One budget for each stage: the program of the head of this file, with HiGHS."""
    first = np.concatenate([[0], np.cumsum([len(each) for each in budgets])])
    binaries, stages = int(first[-1]), len(names)
    rows: list[tuple[dict[int, float], float, float]] = []
    for m, stage in enumerate(pipeline.stages):
        own = range(int(first[m]), int(first[m + 1]))
        rows.append((dict.fromkeys(own, 1.0), 1.0, 1.0))
        takes = {column: -float(ms) for column, ms in zip(own, budgets[m], strict=True)}
        rows.append(({binaries + m: 1.0} | takes, 0.0, np.inf))
        for name in stage.after:
            rows.append(({binaries + m: 1.0, binaries + names.index(name): -1.0} | takes, 0.0, np.inf))
    entries = [(r, column, value) for r, row in enumerate(rows) for column, value in row[0].items()]
    at_row, at_column, values = (np.array(each) for each in zip(*entries, strict=True))
    matrix = csr_array((values, (at_row, at_column)), shape=(len(rows), binaries + stages))
    upper = np.concatenate([np.ones(binaries), np.full(stages, pipeline.slo_ms)])
    found = milp(
        np.concatenate([*costs, np.zeros(stages)]),
        integrality=np.concatenate([np.ones(binaries), np.zeros(stages)]),
        bounds=Bounds(np.zeros(len(upper)), upper),
        constraints=LinearConstraint(matrix, [row[1] for row in rows], [row[2] for row in rows]),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise AssertionError(f"budgets of pipeline {pipeline.id}: {found.message}")
    return [float(budgets[m][int(np.argmax(found.x[first[m] : first[m + 1]]))]) for m in range(stages)]


def _with_the_rest(
    pipeline: Pipeline, budgets_ms: dict[ModelId, float], order: list[ModelId]
) -> dict[ModelId, float]:
    """Each stage in turn gets what the longest path through it still leaves of the SLO."""
    graph = pipeline.graph()
    found = dict(budgets_ms)
    topological = list(nx.lexicographical_topological_sort(graph))
    for name in order:
        until = _lengths(topological, graph.predecessors, found)
        after = _lengths(topological[::-1], graph.successors, found)
        rest_ms = pipeline.slo_ms - (until[name] + after[name] - found[name])
        found[name] = math.floor((found[name] + max(0.0, rest_ms)) * US_PER_S / 1e3 + 1e-6) / 1e3
    return found


def _lengths(
    order: list[ModelId], before: nx.DiGraph, budgets_ms: dict[ModelId, float]
) -> dict[ModelId, float]:
    lengths: dict[ModelId, float] = {}
    for name in order:
        lengths[name] = budgets_ms[name] + max((lengths[other] for other in before(name)), default=0.0)
    return lengths


def _whole_us(ms: Floats) -> Floats:
    """Rounded down to whole microseconds, but not below the first, which is one."""
    return np.asarray(np.maximum(np.floor(ms * 1e3 + 1e-6) / 1e3, ms[0]))
