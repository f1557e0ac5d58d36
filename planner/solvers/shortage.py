r"""
A proof that demand must be left unserved, whatever the sub-clusters.

For each epoch by itself, models flow to GPU types (zones, sub-clusters and rounding are forgotten):

.. math::
    \min \sum_m r_m s_m \quad\text{with}\quad
    \sum_g f_{mg} + s_m = 1,\;
    \sum_m \nu_{mg} f_{mg} \le A_g,\;
    \sum_m w_{mg} f_{mg} \le M_g A_g

:math:`\nu_{mg}` is the least load of the model's whole demand on the type (as in the fluid bound) over the
usable share of the largest possible sub-cluster, :math:`A_g` the GPUs of the type in all pools, :math:`M_g`
usable memory of one, :math:`w_{mg}` weights. Every plan satisfies the rows: batches only shrink when traffic
is split, the usable share only grows with GPUs, and a GPU holds all the weights of its sub-cluster. A
positive minimum is a proof; zero proves nothing.
"""

from __future__ import annotations

import highspy
import numpy as np

from planner.formulation.builder import Builder
from planner.formulation.highs_lp import highs_lp
from planner.problem.capacity import batch_law
from planner.problem.fluid import gpus_largest, least_load_gpus
from planner.problem.problem import PlanningProblem
from planner.problem.tables import IDLE_RPS
from planner.solvers.outcome import SolverFailed

SHORT_RPS = 1e-6  # unserved demand that is more than a solver's noise


def demand_must_be_left(problem: PlanningProblem) -> bool:
    """Whether no plan can serve all demand, proven by the relaxation above; False says nothing."""
    return any(unserved_least_rps(problem, epoch) > SHORT_RPS for epoch in range(len(problem.epochs)))


def unserved_least_rps(problem: PlanningProblem, epoch: int) -> float:
    """Requests per second that every plan leaves unserved in one epoch at least; idle models count 0.01."""
    available = _available(problem)
    largest = {g: min(n, problem.policy.sub_cluster_gpus_max) for g, n in available.items() if n > 0}
    models = [problem.models[name] for name in sorted(problem.models)]
    b = Builder()
    cost: list[float] = []
    carried: dict[str, list[tuple[int, float, float]]] = {g: [] for g in largest}
    for model in models:
        mine = [b.column(f"s_{len(cost)}")]
        cost.append(max(model.demand_rps[epoch], IDLE_RPS))
        for g in sorted(model.profiles.keys() & largest.keys()):
            load = float(least_load_gpus(problem, model, g, largest[g])[epoch])
            if np.isfinite(load):
                law = batch_law(model, g, problem.policy.delays)
                need = load / float(law.usable_share(largest[g], model.arrival_cv))
                mine.append(b.column(f"f_{len(cost)}"))
                cost.append(0.0)
                carried[g].append((mine[-1], need, model.profiles[g].weights_gib))
        b.row(f"placed_{mine[0]}", [mine], [1.0], lower=1.0, upper=1.0)
    for g, entries in carried.items():
        columns = [[column for column, _, _ in entries]]
        memory = problem.gpu_types[g].usable_gib * available[g]
        b.row(f"inventory_{g}", columns, [[need for _, need, _ in entries]], upper=float(available[g]))
        b.row(f"memory_{g}", columns, [[weights for _, _, weights in entries]], upper=memory)
    return _least(b, np.array(cost))


def _available(problem: PlanningProblem) -> dict[str, int]:
    """GPUs of each type; those that the active plan holds count even where fewer are stocked now."""
    held: dict[tuple[str, str], int] = {}
    for cluster in problem.active_plan.sub_clusters if problem.active_plan else ():
        place = (cluster.gpu_type, cluster.zone)
        held[place] = held.get(place, 0) + cluster.gpus_max
    total: dict[str, int] = dict.fromkeys(gpus_largest(problem), 0)
    for pool in problem.pools:
        gpus = max(pool.available, held.get((pool.gpu_type, pool.zone), 0))
        total[pool.gpu_type] = total.get(pool.gpu_type, 0) + gpus
    return total


def _least(b: Builder, cost: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    if len(cost) == 0:
        return 0.0
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("threads", 1)
    if solver.passModel(highs_lp(b.arrays())) == highspy.HighsStatus.kError:
        raise SolverFailed("HiGHS refused the arrays of the shortage.")
    solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise SolverFailed(f"HiGHS ended the shortage with {solver.getModelStatus().name}.")
    return float(solver.getInfo().objective_function_value)
