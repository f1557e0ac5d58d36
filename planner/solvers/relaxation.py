"""
The relaxation of ``planner.solvers.relaxation_program`` solved: coarse at first, then sharp where it matters.

The first relaxation has one kind of sub-cluster for each GPU type. Where its answer uses a kind at a mean
count below the kind's largest, whose need it counts, the kind is divided there and the relaxation solved
again: few kinds are enough, for the others stay wide.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np

from planner.formulation.highs_lp import highs_lp
from planner.problem.tables import CapacityTables
from planner.solvers.outcome import SolverFailed
from planner.solvers.relaxation_program import Columns, Kind, build, pools_of
from planner.solvers.stopping import Stop, highs_stopped_by, never

RELATIVE_GAP = 1e-5
COST_MARGIN = 1e-4  # relative: kinds that cost so little more than a plan at hand stay in
TIME_LEAST_S = 0.1


@dataclass(frozen=True, slots=True)
class Amount:
    """So many sub-clusters of a kind with so many GPUs in all."""

    kind: Kind
    clusters: int
    gpus: int

    @property
    def mean(self) -> int:
        """GPUs of one of them, rounded down."""
        return self.gpus // self.clusters


@dataclass(frozen=True, slots=True)
class Relaxed:
    """
    One relaxation's answer.

    ``bound`` is in dollars per hour, None where nothing was proven; ``amounts`` are of its best point, which
    costs ``cost``; there are none where it has no point or GPUs are sized by epoch. ``solved``: to the end.
    """

    bound: float | None
    cost: float
    amounts: tuple[Amount, ...]
    solved: bool


def relaxed_bound(
    tables: CapacityTables,
    split: Collection[int],
    *,
    deadline_s: float,
    seed: int,
    cost_max: float = np.inf,
    stop: Stop = never,
) -> float | None:
    """
    Dollars per hour that no plan serving all demand can cost less than; None if none was proven in time.

    ``split`` names the models that may be split between sub-clusters; ``deadline_s`` is of
    ``time.monotonic``; ``cost_max`` is the cost of a plan at hand, and the bound never exceeds it.
    A bound stands from the first relaxation on, time only sharpens it.
    """
    kinds, best = widest_kinds(tables, cost_max), None
    while kinds and time.monotonic() < deadline_s and not stop():
        found = relaxed(tables, split, kinds, deadline_s=deadline_s, seed=seed, cost_max=cost_max, stop=stop)
        if found.bound is not None:
            best = max(found.bound, best or 0.0)
        kinds = finer(kinds, found.amounts) if found.solved else []
    return best


def relaxed(
    tables: CapacityTables,
    split: Collection[int],
    kinds: Sequence[Kind],
    *,
    deadline_s: float,
    seed: int,
    cost_max: float = np.inf,
    cost_min: float = 0.0,
    stop: Stop = never,
) -> Relaxed:
    """The relaxation over these kinds. Asked for points that cost at least ``cost_min`` it proves nothing."""
    builder, cost, v = build(tables, set(split), list(kinds))
    if cost_min > 0:
        paid = np.flatnonzero(cost)
        builder.row("cost", [paid], [cost[paid]], lower=cost_min)
    solver = highspy.Highs()
    solver.silent()
    for option, value in (
        ("random_seed", seed),
        ("threads", 1),
        ("mip_rel_gap", RELATIVE_GAP),
        ("time_limit", max(TIME_LEAST_S, deadline_s - time.monotonic())),
        ("objective_bound", cost_max),
    ):
        solver.setOptionValue(option, value)
    if solver.passModel(highs_lp(builder.arrays())) == highspy.HighsStatus.kError:
        raise SolverFailed("HiGHS refused the relaxation's arrays.")
    solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    with highs_stopped_by(solver, stop):
        solver.run()
    return _answer(solver, kinds, v, cost_max, proves=cost_min <= 0)


def _answer(
    solver: highspy.Highs, kinds: Sequence[Kind], v: Columns, cost_max: float, proves: bool
) -> Relaxed:
    """What HiGHS found; where nothing is cheaper than the plan at hand, that is the bound."""
    status, info = solver.getModelStatus(), solver.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Relaxed(cost_max if proves and np.isfinite(cost_max) else None, np.inf, (), True)
    bound = min(cost_max, float(info.mip_dual_bound))
    proven = bound if proves and np.isfinite(bound) else None
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Relaxed(proven, np.inf, (), False)
    point = np.round(np.array(solver.getSolution().col_value))
    amounts = tuple(
        Amount(kind, int(point[clusters]), int(point[gpus[0]]))
        for kind, gpus, clusters in zip(kinds, v.gpus, v.clusters, strict=bool(v.clusters))
        if point[clusters] > 0
    )
    solved = status == highspy.HighsModelStatus.kOptimal
    return Relaxed(proven, float(info.objective_function_value), amounts, solved)


def widest_kinds(tables: CapacityTables, cost_max: float = np.inf) -> list[Kind]:
    """One kind for each GPU type, without counts that alone are dearer than the plan at hand."""
    kinds = []
    for g in range(len(tables.gpu_types)):
        limit = max((tables.pool_limit(p) for p in pools_of(tables, g)), default=0)
        if not tables.reserved:
            kinds += [Kind(g, 0, 0)] * bool(limit)
            continue
        price = float(tables.price_usd_per_hour[g])
        if np.isfinite(cost_max) and price > 0:
            limit = min(limit, int(cost_max * (1 + COST_MARGIN) / price))
        kinds += [Kind(g, 1, limit)] * (limit > 0)
    return kinds


def finer(kinds: Sequence[Kind], amounts: Collection[Amount]) -> list[Kind]:
    """The kinds divided where the answer has their mean count; none where all means are the largest."""
    at = {amount.kind: amount.mean for amount in amounts if amount.mean < amount.kind.most}
    divided: list[Kind] = []
    for kind in kinds:
        mean = at.get(kind)
        parts = [kind] if mean is None else [replace(kind, most=mean), replace(kind, least=mean + 1)]
        divided += parts
    return divided if at else []
